//! `step.send_signal`: a message to whoever waits under a name, sent once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, StepError};
use crate::function::RunId;
use crate::protocol::{Journal, Operation, Slot, SlotPoll};

/// What became of a signal: the result of a `step.send_signal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalDelivery {
    /// The run that waited for it; none when nobody did, and the signal is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

/// The future of [`Step::send_signal`](super::Step::send_signal).
#[must_use = "a step does nothing until it is awaited"]
pub struct SendSignal {
    slot: Slot,
    name: String,
    signal: String,
    data: Result<Box<RawValue>, Error>,
}

impl SendSignal {
    pub(super) fn new(journal: Journal, name: String, signal: String, data: Result<Box<RawValue>, Error>) -> Self {
        Self { slot: Slot::new(journal), name, signal, data }
    }
}

impl Future for SendSignal {
    type Output = Result<SignalDelivery, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let data = match &this.data {
            Ok(data) => data,
            Err(error) => return Poll::Ready(Err(StepError::new("EncodeError", error))),
        };
        let operation = || Operation::SendSignal { signal: this.signal.clone(), data: data.clone() };
        match this.slot.poll(context, || (this.name.clone(), operation())) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(result) => Poll::Ready(result.and_then(|value| super::decode_result(&this.name, &value))),
        }
    }
}
