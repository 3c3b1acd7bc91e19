//! All functions, events and webhook providers that are linked into a binary.

pub mod check;
pub mod export;
mod links;
pub mod manifest;
mod source_path;

#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
pub(crate) mod samples;

pub use source_path::relative_path;

use crate::event::EventRegistration;
use crate::expression::nearest::nearest;
use crate::function::{FailureRegistration, FunctionRegistration};
use crate::webhook::ProviderRegistration;

/// A place in the source, as macro output records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The file as the compiler names it: absolute, or relative to the workspace.
    pub file: &'static str,
    /// The line of the attribute.
    pub line: u32,
    /// The directory of the package's manifest.
    pub manifest_dir: &'static str,
}

/// The functions, events and webhook providers of a program, sorted by id and name.
///
/// [`Registry::linked`] collects what is linked; a test can put one together by hand.
#[derive(Clone, Default)]
pub struct Registry {
    functions: Vec<&'static FunctionRegistration>,
    events: Vec<&'static EventRegistration>,
    failure_handlers: Vec<&'static FailureRegistration>,
    providers: Vec<&'static ProviderRegistration>,
}

impl Registry {
    /// Everything that is linked into this binary.
    ///
    /// A crate that the binary never names is not linked: name it with `use functions as _;`.
    pub fn linked() -> Self {
        Self::of(
            inventory::iter::<FunctionRegistration>.into_iter().collect(),
            inventory::iter::<EventRegistration>.into_iter().collect(),
        )
        .with_failure_handlers(inventory::iter::<FailureRegistration>.into_iter().collect())
        .with_providers(inventory::iter::<ProviderRegistration>.into_iter().collect())
    }

    /// A registry of these functions and events.
    pub fn of(mut functions: Vec<&'static FunctionRegistration>, mut events: Vec<&'static EventRegistration>) -> Self {
        functions.sort_by_key(|function| (function.config.id, function.site.file, function.site.line));
        events.sort_by_key(|event| (event.name, event.site.file, event.site.line));
        Self { functions, events, failure_handlers: Vec::new(), providers: Vec::new() }
    }

    /// The same registry and these failure handlers, so that the checks can tell which ones no function names.
    #[must_use]
    pub fn with_failure_handlers(mut self, mut handlers: Vec<&'static FailureRegistration>) -> Self {
        handlers.sort_by_key(|handler| (handler.site.file, handler.site.line));
        self.failure_handlers = handlers;
        self
    }

    /// The same registry and these webhook providers.
    #[must_use]
    pub fn with_providers(mut self, mut providers: Vec<&'static ProviderRegistration>) -> Self {
        providers.sort_by_key(|provider| (provider.id, provider.site.file, provider.site.line));
        self.providers = providers;
        self
    }

    /// The webhook providers, sorted by id.
    pub fn providers(&self) -> &[&'static ProviderRegistration] {
        &self.providers
    }

    /// The functions, sorted by id. What a function's `on_failure` names is a function as well.
    pub fn functions(&self) -> &[&'static FunctionRegistration] {
        &self.functions
    }

    /// The events, sorted by name.
    pub fn events(&self) -> &[&'static EventRegistration] {
        &self.events
    }

    /// The failure handlers, in the order of their places. Those that a function names are among its companions in
    /// [`Registry::functions`].
    pub fn failure_handlers(&self) -> &[&'static FailureRegistration] {
        &self.failure_handlers
    }

    /// The event of this name.
    pub fn event(&self, name: &str) -> Option<&'static EventRegistration> {
        self.events.binary_search_by_key(&name, |event| event.name).ok().map(|position| self.events[position])
    }

    /// The declared event name that is most like `name`, when one is near enough to be meant.
    pub fn nearest_event(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.events.iter().map(|event| event.name))
    }

    /// The function of this id.
    pub fn function(&self, id: &str) -> Option<&'static FunctionRegistration> {
        self.functions
            .binary_search_by_key(&id, |function| function.config.id)
            .ok()
            .map(|position| self.functions[position])
    }
}
