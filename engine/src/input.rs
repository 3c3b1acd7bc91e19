//! What the engine's core is told.

use serde_json::value::RawValue;
use system_bus_runtime::error::{Error, Result};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::{RunId, StepKind};
use system_bus_runtime::protocol::{Operation, RunOptions, StepId};
use system_bus_runtime::service::{Delivery, Notification, StateCommand, StateReply};
use system_bus_runtime::webhook::{NewDelivery, Receipt, Settlement};
use tokio::sync::oneshot;

use crate::inbox::HandOn;
use crate::store::RunKey;

/// Where the answer to an input goes; an asker that has gone away is no error.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// One thing that happened outside the core.
pub(crate) enum Input {
    /// Events came in.
    Events { events: Vec<NewEvent>, reply: Reply<Vec<Accepted>> },
    /// A resident run has something to tell.
    Report(Report),
    /// Somebody wants a run cancelled.
    Cancel { run: RunId, reply: Reply<CancelOutcome> },
    /// A signal came in.
    Signal { signal: String, data: Box<RawValue>, reply: Reply<Option<RunId>> },
    /// A webhook's delivery came in.
    Deliver { delivery: Box<NewDelivery>, hand_on: HandOn, reply: Reply<Receipt> },
    /// Deliveries that waited for a server came to something.
    Settle { settlements: Vec<(i64, Settlement)>, reply: Reply<()> },
    /// A function tells the operator something; `delivery` is what another channel has made of it already.
    Notify { notification: Notification, delivery: Option<Delivery>, reply: Reply<Delivery> },
    /// A function changes what it keeps between runs.
    State { key: String, command: StateCommand, reply: Reply<StateReply> },
    /// The process is about to end: commit what ends, start nothing.
    Drain,
    /// The next commit fails, as on a full disk.
    #[cfg(test)]
    FailCommit,
    /// All state expires this much earlier, as if so much time had passed.
    #[cfg(test)]
    PassTime { millis: i64, reply: Reply<()> },
}

/// An event that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The engine's id of the event; of the first one when this is a repeat.
    pub id: ulid::Ulid,
    /// Whether an event with the same `id` was there within the last 24 hours.
    pub repeated: bool,
}

/// What became of a wish to cancel a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It is cancelled.
    Cancelled,
    /// It had ended before, with this status.
    Ended(&'static str),
    /// There is no such run.
    Unknown,
}

/// What one turn of a resident run brought.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) run: RunKey,
    /// The residence that speaks; a report of an earlier one is ignored.
    pub(crate) generation: u64,
    /// Deliveries that the resident has taken in since its last report.
    pub(crate) delivered: u32,
    /// Steps whose body executes now.
    pub(crate) executing: u32,
    pub(crate) registered: Vec<RegisteredStep>,
    pub(crate) ended: Vec<EndedStep>,
    pub(crate) abandoned: Vec<StepId>,
    /// Steps that the core let execute and that the function no longer reaches.
    pub(crate) refused: Vec<StepId>,
    pub(crate) done: Option<Result<Box<RawValue>, Error>>,
    /// Whether a retry of one step speaks, beside the run's main future.
    pub(crate) targeted: bool,
}

/// A step that waits for the engine.
#[derive(Debug)]
pub(crate) struct RegisteredStep {
    pub(crate) id: StepId,
    pub(crate) name: String,
    pub(crate) operation: Operation,
}

/// A step whose body has ended.
#[derive(Debug)]
pub(crate) struct EndedStep {
    pub(crate) id: StepId,
    pub(crate) name: String,
    pub(crate) kind: StepKind,
    pub(crate) options: RunOptions,
    /// When the body started, in milliseconds since 1970.
    pub(crate) started_at: i64,
    pub(crate) result: Result<Box<RawValue>, Error>,
}
