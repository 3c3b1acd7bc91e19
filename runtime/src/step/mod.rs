//! Steps: named units of work whose results are stored, so that a run goes on where it was.

mod fetch;
mod infer;
mod invoke;
mod output;
mod run;
mod send_event;
mod send_signal;
mod sleep;
mod wait_for_event;
mod wait_for_signal;

pub use fetch::Fetch;
pub use infer::{Ai, Infer};
pub use invoke::Invoke;
pub use output::StepOutput;
pub use run::RunStep;
pub use send_event::{IntoEvents, SendEvent};
pub use send_signal::{SendSignal, SignalDelivery};
pub use sleep::Sleep;
pub use wait_for_event::WaitForEvent;
pub use wait_for_signal::WaitForSignal;

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, StepError};
use crate::event::{EventData, decode};
use crate::function::Function;
use crate::outbound::FetchRequest;
use crate::protocol::{Journal, SleepUntil};

/// The handle by which a function starts steps. It is cheap to clone.
///
/// A step does nothing until it is awaited. Its name is its identity: it must be unique in the function, and the same at
/// every replay.
#[derive(Clone)]
pub struct Step {
    journal: Journal,
}

impl Step {
    /// A handle to the steps of a call.
    pub fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Runs `future` once and remembers its result; a remembered step drops the future unpolled.
    ///
    /// A failed future is tried again; the `await` yields an error only when the retries are spent. The value is what was
    /// stored, read back, so that it is the same now and at every replay.
    pub fn run<F, T, E>(&self, name: impl Into<String>, future: F) -> RunStep<F>
    where
        F: Future<Output = Result<T, E>>,
        T: StepOutput,
        E: Into<Error>,
    {
        RunStep::new(self.journal.clone(), name.into(), future)
    }

    /// Sleeps for `duration`, counted from when the step is first reached. A sleeping run costs no memory.
    pub fn sleep(&self, name: impl Into<String>, duration: Duration) -> Sleep {
        Sleep::new(self.journal.clone(), name.into(), SleepUntil::After(duration))
    }

    /// Sleeps until `time`, in milliseconds since 1970 or as a [`jiff::Timestamp`]; a past time does not sleep.
    pub fn sleep_until(&self, name: impl Into<String>, time: impl Into<UnixMillis>) -> Sleep {
        Sleep::new(self.journal.clone(), name.into(), SleepUntil::At(time.into().0))
    }

    /// Waits for the next event of type `T`, at most 7 days unless [`WaitForEvent::timeout`] says otherwise.
    ///
    /// Yields `None` at the time-out, and a decode error for an event whose data does not fit `T`.
    pub fn wait_for_event<T: EventData>(&self, name: impl Into<String>) -> WaitForEvent<T> {
        WaitForEvent::new(self.journal.clone(), name.into())
    }

    /// Waits for a signal, at most 7 days unless [`WaitForSignal::timeout`] says otherwise. At most one step of all runs
    /// waits for a signal; [`WaitForSignal::on_conflict`] says what happens to a second one.
    ///
    /// Yields what was sent with the signal, `None` at the time-out, and a decode error for what does not fit `T`.
    pub fn wait_for_signal<T: DeserializeOwned>(
        &self,
        name: impl Into<String>,
        signal: impl Into<String>,
    ) -> WaitForSignal<T> {
        WaitForSignal::new(self.journal.clone(), name.into(), signal.into())
    }

    /// Sends a signal, exactly once; yields the run that received it. A signal that nobody waits for is gone.
    pub fn send_signal(
        &self,
        name: impl Into<String>,
        signal: impl Into<String>,
        data: &(impl Serialize + ?Sized),
    ) -> SendSignal {
        let data = serde_json::value::to_raw_value(data).map_err(Error::terminal);
        SendSignal::new(self.journal.clone(), name.into(), signal.into(), data)
    }

    /// Has an HTTP request made, and remembers the response, whatever its status.
    ///
    /// A request that gets no response is tried again as often as a step of the function is; the `await` then yields an
    /// error named `GatewayError`. The server may see a request twice: one that changes something needs an idempotency
    /// key.
    pub fn fetch(&self, name: impl Into<String>, request: FetchRequest) -> Fetch {
        Fetch::new(self.journal.clone(), name.into(), request)
    }

    /// The steps that use language models.
    pub fn ai(&self) -> Ai {
        Ai::new(self.journal.clone())
    }

    /// Sends events, exactly once; yields their ids.
    pub fn send_event(&self, name: impl Into<String>, events: impl IntoEvents) -> SendEvent {
        SendEvent::new(self.journal.clone(), name.into(), events.into_events())
    }

    /// Calls the function `F` and waits for its output.
    pub fn invoke<F: Function>(&self, name: impl Into<String>, data: F::Input) -> Invoke<F::Output>
    where
        F::Input: Serialize,
        F::Output: DeserializeOwned,
    {
        let data = serde_json::value::to_raw_value(&data).map_err(Error::terminal);
        Invoke::new(self.journal.clone(), name.into(), F::ID, data)
    }
}

/// A point in time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub i64);

impl From<i64> for UnixMillis {
    fn from(millis: i64) -> Self {
        Self(millis)
    }
}

impl From<jiff::Timestamp> for UnixMillis {
    fn from(time: jiff::Timestamp) -> Self {
        Self(time.as_millisecond())
    }
}

/// Reads a stored result back; a result that does not fit is a decode error that names the step.
fn decode_result<T: DeserializeOwned>(step: &str, result: &RawValue) -> Result<T, StepError> {
    decode(result).map_err(|error| {
        StepError::new(StepError::DECODE, format!("the result of step `{step}` does not fit its type: {error}"))
    })
}
