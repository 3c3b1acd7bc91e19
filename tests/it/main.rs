//! The program from outside: real processes, their output, their HTTP, their data directory.

#![allow(clippy::expect_used, reason = "all of this is tests")]

mod commands;
mod crash;
mod fixture;
mod follow;
mod guard;
mod limits;
mod manifest;
mod process;
mod redis;
mod registry;
mod server;
mod start;
mod status;
mod tidy;
mod webhooks;
