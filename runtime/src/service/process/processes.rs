//! The handle by which functions start other programs, and the trait behind it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{Invocation, LocalProcesses, Output, ProcessError};
use crate::error::Result;
use crate::function::{Context, FromContext};

/// Starts other programs. Use it inside a step, which keeps what comes of the output.
///
/// Dropping the future ends the program and all that it has started, so a cancelled run leaves nothing behind.
///
/// ```
/// use system_bus_runtime::prelude::*;
///
/// async fn head(processes: &Processes) -> Result<String> {
///     let output = processes.run(Invocation::new("git").args(["rev-parse", "HEAD"])).await?;
///     Ok(output.text()?.trim().to_owned())
/// }
/// ```
#[derive(Clone)]
pub struct Processes(Arc<dyn ProcessRunner>);

/// What stands behind [`Processes`]: this machine, or a test's double.
pub trait ProcessRunner: Send + Sync + 'static {
    /// Runs a program to its end; dropping the future ends it.
    fn run(&self, invocation: Invocation) -> ProcessFuture<'_>;
}

/// The end of a program.
pub type ProcessFuture<'a> = Pin<Box<dyn Future<Output = Result<Output, ProcessError>> + Send + 'a>>;

impl Processes {
    /// Programs that `runner` runs.
    pub fn new(runner: impl ProcessRunner) -> Self {
        Self(Arc::new(runner))
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    ///
    /// Whatever is not a good end: see [`ProcessError`], which converts into [`Error`](crate::Error) with `?`.
    pub async fn run(&self, invocation: Invocation) -> Result<Output, ProcessError> {
        self.0.run(invocation).await
    }
}

/// The programs of this machine.
impl Default for Processes {
    fn default() -> Self {
        Self::new(LocalProcesses::default())
    }
}

impl FromContext for Processes {
    fn from_context(context: &Context) -> Result<Self> {
        context.service()
    }
}
