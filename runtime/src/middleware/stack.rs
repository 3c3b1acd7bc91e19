//! The registered middleware, in order.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::hooks::{CallHooks, guarded};
use super::{CallInfo, Middleware, Sent};
use crate::error::Result;
use crate::event::NewEvent;

/// The registered middleware, the outermost first; clones are the same ones.
#[derive(Clone, Default)]
pub struct MiddlewareStack(Arc<[Arc<dyn Middleware>]>);

impl MiddlewareStack {
    /// The same stack with one more, inside all others.
    #[must_use]
    pub fn with(self, middleware: impl Middleware) -> Self {
        let one: Arc<dyn Middleware> = Arc::new(middleware);
        Self(self.0.iter().cloned().chain([one]).collect())
    }

    /// These, and inside them the `inner` ones.
    #[must_use]
    pub fn around(self, inner: &Self) -> Self {
        Self(self.0.iter().chain(inner.0.iter()).cloned().collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none; then nothing costs anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes events that are about to leave; whoever sends events outside a function calls it.
    pub fn before_send(&self, events: &mut Vec<NewEvent>) -> Result<()> {
        self.0.iter().rev().try_for_each(|one| guarded(one.name(), || one.before_send(events)))
    }

    /// Tells what became of events; whoever has sent them calls it. A panic is logged and changes nothing.
    pub fn after_send(&self, sent: &Sent) {
        for one in self.0.iter() {
            if catch_unwind(AssertUnwindSafe(|| one.after_send(sent))).is_err() {
                ::tracing::error!(middleware = one.name(), "a middleware panicked after events were sent");
            }
        }
    }

    /// Makes an event readable, for a check.
    pub fn reveal_event(&self, event: &mut NewEvent) -> Result<()> {
        self.0.iter().try_for_each(|one| guarded(one.name(), || one.reveal_event(event)))
    }

    /// Starts the hooks of one call.
    pub(crate) fn begin(&self, call: &CallInfo<'_>) -> Result<CallHooks> {
        if self.is_empty() {
            return Ok(CallHooks::default());
        }
        let mut begun = Vec::with_capacity(self.len());
        for one in self.0.iter() {
            if let Some(hooks) = guarded(one.name(), || Ok(one.begin(call)))? {
                begun.push((one.name(), hooks));
            }
        }
        Ok(CallHooks::new(self.clone(), begun))
    }
}

impl fmt::Debug for MiddlewareStack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|one| one.name())).finish()
    }
}
