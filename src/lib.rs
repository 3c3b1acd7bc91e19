//! The worker around the functions: command line, HTTP server, embedded engine.
//!
//! - [`config`]: what the environment says, checked
//! - [`http`]: the routes of a worker; builds without a socket, `run(listener, …)` serves
//! - [`cli`]: the commands, one file each
//! - `backend`: whom commands ask, a worker or a server
//! - `client`: how commands talk to a running worker
//! - `logging`: where log lines go
//!
//! It holds no function itself, so that a test or an example can link its own.

pub mod cli;
pub mod config;
pub mod http;

mod application;
mod backend;
mod client;
mod logging;
mod sample;
mod services;

pub use application::Application;
pub use cli::main;

/// The guide's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/middleware.md")]
pub mod middleware_guide {}
