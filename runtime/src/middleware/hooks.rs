//! The hooks of one call, as the step core uses them: in order, with panics caught.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::{CallMiddleware, Input, MiddlewareStack, StepInfo};
use crate::error::{Error, Result};
use crate::protocol::{Operation, StepResult, panicked};

/// The hooks of one call; empty without middleware. Clones are the same ones.
#[derive(Clone, Default)]
pub(crate) struct CallHooks(Option<Arc<Begun>>);

struct Begun {
    stack: MiddlewareStack,
    calls: Vec<(&'static str, Box<dyn CallMiddleware>)>,
}

/// Calls a hook; its error, or its panic, tells whose it is.
pub(super) fn guarded<T>(name: &str, hook: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(hook)) {
        Ok(result) => result.map_err(|error| error.within_middleware(name)),
        Err(panic) => Err(panicked(&format!("middleware `{name}`"), &*panic)),
    }
}

impl CallHooks {
    pub(super) fn new(stack: MiddlewareStack, calls: Vec<(&'static str, Box<dyn CallMiddleware>)>) -> Self {
        Self(Some(Arc::new(Begun { stack, calls })))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn calls(&self) -> &[(&'static str, Box<dyn CallMiddleware>)] {
        self.0.as_deref().map_or(&[], |begun| &begun.calls)
    }

    /// Calls a hook of each, the outermost first.
    fn inwards(&self, mut hook: impl FnMut(&dyn CallMiddleware) -> Result<()>) -> Result<()> {
        self.calls().iter().try_for_each(|(name, call)| guarded(name, || hook(&**call)))
    }

    /// Calls a hook of each, the innermost first.
    fn outwards(&self, mut hook: impl FnMut(&dyn CallMiddleware) -> Result<()>) -> Result<()> {
        self.calls().iter().rev().try_for_each(|(name, call)| guarded(name, || hook(&**call)))
    }

    /// Tells each something; all are told, the first panic is the error.
    fn tell(&self, hook: impl Fn(&dyn CallMiddleware)) -> Result<()> {
        let mut told = Ok(());
        for (name, call) in self.calls() {
            let one = guarded(name, || {
                hook(&**call);
                Ok(())
            });
            told = told.and(one);
        }
        told
    }

    pub(crate) fn transform_input(&self, input: &mut Input) -> Result<()> {
        self.inwards(|call| call.transform_input(input))
    }

    pub(crate) fn transform_memoized(&self, step: &StepInfo, result: &mut StepResult) -> Result<()> {
        self.inwards(|call| call.transform_memoized(step, result))
    }

    pub(crate) fn after_memoization(&self) -> Result<()> {
        self.tell(|call| call.after_memoization())
    }

    pub(crate) fn before_execution(&self) -> Result<()> {
        self.tell(|call| call.before_execution())
    }

    pub(crate) fn after_execution(&self) -> Result<()> {
        self.tell(|call| call.after_execution())
    }

    pub(crate) fn before_response(&self) -> Result<()> {
        self.tell(|call| call.before_response())
    }

    pub(crate) fn transform_operation(&self, step: &StepInfo, operation: &mut Operation) -> Result<()> {
        if let (Some(begun), Operation::SendEvent(events)) = (&self.0, &mut *operation) {
            begun.stack.before_send(events)?;
        }
        self.outwards(|call| call.transform_operation(step, operation))
    }

    /// A hook that fails leaves its error as the output; the others outside it see that.
    pub(crate) fn transform_output(&self, step: Option<&StepInfo>, output: &mut Result<Box<RawValue>, Error>) {
        for (name, call) in self.calls().iter().rev() {
            if let Err(error) = guarded(name, || call.transform_output(step, output)) {
                *output = Err(error);
            }
        }
    }

    /// Polls within all hooks, the outermost first. A panic goes on to the caller, who catches those of the author too.
    pub(crate) fn around_poll<T>(&self, step: Option<&StepInfo>, mut poll: impl FnMut() -> T) -> T {
        let calls = self.calls();
        if calls.is_empty() {
            return poll();
        }
        let mut polled = None;
        nest(calls, step, &mut || {
            if polled.is_none() {
                polled = Some(poll());
            }
        });
        // A hook that has not polled must not make the run stand still.
        polled.unwrap_or_else(poll)
    }
}

fn nest(calls: &[(&'static str, Box<dyn CallMiddleware>)], step: Option<&StepInfo>, poll: &mut dyn FnMut()) {
    match calls.split_first() {
        None => poll(),
        Some(((_, outer), inner)) => outer.around_poll(step, &mut || nest(inner, step, poll)),
    }
}
