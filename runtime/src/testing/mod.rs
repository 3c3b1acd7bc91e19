//! The test kit: runs a durable function in process, without an engine, and proves that it survives failures.
//!
//! [`Harness`] is what each function's tests use. It drives the function over the same step core as the engine does,
//! answers sleeps at once on a virtual clock, waits, invocations and requests from a script, and records what the function sends.
//! [`Harness::check_all`] then fails, repeats and crashes every step in turn. It opens no socket and never sleeps.
//!
//! [`WebhookHarness`] delivers to a webhook provider without a socket.
//!
//! [`RecordingSink`] and [`MemoryState`] are the doubles that it gives to functions; they also serve on their own.
//! [`ScriptedProcesses`] stands for other programs.
//! [`RedisServer`] is a real one, and [`check_state_store`] is what every state store must pass.

mod answer;
mod checks;
mod clock;
mod contract;
mod drive;
mod harness;
mod open;
mod problem;
mod processes;
mod redis;
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
pub use contract::{StateSubject, check_state_store};
pub use harness::Harness;
pub use problem::HarnessError;
pub use processes::ScriptedProcesses;
pub use redis::RedisServer;
pub use report::{Report, SentSignal};
pub use sink::RecordingSink;
pub use state::MemoryState;
pub use webhook::WebhookHarness;

#[cfg(test)]
mod tests;
