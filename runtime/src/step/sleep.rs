//! `step.sleep` and `step.sleep_until`: waiting without costing anything.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::protocol::{Journal, Operation, SleepUntil, Slot, SlotPoll};

/// The future of [`Step::sleep`](super::Step::sleep).
#[must_use = "a step does nothing until it is awaited"]
pub struct Sleep {
    slot: Slot,
    name: String,
    until: SleepUntil,
}

impl Sleep {
    pub(super) fn new(journal: Journal, name: String, until: SleepUntil) -> Self {
        Self { slot: Slot::new(journal), name, until }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.slot.poll(context, || (this.name.clone(), Operation::Sleep(this.until))) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(_) => Poll::Ready(()),
        }
    }
}
