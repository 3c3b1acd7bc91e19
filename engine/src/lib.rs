//! The embedded durable engine: it stores and drives the runs of the functions that are linked into the program.
//!
//! [`Engine::open`] starts it; everything else is a method of the handle. Inside, one thread owns the store:
//!
//! ```text
//! HTTP, functions ──Input──▶ driver ──▶ core (state, input, now) ──Effect──▶ executor, replies
//!                              │          one SQLite transaction for each batch of inputs
//!                              └── commit; nobody is told anything before it
//! ```
//!
//! - [`limits`]: every bound, with its reason
//! - `core`, `matcher`, `runs`, `signals`, `steps`, `failures`, `notifications`, `inbox`, `scheduler`, `flow`, `recovery`: what the
//!   core decides
//! - `store`: what is remembered
//! - `executor`: runs whose futures are in memory
//! - `outbound`: requests that steps ask for
//! - `driver`: the thread, the clock, the tasks
//! - `query`: reading beside the writer
//! - [`api`]: the HTTP routes

pub mod api;
pub mod limits;

mod catalog;
mod clock;
mod core;
mod driver;
mod effect;
mod executor;
mod failures;
mod flow;
mod handle;
mod inbox;
mod input;
mod matcher;
mod notifications;
mod outbound;
mod query;
mod recovery;
mod resident;
mod runs;
mod scheduler;
mod services;
mod signals;
mod stats;
mod steps;
mod store;

#[cfg(test)]
mod real;
#[cfg(test)]
mod sim;

pub use catalog::CatalogError;
pub use handle::{Config, Engine, SendError, SignalError, StartError};
pub use inbox::HandOn;
pub use input::{Accepted, CancelOutcome};
pub use notifications::FollowError;
pub use query::{
    EventDetail, EventSummary, FateDetail, Fates, QueryError, RunDetail, RunFilter, RunLink, RunStatus, RunSummary,
    StepDetail,
};
pub use signals::SignalProblem;
pub use stats::Stats;
pub use store::{KeptNotification, OpenError};
