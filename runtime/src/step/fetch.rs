//! `step.fetch`: an HTTP request that is tried until it is answered.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::StepError;
use crate::outbound::{FetchRequest, FetchResponse};
use crate::protocol::{Journal, Operation, Slot, SlotPoll};

/// The future of [`Step::fetch`](super::Step::fetch).
#[must_use = "a step does nothing until it is awaited"]
pub struct Fetch {
    slot: Slot,
    name: String,
    request: Box<FetchRequest>,
}

impl Fetch {
    pub(super) fn new(journal: Journal, name: String, request: FetchRequest) -> Self {
        Self { slot: Slot::new(journal), name, request: Box::new(request) }
    }
}

impl Future for Fetch {
    type Output = Result<FetchResponse, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Err(error) = this.request.check() {
            return Poll::Ready(Err(error.into()));
        }
        // The driver makes the request: an execution of this step is nothing that this future could poll.
        match this.slot.poll(context, || (this.name.clone(), Operation::Fetch(this.request.clone()))) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(result) => Poll::Ready(result.and_then(|value| super::decode_result(&this.name, &value))),
        }
    }
}
