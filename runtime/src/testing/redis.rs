//! A real Redis server for one test.

#![expect(clippy::disallowed_types, reason = "the server is a program of its own, which the test kills")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Below the ports that systems give to outgoing connections, so that nobody else takes one while the server is down.
const PORTS: std::ops::Range<u16> = 10_000..30_000;

/// Ports that are tried until one is free.
const ATTEMPTS: usize = 100;

/// A Redis server of its own on a free port of this machine, which ends with the test. What it has acknowledged survives
/// [`RedisServer::kill`].
///
/// ```no_run
/// use system_bus_runtime::service::Redis;
/// use system_bus_runtime::testing::RedisServer;
///
/// let mut server = RedisServer::start();
/// let redis = Redis::open(&server.url()).unwrap();
/// server.kill();
/// server.restart();
/// ```
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl RedisServer {
    /// A server that answers.
    ///
    /// # Panics
    /// When there is no `redis-server` on this machine, or it does not start.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with arguments such as `["--requirepass", "secret"]`; `{port}` in them is its port.
    pub fn start_with(arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        for _ in 0..ATTEMPTS {
            let port = fastrand::u16(PORTS);
            let directory = std::env::temp_dir().join(format!("system-bus-redis-{}-{port}", std::process::id()));
            let mut server = Self { port, directory, arguments: arguments.clone(), process: None };
            if server.try_start() {
                return server;
            }
        }
        panic!("`redis-server {}` does not start on any of {ATTEMPTS} ports", arguments.join(" "));
    }

    /// The port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a `REDIS_URL` names it by.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What the server answers to a command in one line, as it says it; for looking past the client that is under test.
    ///
    /// # Panics
    /// When it is not there.
    pub fn ask(&self, command: &str) -> String {
        let answer = TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut stream| {
            stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        answer.unwrap_or_else(|error| panic!("Redis on port {} does not answer: {error}", self.port))
    }

    /// Ends the server without a warning.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It fails only when the process has ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again, with its port and what it held.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.try_start(), "`redis-server` does not start again on port {}", self.port);
    }

    /// Whether it has said that it is ready; it ends when the port is taken.
    fn try_start(&mut self) -> bool {
        if let Err(error) = std::fs::create_dir_all(&self.directory) {
            panic!("cannot make `{}`: {error}", self.directory.display());
        }
        let started = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--logfile", "", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(&self.directory)
            .args(self.arguments.iter().map(|argument| argument.replace("{port}", &self.port.to_string())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = started.unwrap_or_else(|error| panic!("cannot start `redis-server` ({error}): install it"));
        let lines = process.stdout.take().map(|output| BufReader::new(output).lines().map_while(Result::ok));
        let is_ready = lines.into_iter().flatten().any(|line| line.contains("Ready to accept connections"));
        self.process = Some(process);
        if !is_ready {
            self.kill();
        }
        is_ready
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // What stays behind is a file in the directory for temporary ones.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
