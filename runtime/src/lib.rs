//! The function author's side of system-bus: events, durable functions, steps, extractors and the registry.
//!
//! Authors import [`prelude`]. The engine, or a server, drives functions through [`protocol`], which is pure.

// Macro output names this crate; so does the output that this crate's own tests hold.
extern crate self as system_bus_runtime;

pub mod build;
pub mod error;
pub mod event;
pub mod expression;
pub mod function;
pub mod middleware;
pub mod outbound;
pub mod prelude;
pub mod protocol;
pub mod queue;
pub mod registry;
pub mod rejection;
pub mod server;
pub mod service;
pub mod step;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tls;
pub mod webhook;

#[doc(hidden)]
pub mod __private;

pub use error::{Error, Result, StepError};
pub use system_bus_macros::{EventUnion, event, failure_handler, inngest_fn, webhook_provider};
