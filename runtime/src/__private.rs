//! The only door for macro output; nothing here is part of the public interface.

pub use inventory;
pub use schemars;
pub use serde;
pub use serde_json;

pub use std::marker::PhantomData;

pub use crate::error::Result;
pub use crate::event::{AnyEvent, Cron, DecodeError, Event, EventData, EventRegistration, EventUnion, decode};
pub use crate::function::{
    Accepts, Batch, CancelOn, Checkpoint, Concurrency, Context, Debounce, FailureHandler, FailureRegistration,
    FromContext, Function, FunctionConfig, FunctionFuture, FunctionRegistration, FunctionResult, OnFailure, Priority,
    RateLimit, Role, Scope, Singleton, SingletonMode, StepKind, StepSite, Throttle, Timeouts, Trigger,
};
pub use crate::queue::QueueRule;
pub use crate::registry::Site;
pub use crate::service::SecretSource;
pub use crate::step::Step;
pub use crate::webhook;

/// Asserts that a parameter, or the failure handler's, can hold a trigger's event.
pub const fn assert_accepts<P: Accepts<T>, T>() {}

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
