//! The test kit: runs a durable function in process, without an engine, and proves that it survives failures.
//!
//! [`Harness`] is what each function's tests use. It drives the function over the same step core as the engine does,
//! answers sleeps at once on a virtual clock, waits, invocations and requests from a script, and records what the function sends.
//! [`Harness::check_all`] then fails, repeats and crashes every step in turn. It opens no socket and never sleeps.
//!
//! [`WebhookHarness`] delivers to a webhook provider without a socket.
//!
//! [`RecordingSink`] and [`MemoryState`] are the doubles that it gives to functions; they also serve on their own.

mod answer;
mod checks;
mod clock;
mod drive;
mod harness;
mod open;
mod problem;
mod refusals;
mod report;
mod sink;
mod state;
mod subject;
mod watchdog;
mod webhook;
mod world;

pub use checks::Check;
pub use clock::TestClock;
pub use harness::Harness;
pub use problem::HarnessError;
pub use report::{Report, SentSignal};
pub use sink::RecordingSink;
pub use state::MemoryState;
pub use webhook::WebhookHarness;

#[cfg(test)]
mod tests;
