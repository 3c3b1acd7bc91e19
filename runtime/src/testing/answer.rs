//! What the harness is told to answer, and what it does to one step of a run.

use serde_json::value::RawValue;

use crate::error::StepError;
use crate::protocol::StepResult;

/// A scripted end of one step.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The step ends with this as soon as it is reached.
    Ends(StepResult),
    /// The awaited event has this data; its envelope is made when it arrives.
    Arrives(Box<RawValue>),
    /// The step's time-out passes.
    TimesOut,
    /// The step's body never ends.
    Hangs,
}

/// What a check does to one step, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The first attempt fails, and may be repeated.
    FailFirstAttempt(String),
    /// The retries are spent.
    FailForGood(String),
    /// The worker dies after the body and before its result is durable.
    RunTwice(String),
    /// The worker dies after the result is durable.
    CrashAfter(String),
}

impl Fault {
    /// The error of a step that the harness fails for good.
    pub(super) fn error() -> StepError {
        StepError::new("InjectedError", "the harness fails this step for good")
    }
}
