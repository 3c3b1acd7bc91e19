//! The step core: what one call of a durable function does, decided without IO.
//!
//! Nothing here reads a clock, draws a random number, or touches a socket, a file or a task; `tests/it/tidy.rs` checks the
//! imports. A driver feeds an [`Execution`] with the results that are remembered, polls it with [`Execution::turn`], and
//! acts on what the [`Turn`] says. There are two drivers: [`Conversation`] for one request of the Inngest protocol, and the
//! embedded engine's resident executor.
//!
//! A step goes through these phases; `journal.rs` holds the only code that moves one:
//!
//! | from | by | to |
//! | --- | --- | --- |
//! | – | first poll of its future | waiting |
//! | waiting | [`Journal::grant`] | executing |
//! | executing | its body ends | ended |
//! | waiting, ended | its result is handed back | ready |
//! | ready | poll of its future | taken |
//! | any but taken | its future is dropped | abandoned |

mod call;
mod execution;
mod journal;
mod operation;
mod step_id;
pub mod wire;

pub use call::{Call, Conversation, Outcome};
pub use execution::{Execution, Turn, panicked};
pub use journal::{CurrentStep, Ended, Journal, Registered, current_step};
pub(crate) use journal::{Slot, SlotPoll};
pub use operation::{Backoff, OnConflict, Operation, RunOptions, SleepUntil, StepResult};
pub use step_id::StepId;
pub(crate) use step_id::StepMap;

#[cfg(test)]
mod tests;
