//! `step.ai().infer`: a language model's answer.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use crate::error::StepError;
use crate::outbound::InferRequest;
use crate::protocol::{Journal, Operation, Slot, SlotPoll};

/// The steps that use language models; [`Step::ai`](super::Step::ai) gives it.
#[derive(Clone)]
pub struct Ai {
    journal: Journal,
}

impl Ai {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Asks a language model; yields the provider's answer, as [`serde_json::Value`] or as a type that it fits.
    ///
    /// A request that fails, or that is answered with a status above 299, is tried again as often as a step of the
    /// function is; the `await` then yields an error named `AIGatewayError`. The key is in no result and no error.
    pub fn infer<T: DeserializeOwned>(&self, name: impl Into<String>, request: InferRequest) -> Infer<T> {
        Infer {
            slot: Slot::new(self.journal.clone()),
            name: name.into(),
            request: Box::new(request),
            answer: PhantomData,
        }
    }
}

/// The future of [`Ai::infer`].
#[must_use = "a step does nothing until it is awaited"]
pub struct Infer<T> {
    slot: Slot,
    name: String,
    request: Box<InferRequest>,
    answer: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Future for Infer<T> {
    type Output = Result<T, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Err(error) = this.request.check() {
            return Poll::Ready(Err(error.into()));
        }
        // The driver makes the request: an execution of this step is nothing that this future could poll.
        match this.slot.poll(context, || (this.name.clone(), Operation::Infer(this.request.clone()))) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(result) => Poll::Ready(result.and_then(|value| super::decode_result(&this.name, &value))),
        }
    }
}
