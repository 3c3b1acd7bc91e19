//! `step.wait_for_signal`: a message to whoever waits under a name.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::StepError;
use crate::event::decode;
use crate::protocol::{Journal, OnConflict, Operation, Slot, SlotPoll};

/// How long a wait lasts when the author says nothing.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The future of [`Step::wait_for_signal`](super::Step::wait_for_signal).
#[must_use = "a step does nothing until it is awaited"]
pub struct WaitForSignal<T> {
    slot: Slot,
    name: String,
    signal: String,
    timeout: Duration,
    on_conflict: OnConflict,
    data: PhantomData<fn() -> T>,
}

/// A signal as an engine hands it back.
#[derive(Deserialize)]
struct ReceivedSignal {
    signal: String,
    #[serde(default)]
    data: Box<RawValue>,
}

impl<T> WaitForSignal<T> {
    pub(super) fn new(journal: Journal, name: String, signal: String) -> Self {
        let (slot, on_conflict) = (Slot::new(journal), OnConflict::default());
        Self { slot, name, signal, timeout: TIMEOUT_DEFAULT, on_conflict, data: PhantomData }
    }

    /// Gives up after this long, counted from when the step is first reached.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What happens when somebody waits for the signal already; this step fails when nothing is said.
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }
}

impl<T: DeserializeOwned> Future for WaitForSignal<T> {
    type Output = Result<Option<T>, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let operation = || Operation::WaitForSignal {
            signal: this.signal.clone(),
            timeout: this.timeout,
            on_conflict: this.on_conflict,
        };
        match this.slot.poll(context, || (this.name.clone(), operation())) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(result) => Poll::Ready(result.and_then(|value| {
                let received: Option<ReceivedSignal> = super::decode_result(&this.name, &value)?;
                received.map(|received| typed(&this.name, &received)).transpose()
            })),
        }
    }
}

fn typed<T: DeserializeOwned>(step: &str, received: &ReceivedSignal) -> Result<T, StepError> {
    decode(&received.data).map_err(|error| {
        StepError::new(
            StepError::DECODE,
            format!("the signal `{}` that step `{step}` waited for does not fit its type: {error}", received.signal),
        )
    })
}
