//! A running program with all that it starts: one process group, which ends as a whole.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use super::Invocation;

/// How long a program may take to end once it is told to; then it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// How long a killed program may take to be gone; the kernel may hold one that waits for a disk. Then it is left to the
/// runtime to reap.
const REAP_MAX: Duration = Duration::from_secs(5);

/// A running program; dropping it ends the program and all that it started.
pub(super) struct Running(Option<Group>);

/// The worker's ends of the program's pipes.
pub(super) struct Pipes {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Running {
    /// Starts a program in a group of its own. It holds `place` until it is gone.
    #[expect(clippy::disallowed_types, reason = "this is the subprocess service")]
    pub(super) fn start(invocation: &Invocation, place: OwnedSemaphorePermit) -> io::Result<(Self, Pipes)> {
        let mut command = tokio::process::Command::new(&invocation.program);
        command.args(&invocation.arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.stdin(if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        if !invocation.inherits_env {
            command.env_clear();
        }
        command.envs(invocation.env.iter().map(|(name, value)| (name, value.as_os_str())));
        if let Some(directory) = &invocation.current_dir {
            command.current_dir(directory);
        }
        #[cfg(unix)]
        command.process_group(0);
        // Before the start, so that no exit is missed.
        let exits = Exits::listen()?;
        let mut child = command.spawn()?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        let stdin = child.stdin.take();
        let group = Group { child, exits, is_reaped: false, runtime: Handle::current(), _place: place };
        let (stdout, stderr) = pipes.ok_or_else(|| io::Error::other("the pipes are gone"))?;
        Ok((Self(Some(group)), Pipes { stdin, stdout, stderr }))
    }

    /// Resolves when the program has ended; what it started may go on. It stays a zombie until it is reaped, so its group
    /// cannot be mistaken for another one.
    pub(super) async fn exited(&mut self) {
        if let Some(group) = &mut self.0 {
            group.exited().await;
        }
    }

    /// Kills what a program that has ended left behind, and takes its status.
    pub(super) async fn reap(&mut self) -> io::Result<ExitStatus> {
        match &mut self.0 {
            Some(group) => {
                group.kill();
                group.reap().await
            }
            None => Err(io::Error::other("the program is gone")),
        }
    }

    /// Ends the program and all that it started: politely, then by force.
    pub(super) async fn end(&mut self) {
        if let Some(group) = &mut self.0 {
            group.end().await;
        }
    }
}

impl Drop for Running {
    /// Ending takes time, so it goes on in a task. When the runtime ends first, the task is dropped, and the group with it.
    fn drop(&mut self) {
        if let Some(mut group) = self.0.take()
            && !group.is_reaped
        {
            group.terminate();
            let runtime = group.runtime.clone();
            runtime.spawn(async move { group.end().await });
        }
    }
}

struct Group {
    child: Child,
    exits: Exits,
    is_reaped: bool,
    runtime: Handle,
    _place: OwnedSemaphorePermit,
}

impl Group {
    async fn end(&mut self) {
        self.terminate();
        // An error is that the grace has passed.
        let _ = tokio::time::timeout(GRACE, self.exited()).await;
        self.kill();
        let _ = self.reap().await;
    }

    async fn reap(&mut self) -> io::Result<ExitStatus> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the program does not end although it was killed");
        let status = tokio::time::timeout(REAP_MAX, self.child.wait()).await.map_err(late)??;
        self.is_reaped = true;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(unix)]
impl Group {
    async fn exited(&mut self) {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        // Reaping frees the id for another group, so the exit is looked at without it.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while let Some(id) = self.id()
            && let Ok(None) = waitid(WaitId::Pid(id), options)
        {
            self.exits.next().await;
        }
    }

    fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        // An error means that nobody is left.
        if let Some(id) = self.id() {
            let _ = rustix::process::kill_process_group(id, signal);
        }
    }

    /// The id of the program, which is also that of its group; none once it is reaped, for then it may be another's.
    fn id(&self) -> Option<rustix::process::Pid> {
        let id = self.child.id().filter(|_| !self.is_reaped)?;
        rustix::process::Pid::from_raw(i32::try_from(id).ok()?)
    }
}

/// Elsewhere there are no groups: only the program itself ends.
#[cfg(not(unix))]
impl Group {
    async fn exited(&mut self) {
        // An error is met again when the program is reaped.
        let _ = self.child.wait().await;
    }

    fn terminate(&mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        // An error means that it has ended.
        let _ = self.child.start_kill();
    }
}

/// Tells when some child of the worker has ended.
#[cfg(unix)]
struct Exits(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Exits {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::child()).map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(not(unix))]
struct Exits;

#[cfg(not(unix))]
impl Exits {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }
}
