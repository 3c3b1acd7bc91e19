//! The program from outside: real processes, their output, their HTTP, their data directory.

#![allow(clippy::expect_used, reason = "all of this is tests")]

mod commands;
mod crash;
mod fixture;
mod flood;
mod follow;
mod guard;
mod inbox;
mod limits;
mod manifest;
mod process;
#[cfg(unix)]
mod programs;
mod redis;
mod registry;
mod server;
mod start;
mod status;
mod stub;
mod tidy;
mod webhooks;
