//! A parameter of a durable function is a type that can be made from the call's context.

use super::{Context, RunInfo};
use crate::error::{Error, Result};
use crate::event::{AnyEvent, DecodeError, Event, EventData, EventUnion, Events};
use crate::step::Step;

/// A type that a durable function can take as a parameter.
///
/// Implement it for what your functions need; a test calls the function with a double instead.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a durable function",
    label = "not an extractor",
    note = "implement `FromContext` for it"
)]
pub trait FromContext: Sized {
    /// Makes the value for one call; an error fails the run.
    fn from_context(context: &Context) -> Result<Self>;
}

/// Proves that a parameter can hold the event of a trigger; the macro asserts it for every trigger.
#[diagnostic::on_unimplemented(
    message = "the event `{Trigger}` that triggers the function does not fit here",
    label = "not made for `{Trigger}`",
    note = "take `Event<{Trigger}>` (a failure handler `Failure<{Trigger}>`); for several events an enum that derives \
            `EventUnion`, or `AnyEvent`"
)]
pub trait Accepts<Trigger> {}

// The parameter accepts what its data does. The data is the event itself, any event, or an enum for which
// `#[derive(EventUnion)]` implements this trait: that type is the application's own, the parameter's would not be.
impl<T, U: Accepts<T>> Accepts<T> for Event<U> {}
impl<T, U: Accepts<T>> Accepts<T> for Events<U> {}
impl<T: EventData> Accepts<T> for T {}
impl<T> Accepts<T> for AnyEvent {}

pub(super) fn undecodable(name: &str, error: &DecodeError) -> Error {
    Error::terminal(format!("the event `{name}` does not fit its type: {error}")).named(DECODE_ERROR)
}

/// The name of the error of a run whose event does not decode; the event's fate is then "undecodable".
pub(crate) const DECODE_ERROR: &str = "EventDecodeError";

impl<T: EventUnion> FromContext for Event<T> {
    fn from_context(context: &Context) -> Result<Self> {
        let event = context.event();
        Event::decode(event).map_err(|error| undecodable(&event.name, &error))
    }
}

impl<T: EventUnion> FromContext for Events<T> {
    fn from_context(context: &Context) -> Result<Self> {
        Events::decode(context.events()).map_err(|error| undecodable(&context.event().name, &error))
    }
}

impl FromContext for Step {
    fn from_context(context: &Context) -> Result<Self> {
        Ok(Step::new(context.journal().clone()))
    }
}

impl FromContext for RunInfo {
    fn from_context(context: &Context) -> Result<Self> {
        Ok(context.run().clone())
    }
}
