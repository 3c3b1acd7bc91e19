//! `step.send_event`: events that are sent once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::{Error, StepError};
use crate::event::{EventData, NewEvent};
use crate::protocol::{Journal, Operation, Slot, SlotPoll};

/// What `send_event` takes: one event's data, a tuple or a `Vec` of them, or [`NewEvent`]s.
pub trait IntoEvents {
    /// The events, in order.
    fn into_events(self) -> Result<Vec<NewEvent>, Error>;
}

impl<T: EventData> IntoEvents for T {
    fn into_events(self) -> Result<Vec<NewEvent>, Error> {
        Ok(vec![NewEvent::new(&self)?])
    }
}

impl IntoEvents for NewEvent {
    fn into_events(self) -> Result<Vec<NewEvent>, Error> {
        Ok(vec![self])
    }
}

impl<T: IntoEvents> IntoEvents for Vec<T> {
    fn into_events(self) -> Result<Vec<NewEvent>, Error> {
        let mut events = Vec::with_capacity(self.len());
        for item in self {
            events.extend(item.into_events()?);
        }
        Ok(events)
    }
}

macro_rules! tuples {
    ($(($($item:ident)+))+) => {$(
        impl<$($item: IntoEvents),+> IntoEvents for ($($item,)+) {
            fn into_events(self) -> Result<Vec<NewEvent>, Error> {
                #[allow(non_snake_case)]
                let ($($item,)+) = self;
                let mut events = Vec::new();
                $(events.extend($item.into_events()?);)+
                Ok(events)
            }
        }
    )+};
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}

/// The future of [`Step::send_event`](super::Step::send_event).
#[must_use = "a step does nothing until it is awaited"]
pub struct SendEvent {
    slot: Slot,
    name: String,
    events: Result<Vec<NewEvent>, Error>,
}

impl SendEvent {
    pub(super) fn new(journal: Journal, name: String, events: Result<Vec<NewEvent>, Error>) -> Self {
        Self { slot: Slot::new(journal), name, events }
    }
}

impl Future for SendEvent {
    type Output = Result<Vec<String>, StepError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let events = match &mut this.events {
            Ok(events) => events,
            Err(error) => return Poll::Ready(Err(StepError::new("EncodeError", error))),
        };
        match this.slot.poll(context, || (this.name.clone(), Operation::SendEvent(std::mem::take(events)))) {
            SlotPoll::Pending | SlotPoll::Execute | SlotPoll::Ended => Poll::Pending,
            SlotPoll::Ready(result) => Poll::Ready(result.and_then(|value| super::decode_result(&this.name, &value))),
        }
    }
}
