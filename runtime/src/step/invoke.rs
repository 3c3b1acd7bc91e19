//! `step.invoke`: another function's result.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, StepError};
use crate::protocol::{Journal, Operation, Slot, SlotPoll};

/// The future of [`Step::invoke`](super::Step::invoke).
#[must_use = "a step does nothing until it is awaited"]
pub struct Invoke<T> {
    slot: Slot,
    name: String,
    function: &'static str,
    data: Result<Box<RawValue>, Error>,
    timeout: Option<Duration>,
    output: PhantomData<fn() -> T>,
}

impl<T> Invoke<T> {
    pub(super) fn new(
        journal: Journal,
        name: String,
        function: &'static str,
        data: Result<Box<RawValue>, Error>,
    ) -> Self {
        Self { slot: Slot::new(journal), name, function, data, timeout: None, output: PhantomData }
    }

    /// Fails with a time-out error after this long; the other run goes on.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl<T: DeserializeOwned> Future for Invoke<T> {
    type Output = Result<T, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let data = match &this.data {
            Ok(data) => data,
            Err(error) => return Poll::Ready(Err(StepError::new("EncodeError", error))),
        };
        let operation =
            || Operation::Invoke { function: this.function.into(), data: data.clone(), timeout: this.timeout };
        match this.slot.poll(context, || (this.name.clone(), operation())) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(result) => Poll::Ready(result.and_then(|value| super::decode_result(&this.name, &value))),
        }
    }
}
