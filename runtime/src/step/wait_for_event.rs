//! `step.wait_for_event`: the next event that matches.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::StepError;
use crate::event::{Event, EventData, ReceivedEvent, decode};
use crate::protocol::{Journal, Operation, Slot, SlotPoll};

/// How long a wait lasts when the author says nothing.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The future of [`Step::wait_for_event`](super::Step::wait_for_event).
#[must_use = "a step does nothing until it is awaited"]
pub struct WaitForEvent<T> {
    slot: Slot,
    name: String,
    expression: Option<String>,
    timeout: Duration,
    event: PhantomData<fn() -> T>,
}

impl<T> WaitForEvent<T> {
    pub(super) fn new(journal: Journal, name: String) -> Self {
        Self { slot: Slot::new(journal), name, expression: None, timeout: TIMEOUT_DEFAULT, event: PhantomData }
    }

    /// Takes only an event for which this holds: `event` is the run's own, `async` the awaited one, as in
    /// `event.data.id == async.data.id`. Such an equality is looked up in an index.
    pub fn matching(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    /// Gives up after this long, counted from when the step is first reached.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<T: EventData> Future for WaitForEvent<T> {
    type Output = Result<Option<Event<T>>, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let operation =
            || Operation::WaitForEvent { event: T::NAME, expression: this.expression.clone(), timeout: this.timeout };
        match this.slot.poll(context, || (this.name.clone(), operation())) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(result) => Poll::Ready(result.and_then(|value| {
                let received: Option<ReceivedEvent> = super::decode_result(&this.name, &value)?;
                received.map(|event| typed(&this.name, event)).transpose()
            })),
        }
    }
}

fn typed<T: EventData>(step: &str, event: ReceivedEvent) -> Result<Event<T>, StepError> {
    match decode(&event.data) {
        Ok(data) => Ok(Event { id: event.id, name: event.name, data, ts: event.ts }),
        Err(error) => Err(StepError::new(
            StepError::DECODE,
            format!("the event `{}` that step `{step}` waited for does not fit its type: {error}", event.name),
        )),
    }
}
