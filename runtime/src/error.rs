//! The one error type of function authors: retryable by default, terminal on purpose.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The result of a durable function or of a step's future.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a function or a step failed, and whether another attempt may help.
///
/// Any [`std::error::Error`] converts with `?` and is retried. [`Error::terminal`] ends the retries at once and
/// [`Error::retry_after`] says when the next attempt makes sense.
///
/// ```
/// use system_bus_runtime::Error;
/// use std::time::Duration;
///
/// let gone = Error::terminal("the repository was deleted");
/// assert!(!gone.is_retryable());
/// let busy = Error::retry_after("rate limited", Duration::from_secs(30));
/// assert_eq!(busy.retry_delay(), Some(Duration::from_secs(30)));
/// ```
pub struct Error {
    name: Cow<'static, str>,
    message: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Retryable,
    RetryAfter(Duration),
    Terminal,
}

impl Error {
    /// A failure that another attempt may cure.
    pub fn retryable(message: impl fmt::Display) -> Self {
        Self { name: Cow::Borrowed("Error"), message: message.to_string(), kind: Kind::Retryable }
    }

    /// A failure that no further attempt can cure: the retries end here.
    pub fn terminal(message: impl fmt::Display) -> Self {
        Self { name: Cow::Borrowed("TerminalError"), message: message.to_string(), kind: Kind::Terminal }
    }

    /// A failure to be tried again after `delay`, in place of the usual backoff.
    pub fn retry_after(message: impl fmt::Display, delay: Duration) -> Self {
        Self { name: Cow::Borrowed("RetryAfterError"), message: message.to_string(), kind: Kind::RetryAfter(delay) }
    }

    /// The same error under another name; the name is shown in run details and travels on the wire.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The same error as a middleware's: the message says whose, and an error without a name of its own gets one.
    pub(crate) fn within_middleware(mut self, middleware: &str) -> Self {
        if self.name == "Error" {
            self.name = Cow::Borrowed("MiddlewareError");
        }
        self.message = format!("middleware `{middleware}`: {}", self.message);
        self
    }

    /// The short name of the kind of failure, such as `TerminalError`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What went wrong, for people; sources are joined with `: `.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether another attempt is allowed.
    pub fn is_retryable(&self) -> bool {
        self.kind != Kind::Terminal
    }

    /// The delay asked for by [`Error::retry_after`].
    pub fn retry_delay(&self) -> Option<Duration> {
        match self.kind {
            Kind::RetryAfter(delay) => Some(delay),
            Kind::Retryable | Kind::Terminal => None,
        }
    }
}

// `Error` itself does not implement `std::error::Error`: that is what lets every type that does convert with `?`.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::retryable(message)
    }
}

impl From<StepError> for Error {
    /// A step that has spent its retries fails the run: its error is terminal.
    fn from(error: StepError) -> Self {
        Self { name: Cow::Owned(error.name), message: error.message, kind: Kind::Terminal }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("name", &self.name)
            .field("message", &self.message)
            .field("kind", &self.kind)
            .finish()
    }
}

/// What a step's `await` yields once its retries are spent; `match` on it to go on without the step's result.
///
/// Like [`Error`] it does not implement [`std::error::Error`]; with `?` it becomes a terminal [`Error`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    /// The short name of the kind of failure.
    pub name: String,
    /// What went wrong, for people.
    pub message: String,
}

impl StepError {
    /// The name of the error of a step's result, or of an awaited event, that does not fit the type asked for.
    pub const DECODE: &'static str = "DecodeError";
    /// The name of the error of a step or invocation that took longer than its time-out.
    pub const TIMEOUT: &'static str = "TimeoutError";

    /// An error with this name and message.
    pub fn new(name: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { name: name.into(), message: message.to_string() }
    }

    /// Whether the result or the awaited event did not fit the type asked for.
    pub fn is_decode(&self) -> bool {
        self.name == Self::DECODE
    }

    /// Whether a time-out caused this error.
    pub fn is_timeout(&self) -> bool {
        self.name == Self::TIMEOUT
    }
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self { name: error.name.into_owned(), message: error.message }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_converts_and_keeps_its_sources() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not read the list")]
        struct Outer(#[source] std::io::Error);
        let error = Error::from(Outer(std::io::Error::other("disk gone")));
        assert_eq!(error.message(), "could not read the list: disk gone");
        assert!(error.is_retryable());
    }

    #[test]
    fn a_step_error_is_terminal_for_the_run() {
        assert!(!Error::from(StepError::new("Error", "boom")).is_retryable());
    }
}
