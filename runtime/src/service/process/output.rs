//! What a program that ended well left.

use std::fmt;

use crate::error::{Error, Result};

/// What a program that ended well left. Its debug form shows no text, which may be confidential.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// What it printed.
    pub stdout: Vec<u8>,
    /// Whether there was more of it than asked for; only with
    /// [`truncate_output`](super::Invocation::truncate_output).
    pub is_truncated: bool,
    /// The end of what it said on stderr.
    pub stderr: String,
    /// The exit status: 0, or one that the invocation accepts.
    pub status: i32,
}

impl Output {
    /// The output of a program that printed this, for a double.
    pub fn of(stdout: impl Into<Vec<u8>>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// What it printed, as text.
    ///
    /// # Errors
    ///
    /// When it is no UTF-8; `String::from_utf8_lossy(&output.stdout)` takes anything.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.stdout)
            .map_err(|error| Error::retryable(format!("what the program printed is no UTF-8 text: {error}")))
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Output")
            .field("stdout_bytes", &self.stdout.len())
            .field("is_truncated", &self.is_truncated)
            .field("stderr_bytes", &self.stderr.len())
            .field("status", &self.status)
            .finish()
    }
}
