//! What a step asks for.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::error::StepError;
use crate::event::NewEvent;
use crate::function::StepKind;
use crate::outbound::{FetchRequest, InferRequest};

/// What a step's `await` yields: its result as JSON, or its error once the retries are spent.
pub type StepResult = Result<Box<RawValue>, StepError>;

/// What a step asks its driver for.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Permission to run its body.
    Run(RunOptions),
    /// To be woken.
    Sleep(SleepUntil),
    /// An event.
    WaitForEvent {
        /// The event's name.
        event: &'static str,
        /// A condition over `event` (the run's) and `async` (the awaited one).
        expression: Option<String>,
        /// How long to wait.
        timeout: Duration,
    },
    /// A signal.
    WaitForSignal {
        /// The signal's name.
        signal: String,
        /// How long to wait.
        timeout: Duration,
        /// What happens when somebody waits for it already.
        on_conflict: OnConflict,
    },
    /// That a signal be sent.
    SendSignal {
        /// The signal's name.
        signal: String,
        /// What goes with it.
        data: Box<RawValue>,
    },
    /// The response to an HTTP request.
    Fetch(Box<FetchRequest>),
    /// The answer of a language model.
    Infer(Box<InferRequest>),
    /// That these events be sent.
    SendEvent(Vec<NewEvent>),
    /// The result of another function.
    Invoke {
        /// The other function's id.
        function: Cow<'static, str>,
        /// The data of the event that starts it.
        data: Box<RawValue>,
        /// How long to wait.
        timeout: Option<Duration>,
    },
}

impl Operation {
    /// The kind of step.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::Run(_) => StepKind::Run,
            Self::Sleep(_) => StepKind::Sleep,
            Self::WaitForEvent { .. } => StepKind::WaitForEvent,
            Self::WaitForSignal { .. } => StepKind::WaitForSignal,
            Self::SendSignal { .. } => StepKind::SendSignal,
            Self::Fetch(_) => StepKind::Fetch,
            Self::Infer(_) => StepKind::Infer,
            Self::SendEvent(_) => StepKind::SendEvent,
            Self::Invoke { .. } => StepKind::Invoke,
        }
    }
}

/// The options of one `run` step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// How often the step is tried again; the function's own number when absent.
    pub retries: Option<u32>,
    /// The pause before each further attempt; the engine's own when absent.
    pub backoff: Option<Backoff>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
}

/// The pause before each further attempt: `first`, doubled each time up to `max`; the engine adds jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause before the second attempt.
    pub first: Duration,
    /// The longest pause.
    pub max: Duration,
}

/// What happens to a wait for a signal that somebody waits for already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// It fails. The embedded engine fails the step, which the function can catch; an Inngest server fails the run.
    #[default]
    Fail,
    /// It takes the signal over; the earlier wait goes on until its time-out.
    Replace,
}

/// When a sleeping step is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SleepUntil {
    /// After a duration, counted from when the engine takes the step in.
    After(Duration),
    /// At a time, in milliseconds since 1970.
    At(i64),
}
