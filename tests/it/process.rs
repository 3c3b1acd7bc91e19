//! Starts programs, talks to them, ends them.

#![expect(clippy::disallowed_types, reason = "the program itself is under test, from outside")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{ARGUMENTS, MARK, SEPARATOR};

/// No test waits longer than this for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The `system-bus` binary with the application's functions.
    Application,
    /// The program of `fixture.rs`.
    Fixture,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that the command failed with this status and one line on stderr that holds each part.
    #[track_caller]
    pub(crate) fn fails(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "one line: {self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in {self:?}");
        }
    }
}

impl Program {
    /// The program with these arguments and nothing but these variables.
    fn command(self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = match self {
            Self::Application => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
                command.args(arguments).env_clear();
                command
            }
            Self::Fixture => {
                let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
                let all: Vec<&str> = ["system-bus"].iter().chain(arguments).copied().collect();
                command.args(["fixture::program", "--exact", "--nocapture", "--test-threads=1"]).env_clear();
                command.env(ARGUMENTS, all.join(&SEPARATOR.to_string()));
                command
            }
        };
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::piped());
        command
    }

    /// Runs to the end.
    pub(crate) fn run(self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        self.run_with_input(arguments, variables, "")
    }

    /// Runs to the end with this text on stdin.
    pub(crate) fn run_with_input(self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Outcome {
        let mut child = self.command(arguments, variables).spawn().expect("the program starts");
        let mut stdin: ChildStdin = child.stdin.take().expect("stdin is piped");
        // A program that does not read its stdin may be gone already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("the program ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stdout = text(&output.stdout);
        let stdout = if self == Self::Fixture { after_mark(&stdout) } else { stdout };
        Outcome { status: output.status.code().unwrap_or(-1), stdout, stderr: text(&output.stderr) }
    }
}

fn after_mark(text: &str) -> String {
    text.split_once(MARK).map(|(_, rest)| rest.to_owned()).expect("the fixture has started")
}

/// A directory that is removed when the test ends.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Asks until there is an answer; the bound is generous because machines may be busy.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    const PAUSE: Duration = Duration::from_millis(5);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("still not: {what}");
}

/// A running worker; ends with the test.
pub(crate) struct Worker {
    program: Program,
    child: Child,
    pub(crate) url: String,
    /// What it printed when it started.
    pub(crate) start: Value,
    log: PathBuf,
}

impl Worker {
    /// Starts a worker on a free port with its state in `data`; returns once it listens.
    #[track_caller]
    pub(crate) fn start(program: Program, data: &Path, variables: &[(&str, &str)]) -> Self {
        let data_text = data.to_str().expect("a temporary path is text");
        let mut all = vec![("PORT", "0"), ("SYSTEM_BUS_DATA", data_text)];
        all.extend_from_slice(variables);
        std::fs::create_dir_all(data).expect("the directory can be made");
        let log = data.join("stderr.log");
        let mut command = program.command(&["serve", "--json"], &all);
        let file = std::fs::File::options().create(true).append(true).open(&log).expect("a log file");
        let mut child = command.stderr(file).spawn().expect("the worker starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = channel();
        // Goes on reading, so that the worker never finds a closed pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let start: Value = loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with('{') => break serde_json::from_str(&line).expect("the start is JSON"),
                Ok(_) => {}
                Err(_) => panic!("the worker does not start: {}", std::fs::read_to_string(&log).unwrap_or_default()),
            }
        };
        let url = start["url"].as_str().expect("the start names the address").to_owned();
        Self { program, child, url, start, log }
    }

    /// A command that talks to this worker.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.program.run(&[arguments, &["--url", &self.url]].concat(), &[])
    }

    /// The JSON of a command that must succeed.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(outcome.status, 0, "{outcome:?}");
        outcome.json()
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log can be read")
    }

    pub(crate) fn authority(&self) -> &str {
        self.url.strip_prefix("http://").expect("an http address")
    }

    /// One request; `Host` and `Content-Length` are right unless given.
    #[track_caller]
    pub(crate) fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.authority()).expect("the worker listens");
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        let length = body.len().to_string();
        for (name, value) in [("host", self.authority()), ("content-length", &length)] {
            if !headers.iter().any(|(given, _)| *given == name) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all((head + "\r\n").as_bytes()).expect("the request can be sent");
        // A server may refuse before it has read everything.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer::parse(&String::from_utf8_lossy(&answer))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.http("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.http("POST", path, &[], body.as_bytes())
    }

    /// `kill -9`: nothing can be tidied up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the worker can be killed");
        self.child.wait().expect("the worker ends");
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(&self.child, name);
    }

    /// Waits until the worker has ended by itself; its exit status.
    pub(crate) fn wait(mut self) -> i32 {
        self.child.wait().expect("the worker ends").code().unwrap_or(-1)
    }

    /// Stops the worker with a signal; its exit status.
    pub(crate) fn stop(self, signal: &str) -> i32 {
        self.signal(signal);
        self.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that goes on printing; ends with the test.
pub(crate) struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    /// Starts the command at a worker's address.
    pub(crate) fn start(program: Program, arguments: &[&str], url: &str) -> Self {
        let mut child = program.command(&[arguments, &["--url", url]].concat(), &[]).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// The next line.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("another line")
    }

    /// Ends it as Ctrl-C does; its exit status, and what it printed since the last line.
    pub(crate) fn interrupt(mut self) -> (i32, Vec<String>) {
        send_signal(&self.child, "INT");
        let status = self.child.wait().expect("it ends").code().unwrap_or(-1);
        (status, self.lines.iter().collect())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send_signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("`kill` is there");
    assert!(sent.success());
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts a refusal in JSON whose text holds `part`.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let error = self.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned();
        assert!(error.contains(part), "`{part}` is not in `{error}`");
    }
}
