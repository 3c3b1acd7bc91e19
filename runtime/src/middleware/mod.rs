//! Middleware: code around every call of a function and every event that is sent (`SDK_SPEC.md` §6).
//!
//! It works the same in the embedded engine and for an Inngest server, because the step core itself calls the hooks. A
//! [`Middleware`] is registered once, in a [`MiddlewareStack`]; for each call of a function [`Middleware::begin`] may
//! give a [`CallMiddleware`] (or none, for functions that it is not for), whose hooks then come in this order:
//!
//! ```text
//! transform_input
//!   (transform_memoized)*                  each remembered result, as it is handed back
//! after_memoization
//!   ( before_execution                     before new code runs
//!       (around_poll, transform_memoized, transform_operation)*
//!     after_execution                      once a body, or the function, has ended
//!     (transform_output)* )+
//! before_response
//! ```
//!
//! The call that answers one request of an Inngest server has one stretch of new code, so each hook without a star comes
//! exactly once. A call that goes on after a step has ended (the embedded engine's, which lasts as long as the run's
//! future is in memory, and one with checkpointing) has one stretch for each time that results were taken out of it.
//!
//! **Order.** The first that was registered is the outermost layer: what comes in (input, remembered results) passes it
//! first, what goes out (operations, events, outputs) passes it last, and the other hooks take the order of
//! registration. So a middleware that encrypts is registered first, and all others see plain values both ways.
//!
//! **Errors.** A hook that fails, or panics, fails what it was called for: `transform_output` its step, all others the
//! whole call, so that the next attempt calls them again. No step's result is lost by that. The error is named as the
//! hook has named it, or `MiddlewareError`.

mod encryption;
mod hooks;
mod stack;
mod tracing;

pub use encryption::{Encryption, EncryptionKey, KeyError};
pub(crate) use hooks::CallHooks;
pub use stack::MiddlewareStack;
pub use tracing::Tracing;

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::event::{NewEvent, ReceivedEvent};
use crate::function::{RunInfo, Services, StepKind};
use crate::protocol::{Operation, StepId, StepResult};

/// Something that takes part in every call and in every sending of events.
///
/// ```
/// use system_bus_runtime::Result;
/// use system_bus_runtime::middleware::{CallInfo, CallMiddleware, Input, Middleware, MiddlewareStack};
///
/// /// Gives every function the name of the region.
/// struct Region(&'static str);
///
/// #[derive(Clone)]
/// struct RegionName(&'static str);
///
/// impl Middleware for Region {
///     fn name(&self) -> &'static str {
///         "region"
///     }
///
///     fn begin(&self, _call: &CallInfo<'_>) -> Option<Box<dyn CallMiddleware>> {
///         Some(Box::new(RegionName(self.0)))
///     }
/// }
///
/// impl CallMiddleware for RegionName {
///     fn transform_input(&self, input: &mut Input) -> Result<()> {
///         input.provide(self.clone());
///         Ok(())
///     }
/// }
///
/// let stack = MiddlewareStack::default().with(Region("eu-1"));
/// assert_eq!(stack.len(), 1);
/// ```
pub trait Middleware: Send + Sync + 'static {
    /// A short name, for the messages of its errors.
    fn name(&self) -> &'static str;

    /// Starts the hooks of one call; `None` for a call that does not concern it, such as one of another function.
    fn begin(&self, call: &CallInfo<'_>) -> Option<Box<dyn CallMiddleware>> {
        let _ = call;
        None
    }

    /// Events that are about to leave, from a function or from the program's own sending.
    ///
    /// A step's events pass whenever the step is reported to whoever sends them: several times when that is tried again.
    fn before_send(&self, events: &mut Vec<NewEvent>) -> Result<()> {
        let _ = events;
        Ok(())
    }

    /// What became of events that have left.
    fn after_send(&self, sent: &Sent) {
        let _ = sent;
    }

    /// Makes an event readable for the check against its type, where the embedded engine takes events in from outside.
    ///
    /// The undoing of [`Middleware::before_send`], on a copy: what is stored and handed to functions is the event as it
    /// was sent.
    fn reveal_event(&self, event: &mut NewEvent) -> Result<()> {
        let _ = event;
        Ok(())
    }
}

/// The hooks of one call. All have a default that does nothing; state goes behind a lock or an atomic, because the bodies
/// of steps see it as well.
pub trait CallMiddleware: Send + Sync {
    /// Before the function is called: its events, and its services, to which it may add.
    fn transform_input(&self, input: &mut Input) -> Result<()> {
        let _ = input;
        Ok(())
    }

    /// A step's stored result, before the function gets it: remembered ones, and in a call that goes on also those that
    /// have just been stored, as [`CallMiddleware::transform_output`] left them.
    fn transform_memoized(&self, step: &StepInfo, result: &mut StepResult) -> Result<()> {
        let _ = (step, result);
        Ok(())
    }

    /// The last remembered result was handed back, or there was none.
    fn after_memoization(&self) {}

    /// New code is about to run.
    fn before_execution(&self) {}

    /// What a new step asks for, before it is reported; the events of `send_event` have passed
    /// [`Middleware::before_send`] by then.
    fn transform_operation(&self, step: &StepInfo, operation: &mut Operation) -> Result<()> {
        let _ = (step, operation);
        Ok(())
    }

    /// Around each poll of the function (`None`) or of a step's body; calls `poll` once.
    ///
    /// It is the hottest hook, and a body's poll is inside one of the function's.
    fn around_poll(&self, step: Option<&StepInfo>, poll: &mut dyn FnMut()) {
        let _ = step;
        poll();
    }

    /// New code has run.
    fn after_execution(&self) {}

    /// The result of a step's body, or of the function (`None`), before it leaves.
    fn transform_output(&self, step: Option<&StepInfo>, output: &mut Result<Box<RawValue>, Error>) -> Result<()> {
        let _ = (step, output);
        Ok(())
    }

    /// The call ends here: everything that leaves is final.
    fn before_response(&self) {}
}

/// What is known of a call before it begins.
#[derive(Clone, Copy)]
pub struct CallInfo<'a> {
    /// The run, the function and the attempt.
    pub run: &'a RunInfo,
    /// The HTTP request that asks for the call, as it came in; none in the embedded engine and over Connect.
    pub request: Option<&'a http::request::Parts>,
}

/// What a function is called with.
pub struct Input {
    /// The events of the run, oldest first; never empty.
    pub events: Vec<Arc<ReceivedEvent>>,
    /// What the application shares with its functions.
    pub services: Services,
}

impl Input {
    /// Adds a service for this call, in place of one of the same type; extractors find it in the call's context.
    pub fn provide<T: Clone + Send + Sync + 'static>(&mut self, service: T) {
        self.services = std::mem::take(&mut self.services).with(service);
    }
}

/// Which step a hook is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// The id on the wire.
    pub id: StepId,
    /// The name, with `:n` for a repeat.
    pub name: Arc<str>,
    /// What the step does.
    pub kind: StepKind,
}

/// What became of events that were sent.
#[derive(Debug)]
pub struct Sent {
    /// The ids of those that were taken in.
    pub ids: Vec<String>,
    /// Why some were not; absent when all were.
    pub error: Option<Error>,
}

impl Sent {
    /// What the result of a `send_event` step says.
    pub fn of_step(result: &StepResult) -> Self {
        match result {
            Ok(ids) => Self { ids: serde_json::from_str(ids.get()).unwrap_or_default(), error: None },
            Err(error) => Self { ids: Vec::new(), error: Some(error.clone().into()) },
        }
    }
}
