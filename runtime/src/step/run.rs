//! `step.run`: code that runs once.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};

use super::{StepOutput, decode_result};
use crate::error::{Error, StepError};
use crate::protocol::{Backoff, Journal, Operation, RunOptions, Slot, SlotPoll, panicked};

/// The future of [`Step::run`](super::Step::run).
#[must_use = "a step does nothing until it is awaited"]
pub struct RunStep<F> {
    slot: Slot,
    name: String,
    options: RunOptions,
    // Boxed, so that the step itself can move: `select!` and `Vec`s of steps then need no pinning.
    body: Option<Pin<Box<F>>>,
}

impl<F> RunStep<F> {
    pub(super) fn new(journal: Journal, name: String, future: F) -> Self {
        Self { slot: Slot::new(journal), name, options: RunOptions::default(), body: Some(Box::pin(future)) }
    }

    /// Tries the step again at most `retries` times, in place of the function's number; 0 for a single attempt.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// Pauses `first` before the second attempt and twice as long each time, at most `max`.
    pub fn backoff(mut self, first: Duration, max: Duration) -> Self {
        self.options.backoff = Some(Backoff { first, max });
        self
    }

    /// Fails an attempt that takes longer than this; the next one may still succeed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }
}

impl<F, T, E> Future for RunStep<F>
where
    F: Future<Output = Result<T, E>>,
    T: StepOutput,
    E: Into<Error>,
{
    type Output = Result<T, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.slot.poll(context, || (this.name.clone(), Operation::Run(this.options))) {
            SlotPoll::Pending => Poll::Pending,
            SlotPoll::Ended => {
                this.body = None;
                Poll::Pending
            }
            SlotPoll::Ready(result) => {
                this.body = None;
                Poll::Ready(result.and_then(|value| decode_result(&this.name, &value)))
            }
            SlotPoll::Execute => {
                if let Some(result) = this.poll_body(context) {
                    this.body = None;
                    this.slot.end(result);
                }
                Poll::Pending
            }
        }
    }
}

impl<F, T, E> RunStep<F>
where
    F: Future<Output = Result<T, E>>,
    T: StepOutput,
    E: Into<Error>,
{
    fn poll_body(&mut self, context: &mut Context<'_>) -> Option<Result<Box<RawValue>, Error>> {
        let body = self.body.as_mut()?;
        let polled = self.slot.enter(|| catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(context))));
        match polled {
            Ok(Poll::Pending) => None,
            Ok(Poll::Ready(Ok(value))) => Some(to_raw_value(&value).map_err(|error| {
                Error::terminal(format!("the result of step `{}` cannot be written as JSON: {error}", self.name))
                    .named("EncodeError")
            })),
            Ok(Poll::Ready(Err(error))) => Some(Err(error.into())),
            Err(panic) => Some(Err(panicked(&format!("step `{}`", self.name), &*panic))),
        }
    }
}
