//! Runs programs on this machine.

use std::io::{self, ErrorKind};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::capture::{CaptureError, Head, Tail};
use super::group::{Pipes, Running};
use super::{Invocation, Output, ProcessError, ProcessFuture, ProcessRunner};
use crate::error::Result;

/// Programs that run at the same time; the others wait for a place.
const PLACES_MAX: u32 = 16;

/// How long the pipes of a program that has ended are read on: what it printed is in them, and only a program that left
/// its group can hold them open.
const DRAIN_MAX: Duration = Duration::from_millis(500);

/// The programs of this machine; clones share the places.
///
/// A program runs in a process group of its own, which ends as a whole: when the program itself has ended, at the
/// time-out, when the future is dropped, and when the worker stops. Only a worker that is killed outright leaves programs
/// behind, and what has left the group by itself, as daemons do, is let go.
#[derive(Clone)]
pub struct LocalProcesses {
    pub(super) places: Arc<Semaphore>,
    places_max: u32,
    stopping: watch::Sender<bool>,
}

impl LocalProcesses {
    /// At most `places_max` programs run at the same time.
    pub(super) fn with_places(places_max: u32) -> Self {
        let places = Arc::new(Semaphore::new(places_max as usize));
        Self { places, places_max, stopping: watch::Sender::new(false) }
    }

    /// Ends all programs that run and starts no more; resolves when they are gone.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        // The semaphore is never closed, so there is no error; those that waited for a place see that it is too late.
        drop(self.places.acquire_many(self.places_max).await);
    }

    async fn run_to_its_end(&self, invocation: Invocation) -> Result<Output, ProcessError> {
        let mut stopping = self.stopping.subscribe();
        let place = Arc::clone(&self.places).acquire_owned().await.ok().filter(|_| !*stopping.borrow());
        let place = place.ok_or_else(|| ProcessError::Stopping { program: invocation.name() })?;
        let mut conversation = Conversation::start(&invocation, place)?;
        let stopped = async { drop(stopping.wait_for(|stopping| *stopping).await) };
        let ended = tokio::select! {
            ended = tokio::time::timeout(invocation.timeout, conversation.hold()) => ended.unwrap_or(Err(Failure::Late)),
            () = stopped => Err(Failure::Stopping),
        };
        if ended.is_err() {
            conversation.running.end().await;
        }
        conversation.judge(&invocation, ended)
    }
}

impl Default for LocalProcesses {
    fn default() -> Self {
        Self::with_places(PLACES_MAX)
    }
}

impl ProcessRunner for LocalProcesses {
    fn run(&self, invocation: Invocation) -> ProcessFuture<'_> {
        Box::pin(self.run_to_its_end(invocation))
    }
}

/// Why a program had to be ended.
enum Failure {
    Late,
    Stopping,
    Capture(CaptureError),
}

impl<E: Into<CaptureError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Capture(error.into())
    }
}

/// A running program, what goes in and what has come out.
struct Conversation {
    running: Running,
    pipes: Option<(Pipes, Vec<u8>)>,
    stdout: Head,
    stderr: Tail,
}

impl Conversation {
    fn start(invocation: &Invocation, place: OwnedSemaphorePermit) -> Result<Self, ProcessError> {
        let (running, pipes) = Running::start(invocation, place).map_err(|error| not_started(invocation, error))?;
        Ok(Self {
            running,
            pipes: Some((pipes, invocation.stdin.clone().unwrap_or_default())),
            stdout: Head::new(invocation.output_max, invocation.truncates),
            stderr: Tail::default(),
        })
    }

    /// Talks to the program until it has ended.
    async fn hold(&mut self) -> Result<ExitStatus, Failure> {
        let Some((pipes, input)) = self.pipes.take() else { return Err(io::Error::other("it has been held").into()) };
        let talk = async {
            let (stdout, stderr) = (self.stdout.fill(pipes.stdout), self.stderr.fill(pipes.stderr));
            tokio::try_join!(feed(pipes.stdin, &input), stdout, stderr).map(drop)
        };
        tokio::pin!(talk);
        let mut talks = true;
        loop {
            tokio::select! {
                ended = &mut talk, if talks => {
                    ended?;
                    talks = false;
                }
                () = self.running.exited() => break,
            }
        }
        let status = self.running.reap().await?;
        if talks && let Ok(ended) = tokio::time::timeout(DRAIN_MAX, talk).await {
            ended?;
        }
        Ok(status)
    }

    /// What the end of the program means.
    fn judge(self, invocation: &Invocation, ended: Result<ExitStatus, Failure>) -> Result<Output, ProcessError> {
        let program = invocation.name();
        let stderr = self.stderr.text(invocation.secrets());
        let status = match ended {
            Ok(status) => status,
            Err(Failure::Late) => return Err(ProcessError::TimedOut { program, after: invocation.timeout, stderr }),
            Err(Failure::Stopping) => return Err(ProcessError::Stopping { program }),
            Err(Failure::Capture(CaptureError::TooLarge)) => {
                return Err(ProcessError::OutputTooLarge { program, limit: invocation.output_max });
            }
            Err(Failure::Capture(CaptureError::Io(source))) => return Err(ProcessError::Io { program, source }),
        };
        match status.code() {
            Some(code) if code == 0 || invocation.accepted.contains(&code) => {
                Ok(Output { stdout: self.stdout.bytes, is_truncated: self.stdout.is_truncated, stderr, status: code })
            }
            Some(code) => Err(ProcessError::Status { program, code, stderr }),
            None => Err(ProcessError::Signal { program, signal: signal(status), stderr }),
        }
    }
}

/// Writes the input and closes it. A program need not read all of it.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) -> Result<(), CaptureError> {
    match stdin {
        Some(mut stdin) => match stdin.write_all(input).await {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

/// The system does not say whether the program or its directory is missing.
fn not_started(invocation: &Invocation, source: io::Error) -> ProcessError {
    let program = invocation.name();
    match (source.kind(), &invocation.current_dir) {
        (ErrorKind::NotFound | ErrorKind::NotADirectory, Some(directory)) if !directory.is_dir() => {
            let text = format!("`{}` is no directory", directory.display());
            ProcessError::Start { program, source: io::Error::new(source.kind(), text) }
        }
        (ErrorKind::NotFound, _) => ProcessError::NotFound { program },
        _ => ProcessError::Start { program, source },
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default()
}

/// Elsewhere every end has a code.
#[cfg(not(unix))]
fn signal(_: ExitStatus) -> i32 {
    0
}
