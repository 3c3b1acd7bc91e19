//! Real programs: how they end, what is kept of them, and that nothing of them is left.

use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::advance;

use super::group::GRACE;
use super::*;
use crate::error::Error;
use crate::service::Secret;

fn sh(script: &str) -> Invocation {
    Invocation::new("sh").args(["-c", script])
}

async fn run(invocation: Invocation) -> Result<Output, ProcessError> {
    Processes::default().run(invocation).await
}

async fn failure(invocation: Invocation) -> ProcessError {
    run(invocation).await.expect_err("does not end well")
}

/// A shell's rest, of which a signal takes a part.
const REST: &str = "for part in 1 2 3; do sleep 1000 & wait; done";

/// Runs it in a task, which can be aborted.
fn spawn(local: &LocalProcesses, invocation: Invocation) -> JoinHandle<Result<Output, ProcessError>> {
    let local = local.clone();
    tokio::spawn(async move { local.run(invocation).await })
}

/// A program whose child would outlive it: it says that it was told to end, by SIGTERM, and goes on. It holds a connection
/// to us.
struct Family {
    listener: TcpListener,
}

/// The connection of a child, and the id of the program that started it.
struct Child {
    connection: BufReader<TcpStream>,
    parent: Pid,
}

impl Family {
    async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// The program; `first` is what it does before it starts its child, `then` what it does afterwards.
    ///
    /// The shells use `wait`, because a signal interrupts it wherever it strikes.
    fn program(&self, first: &str, then: &str) -> Invocation {
        let port = self.listener.local_addr().unwrap().port();
        let connect = format!("echo slow >&2; exec 3<>/dev/tcp/127.0.0.1/{port}; echo $$ >&3");
        let child = format!("trap 'echo told >&3' TERM; {connect}; kill -USR1 $$; {REST}");
        Invocation::new("bash").args(["-c", &format!("trap : USR1; {first}; ({child}) & {then}")])
    }

    /// A program that ends when it is told to.
    fn obedient(&self) -> Invocation {
        self.program(":", "wait; wait")
    }

    /// One that goes on like its child.
    fn stubborn(&self) -> Invocation {
        self.program("trap : TERM", REST)
    }

    async fn child(&self) -> Child {
        let mut connection = BufReader::new(self.listener.accept().await.unwrap().0);
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        Child { connection, parent: Pid::from_raw(line.trim().parse().unwrap()).unwrap() }
    }
}

impl Child {
    /// Resolves when the child was told to end.
    async fn is_told(&mut self) {
        let mut line = String::new();
        self.connection.read_line(&mut line).await.unwrap();
        assert_eq!(line, "told\n");
    }

    /// Resolves when no process is left that holds the connection.
    async fn is_gone(&mut self) {
        // The kernel may tell of the end as a reset.
        let _ = self.connection.read_to_end(&mut Vec::new()).await;
    }
}

/// Stops time: it passes only when told to, until what is returned is dropped.
fn freeze() -> mpsc::Sender<()> {
    let (hold, held) = mpsc::channel();
    tokio::time::pause();
    // While a blocking task runs, the clock does not jump to the next timer by itself. Its error is that it may end.
    tokio::task::spawn_blocking(move || held.recv());
    hold
}

/// Whether the program is gone for good: a zombie would still be there.
fn is_reaped(id: Pid) -> bool {
    test_kill_process(id).is_err()
}

#[tokio::test]
async fn a_good_end_hands_back_what_was_printed() {
    let output = run(sh("printf 'a b'; echo careful >&2")).await.expect("ends well");
    assert_eq!((output.text().unwrap(), output.stderr.as_str(), output.status), ("a b", "careful", 0));
    assert!(!output.is_truncated);
    let error = run(sh(r"printf '\377'")).await.expect("ends well").text().expect_err("is no text");
    assert!(error.message().contains("no UTF-8"), "{error}");
}

#[tokio::test]
async fn a_bad_status_is_an_error_with_the_end_of_stderr_and_no_argument() {
    let invocation = sh("echo first >&2; echo 'no such branch' >&2; exit 3").arg("arg-s3cret").env("E", "env-s3cret");
    let error = failure(invocation).await;
    assert!(matches!(&error, ProcessError::Status { code: 3, stderr, .. } if stderr == "first\nno such branch"));
    let error = Error::from(error);
    assert_eq!(error.message(), "`sh` ended with status 3: first\nno such branch");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn an_accepted_status_is_a_good_end() {
    let output = run(sh("echo none; exit 1").accept_status(1)).await.expect("is accepted");
    assert_eq!((output.text().unwrap(), output.status), ("none\n", 1));
    assert!(matches!(failure(sh("exit 2").accept_status(1)).await, ProcessError::Status { code: 2, .. }));
}

#[tokio::test]
async fn a_signal_is_an_error() {
    let error = failure(sh("echo bye >&2; kill -9 $$")).await;
    assert!(matches!(error, ProcessError::Signal { signal: 9, .. }));
    assert_eq!(error.to_string(), "`sh` was ended by signal 9: bye");
}

#[tokio::test]
async fn a_missing_program_ends_the_retries_and_a_missing_directory_is_named() {
    let error = failure(Invocation::new("no-such-program")).await;
    assert!(matches!(error, ProcessError::NotFound { .. }));
    let error = Error::from(error);
    assert!(!error.is_retryable());
    assert!(error.message().starts_with("the program `no-such-program` was not found: install it"), "{error}");
    let error = failure(sh("true").current_dir("/no/such/directory")).await;
    assert_eq!(error.to_string(), "`sh` could not be started: `/no/such/directory` is no directory");
}

#[tokio::test]
async fn no_shell_is_involved() {
    let output = run(Invocation::new("echo").arg("$HOME; `id` | *")).await.expect("ends well");
    assert_eq!(output.text().unwrap(), "$HOME; `id` | *\n");
}

#[tokio::test]
async fn input_arrives_and_need_not_be_read() {
    let large = vec![b'x'; 300_000];
    let output = run(Invocation::new("cat").stdin(large.clone())).await.expect("ends well");
    assert_eq!(output.stdout, large);
    assert!(run(Invocation::new("true").stdin(large)).await.is_ok());
    // Without input there is nothing to wait for.
    assert_eq!(run(Invocation::new("cat")).await.expect("ends well").stdout, b"");
}

#[tokio::test]
async fn the_environment_is_the_workers_or_a_list() {
    let print = r#"echo "${HOME-unset} $A""#;
    let inherited = run(sh(print).env("A", "1")).await.expect("ends well");
    let home = std::env::var("HOME").unwrap_or_else(|_| "unset".to_owned());
    assert_eq!(inherited.text().unwrap(), format!("{home} 1\n"));
    let path = std::env::var_os("PATH").unwrap();
    let listed = run(sh(print).env("A", "1").env_clear().env("PATH", path).env("A", "2")).await;
    assert_eq!(listed.expect("ends well").text().unwrap(), "unset 2\n");
}

#[tokio::test]
async fn a_secret_reaches_the_program_and_no_message() {
    let invocation = sh("echo $KEY; echo wrong key $KEY >&2; exit $CODE").env("KEY", Secret::from("s3cret"));
    let output = run(invocation.clone().env("CODE", "0")).await.expect("ends well");
    assert_eq!((output.text().unwrap(), output.stderr.as_str()), ("s3cret\n", "wrong key [secret]"));
    let error = failure(invocation.env("CODE", "1")).await;
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn endless_output_ends_the_program() {
    let error = failure(Invocation::new("yes").output_max(1000)).await;
    assert!(matches!(error, ProcessError::OutputTooLarge { limit: 1000, .. }));
    assert_eq!(error.to_string(), "`yes` printed more than 1000 bytes: raise `output_max`, or truncate");
    assert!(run(sh("printf 12345").output_max(5)).await.is_ok());
}

#[tokio::test]
async fn truncated_output_keeps_the_beginning_and_blocks_nobody() {
    let invocation = sh("printf begin; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end >&2");
    let output = run(invocation.output_max(5).truncate_output()).await.expect("ends well");
    assert_eq!((output.stdout.as_slice(), output.is_truncated), (&b"begin"[..], true));
    assert!(output.stderr.ends_with("end") && output.stderr.len() < 5000, "{}", output.stderr.len());
}

#[tokio::test]
async fn a_time_out_ends_the_whole_group() {
    let (family, local) = (Family::new().await, LocalProcesses::default());
    let invocation = family.obedient().timeout(Duration::from_secs(600));
    let task = spawn(&local, invocation);
    let mut child = family.child().await;
    let _frozen = freeze();
    advance(Duration::from_secs(601)).await;
    let error = task.await.unwrap().expect_err("takes too long");
    assert!(matches!(error, ProcessError::TimedOut { .. }));
    assert_eq!(error.to_string(), "`bash` took longer than 600s: slow");
    assert!(is_reaped(child.parent));
    child.is_gone().await;
}

#[tokio::test]
async fn a_program_that_goes_on_is_killed_after_the_grace() {
    let (family, local) = (Family::new().await, LocalProcesses::default());
    let invocation = family.stubborn().timeout(Duration::from_secs(600));
    let task = spawn(&local, invocation);
    let mut child = family.child().await;
    let _frozen = freeze();
    advance(Duration::from_secs(601)).await;
    child.is_told().await;
    assert!(!is_reaped(child.parent));
    advance(GRACE + Duration::from_secs(1)).await;
    assert!(matches!(task.await.unwrap(), Err(ProcessError::TimedOut { .. })));
    assert!(is_reaped(child.parent));
    child.is_gone().await;
}

#[tokio::test]
async fn dropping_the_future_ends_the_whole_group_and_reaps_it() {
    let (family, local) = (Family::new().await, LocalProcesses::with_places(1));
    let invocation = family.obedient();
    let task = spawn(&local, invocation);
    let mut child = family.child().await;
    assert!(!is_reaped(child.parent));
    task.abort();
    assert!(task.await.expect_err("is aborted").is_cancelled());
    child.is_gone().await;
    // The place is free once the program is reaped.
    assert!(local.run(Invocation::new("true")).await.is_ok());
    assert!(is_reaped(child.parent));
}

#[tokio::test]
async fn the_end_of_the_runtime_ends_the_whole_group() {
    let family = Family::new().await;
    let invocation = family.stubborn();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(run(invocation));
    let mut child = family.child().await;
    runtime.shutdown_background();
    child.is_gone().await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let family = Family::new().await;
    let run = tokio::spawn(run(family.program("trap 'echo done; exit' USR1", "wait")));
    let mut child = family.child().await;
    // Its child still holds stdout, and is not waited for.
    assert_eq!(run.await.unwrap().expect("ends well").text().unwrap(), "done\n");
    child.is_gone().await;
}

#[tokio::test]
async fn a_daemon_that_holds_the_output_is_not_waited_for() {
    // With job control a child has a group of its own, which is not ours to end.
    let output = run(Invocation::new("bash").args(["-c", "set -m; sleep 1000 & echo $!"])).await.expect("ends well");
    let daemon = Pid::from_raw(output.text().unwrap().trim().parse().unwrap()).unwrap();
    kill_process(daemon, Signal::KILL).expect("it goes on");
}

#[tokio::test]
async fn programs_wait_for_a_place() {
    let (family, local) = (Family::new().await, LocalProcesses::with_places(1));
    let invocation = family.obedient();
    let first = spawn(&local, invocation);
    let _child = family.child().await;
    let mut second = local.run(Invocation::new("true"));
    assert!(futures::poll!(second.as_mut()).is_pending());
    assert_eq!(local.places.available_permits(), 0);
    first.abort();
    assert!(second.await.is_ok());
}

#[tokio::test]
async fn a_stop_ends_all_programs_and_starts_no_more() {
    let (family, local) = (Family::new().await, LocalProcesses::with_places(1));
    let invocation = family.obedient();
    let running = spawn(&local, invocation);
    let mut child = family.child().await;
    let mut waiting = local.run(Invocation::new("true"));
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    let stop = tokio::spawn({
        let local = local.clone();
        async move { local.stop().await }
    });
    assert!(matches!(waiting.await, Err(ProcessError::Stopping { .. })));
    stop.await.unwrap();
    assert!(is_reaped(child.parent));
    assert!(matches!(running.await.unwrap(), Err(ProcessError::Stopping { .. })));
    assert!(matches!(local.run(Invocation::new("true")).await, Err(ProcessError::Stopping { .. })));
    child.is_gone().await;
}
