//! The environment variables of the process, as functions read them. Not for secrets: those are in `Secrets`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use system_bus_runtime::function::Context;
use system_bus_runtime::prelude::*;

/// The environment variables of the process, or those that a test gives in their place.
///
/// Read them inside a step: at a replay they may be others.
#[derive(Clone, Default)]
pub struct Environment(Option<Arc<BTreeMap<String, String>>>);

impl Environment {
    /// An environment of these variables alone.
    pub fn of<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(Some(Arc::new(variables.collect())))
    }

    /// The value of a variable; one that is blank or no text counts as unset.
    pub fn find(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            Some(variables) => variables.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.trim().is_empty())
    }

    /// The value of a variable without which the function cannot work: another attempt would not find it either.
    pub fn require(&self, name: &str) -> Result<String> {
        self.find(name).ok_or_else(|| Error::terminal(format!("the environment variable `{name}` is not set")))
    }

    /// The user's home directory.
    pub fn home(&self) -> Result<PathBuf> {
        self.require("HOME").map(PathBuf::from)
    }
}

impl FromContext for Environment {
    fn from_context(context: &Context) -> Result<Self> {
        Ok(context.service::<Self>().unwrap_or_default())
    }
}

// The values may be confidential.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_variables_count_as_unset() {
        let environment = Environment::of([("A", "a"), ("B", " \n")]);
        assert_eq!(environment.find("A").as_deref(), Some("a"));
        assert_eq!(environment.find("B"), None);
        let error = environment.require("B").expect_err("is not set");
        assert_eq!(error.message(), "the environment variable `B` is not set");
        assert!(!error.is_retryable());
    }

    #[test]
    fn the_default_is_that_of_the_process() {
        assert_eq!(Environment::default().find("CARGO_MANIFEST_DIR").as_deref(), Some(env!("CARGO_MANIFEST_DIR")));
    }
}
