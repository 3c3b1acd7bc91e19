//! The only door for macro output; nothing here is part of the public interface.

pub use inventory;
pub use schemars;
pub use serde;
pub use serde_json;

pub use std::marker::PhantomData;

pub use crate::error::Result;
pub use crate::event::{Cron, DecodeError, Event, EventData, EventRegistration, EventUnion, decode};
pub use crate::function::{
    Accepts, Batch, CancelOn, Checkpoint, Concurrency, Context, Debounce, FromContext, Function, FunctionConfig,
    FunctionFuture, FunctionRegistration, FunctionResult, Priority, RateLimit, Role, Scope, Singleton, SingletonMode,
    StepKind, StepSite, Throttle, Timeouts, Trigger,
};
pub use crate::registry::Site;
pub use crate::step::Step;

/// Asserts that a parameter's type is an extractor.
pub const fn assert_from_context<T: FromContext>() {}

/// Asserts that a parameter can hold a trigger's event.
pub const fn assert_accepts<P: Accepts<T>, T>() {}

/// Asserts that a function's result can be stored.
pub const fn assert_function_result<T: FunctionResult>() {}

/// The data of an event, for [`Function::Input`]: a type that is no event gives one message, not one for each bound.
pub trait EventInput {
    /// The type itself.
    type Data: serde::Serialize;
}

impl<T: EventData> EventInput for T {
    type Data = T;
}

/// Asserts that a type carries an event's data.
pub const fn assert_event<T: EventData>() {}

/// Finds out whether a type named in a step is an event: `(&Probe::<T>(PhantomData)).event_name()` is
/// `Some(NAME)` for events and `None` for every other type.
pub struct Probe<T>(pub PhantomData<T>);

impl<T: EventData> Probe<T> {
    /// The event's name.
    pub fn event_name(&self) -> Option<&'static str> {
        Some(T::NAME)
    }
}

/// The answer for a type that is no event.
pub trait NotAnEvent {
    /// None.
    fn event_name(&self) -> Option<&'static str> {
        None
    }
}

impl<T> NotAnEvent for &Probe<T> {}
