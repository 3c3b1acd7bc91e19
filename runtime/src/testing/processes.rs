//! Programs that only seem to run.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::service::{Invocation, Output, ProcessError, ProcessFuture, ProcessRunner};

type Answer = dyn Fn(&Invocation) -> Result<Output, ProcessError> + Send + Sync;

/// Answers invocations from a script, by the program, and records them; clones share the record. A program that the
/// script does not have is not found.
///
/// ```
/// use system_bus_runtime::service::{Invocation, ProcessError, Processes};
/// use system_bus_runtime::testing::ScriptedProcesses;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let script = ScriptedProcesses::default()
///     .prints("hostname", "ada\n")
///     .answers("git", |_| Err(ProcessError::Status { program: "git".into(), code: 128, stderr: "no".into() }));
/// let processes = Processes::new(script.clone());
///
/// assert_eq!(processes.run(Invocation::new("hostname")).await.unwrap().stdout, b"ada\n");
/// let failed = processes.run(Invocation::new("git").arg("log")).await;
/// assert!(matches!(failed, Err(ProcessError::Status { code: 128, .. })));
/// assert_eq!(script.invocations()[1].arguments(), ["log"]);
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ScriptedProcesses {
    answers: HashMap<OsString, Arc<Answer>>,
    invocations: Arc<Mutex<Vec<Invocation>>>,
}

impl ScriptedProcesses {
    /// Lets each invocation of `program` print this and end well.
    #[must_use]
    pub fn prints(self, program: impl Into<OsString>, stdout: impl Into<Vec<u8>>) -> Self {
        let output = Output::of(stdout);
        self.answers(program, move |_| Ok(output.clone()))
    }

    /// Answers each invocation of `program`.
    #[must_use]
    pub fn answers(
        mut self,
        program: impl Into<OsString>,
        answer: impl Fn(&Invocation) -> Result<Output, ProcessError> + Send + Sync + 'static,
    ) -> Self {
        self.answers.insert(program.into(), Arc::new(answer));
        self
    }

    /// What has been asked for, in order.
    pub fn invocations(&self) -> Vec<Invocation> {
        self.record().clone()
    }

    // Nothing panics while it holds the lock.
    fn record(&self) -> MutexGuard<'_, Vec<Invocation>> {
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessRunner for ScriptedProcesses {
    fn run(&self, invocation: Invocation) -> ProcessFuture<'_> {
        Box::pin(async move {
            self.record().push(invocation.clone());
            match self.answers.get(invocation.program()) {
                Some(answer) => answer(&invocation),
                None => Err(ProcessError::NotFound { program: invocation.program().to_string_lossy().into_owned() }),
            }
        })
    }
}

impl fmt::Debug for ScriptedProcesses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.record().iter()).finish()
    }
}
