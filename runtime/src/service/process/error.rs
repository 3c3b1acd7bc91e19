//! Why a program did not end well.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::error::Error;

/// Why a program did not end well. Its text names the program and holds the end of stderr, but never an argument or a
/// variable of the environment.
///
/// It converts into [`Error`] with `?`: another attempt may help, unless the program is not there. Like [`Error`] it
/// does not implement [`std::error::Error`], which is what makes that difference possible.
///
/// ```
/// use system_bus_runtime::prelude::*;
///
/// async fn branch_exists(processes: &Processes) -> Result<bool> {
///     let invocation = Invocation::new("git").args(["show-ref", "--verify", "refs/heads/main"]);
///     match processes.run(invocation).await {
///         Ok(_) => Ok(true),
///         Err(ProcessError::Status { code: 1, .. }) => Ok(false),
///         Err(error) => Err(error.into()),
///     }
/// }
/// ```
#[derive(Debug)]
pub enum ProcessError {
    /// There is no such program, or it is a script whose interpreter is not there.
    NotFound {
        /// The program.
        program: String,
    },
    /// The program could not be started.
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The program ended with a status that the invocation does not accept.
    Status {
        /// The program.
        program: String,
        /// The exit status.
        code: i32,
        /// The end of what it said on stderr.
        stderr: String,
    },
    /// A signal ended the program.
    Signal {
        /// The program.
        program: String,
        /// The signal's number.
        signal: i32,
        /// The end of what it said on stderr.
        stderr: String,
    },
    /// The program took longer than it may, and has been ended.
    TimedOut {
        /// The program.
        program: String,
        /// How long it may take.
        after: Duration,
        /// The end of what it said on stderr.
        stderr: String,
    },
    /// The program printed more than it may, and has been ended.
    OutputTooLarge {
        /// The program.
        program: String,
        /// The bytes that it may print.
        limit: usize,
    },
    /// The worker could not talk to the program.
    Io {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The worker is stopping: the program has been ended, or was not started.
    Stopping {
        /// The program.
        program: String,
    },
}

impl ProcessError {
    /// The program.
    pub fn program(&self) -> &str {
        match self {
            Self::NotFound { program }
            | Self::Start { program, .. }
            | Self::Status { program, .. }
            | Self::Signal { program, .. }
            | Self::TimedOut { program, .. }
            | Self::OutputTooLarge { program, .. }
            | Self::Io { program, .. }
            | Self::Stopping { program } => program,
        }
    }

    /// The end of what it said on stderr; empty when nothing is known.
    pub fn stderr(&self) -> &str {
        match self {
            Self::Status { stderr, .. } | Self::Signal { stderr, .. } | Self::TimedOut { stderr, .. } => stderr,
            _ => "",
        }
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program();
        match self {
            Self::NotFound { .. } => {
                write!(formatter, "the program `{program}` was not found: install it, or add its directory to `PATH`")
            }
            Self::Start { source, .. } => write!(formatter, "`{program}` could not be started: {source}"),
            Self::Status { code, .. } => write!(formatter, "`{program}` ended with status {code}"),
            Self::Signal { signal, .. } => write!(formatter, "`{program}` was ended by signal {signal}"),
            Self::TimedOut { after, .. } => write!(formatter, "`{program}` took longer than {after:?}"),
            Self::OutputTooLarge { limit, .. } => {
                write!(formatter, "`{program}` printed more than {limit} bytes: raise `output_max`, or truncate")
            }
            Self::Io { source, .. } => write!(formatter, "`{program}` cannot be talked to: {source}"),
            Self::Stopping { .. } => write!(formatter, "`{program}` was not run to its end: the worker is stopping"),
        }?;
        match self.stderr() {
            "" => Ok(()),
            stderr => write!(formatter, ": {stderr}"),
        }
    }
}

impl From<ProcessError> for Error {
    fn from(error: ProcessError) -> Self {
        let converted = match error {
            ProcessError::NotFound { .. } => Self::terminal(&error),
            _ => Self::retryable(&error),
        };
        converted.named("ProcessError")
    }
}
