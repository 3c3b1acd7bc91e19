//! Webhook deliveries that a worker verifies, keeps and answers in a second: part of `scripts/bench`.
//!
//! The worker is the application itself, as a process of its own; the vendor is GitHub, whose deliveries have an id of
//! their own each. What depends on the disk is given beside `fdatasync` measured before and after it.

#[path = "../figures/disk.rs"]
mod disk;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use functions as _;
use system_bus::Application;
use system_bus_runtime::event;
use system_bus_runtime::testing::WebhookHarness;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Failure = Box<dyn std::error::Error>;

const SECRET: (&str, &str) = ("GITHUB_WEBHOOK_SECRET", "github-bench-secret");
const CONNECTIONS: usize = 32;
const DELIVERIES: usize = 60_000;
const ROUNDS: usize = 5;

/// A run of the benchmark was reported, which starts nothing.
#[event("github/benchmark_run.completed")]
struct BenchmarkRunCompleted {
    /// What happened; always `completed`.
    action: String,
}

fn main() -> Result<(), Failure> {
    if std::env::args().any(|argument| argument == "--worker") {
        let arguments = ["system-bus", "serve", "--json"].map(Into::into);
        system_bus::main(Application::linked(), arguments);
        return Ok(());
    }
    let directory = tempfile::Builder::new().prefix("deliveries-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (mut rates, mut syncs, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let mut worker = Worker::start(directory.path())?;
    for round in 0..ROUNDS {
        let before = disk::fdatasync(directory.path())?;
        let time = flood(&worker.address, "benchmark_run", round)?;
        syncs.push(f64::midpoint(before, disk::fdatasync(directory.path())?));
        rates.push(rate(time));
        memory.push(worker.resident_bytes()?);
    }
    let body_bytes = body().len();
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    println!("| figure | measured | target |\n| --- | --- | --- |");
    println!("| `fdatasync` of 4 KiB, in the same run | {:.3} ms | |", median(&mut syncs));
    println!(
        "| deliveries of {body_bytes} bytes verified, kept and answered, {CONNECTIONS} connections | {:.0}/s | ≥ 20,000/s |",
        median(&mut rates)
    );
    println!(
        "| memory after {DELIVERIES} and after {} of them | {}, {} | flat |",
        DELIVERIES * ROUNDS,
        megabytes(memory[0]),
        megabytes(memory[ROUNDS - 1])
    );
    let mut wrong = vec![rate(flood(&worker.address, "wrong", 0)?)];
    println!("| deliveries with a wrong signature refused | {:.0}/s | |", median(&mut wrong));
    worker.stop();
    Ok(())
}

fn rate(time: Duration) -> f64 {
    DELIVERIES as f64 / time.as_secs_f64()
}

/// The middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A worker process that ends with its handle.
struct Worker {
    process: Child,
    address: String,
}

impl Worker {
    #[expect(clippy::disallowed_types, reason = "the benchmark starts its own worker")]
    fn start(directory: &Path) -> Result<Self, Failure> {
        use std::io::BufRead as _;
        let mut process = std::process::Command::new(std::env::current_exe()?)
            .arg("--worker")
            .env_clear()
            .envs([("PORT", "0"), SECRET])
            .env("RUST_LOG", "error")
            .env("SYSTEM_BUS_DATA", directory.join("data"))
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().ok_or("the worker has no output")?;
        let mut line = String::new();
        std::io::BufReader::new(stdout).read_line(&mut line)?;
        let start: serde_json::Value = serde_json::from_str(&line)?;
        let address = start["url"].as_str().and_then(|url| url.strip_prefix("http://")).ok_or("no address")?;
        Ok(Self { process, address: address.to_owned() })
    }

    /// Bytes of memory that the process has in use.
    fn resident_bytes(&self) -> Result<u64, Failure> {
        const PAGE_BYTES: u64 = 4096;
        let path = PathBuf::from(format!("/proc/{}/statm", self.process.id()));
        let text = std::fs::read_to_string(path)?;
        Ok(text.split(' ').nth(1).ok_or("no memory")?.parse::<u64>()? * PAGE_BYTES)
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What GitHub says of a finished run.
fn body() -> &'static str {
    include_str!("workflow_run.json").trim_end()
}

/// Delivers on all connections, one at a time on each; how long it took.
fn flood(address: &str, kind: &'static str, round: usize) -> Result<Duration, Failure> {
    let signed = WebhookHarness::of("github").secret(SECRET.0, SECRET.1).signed(body());
    let (signature, expected) = match kind {
        "wrong" => ("sha256=00".to_owned(), None),
        _ => (signed[0].1.clone(), Some("200 OK")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begin = Instant::now();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for connection in 0..CONNECTIONS {
            let (address, signature) = (address.to_owned(), signature.clone());
            tasks.spawn(async move {
                let request = |number| {
                    format!(
                        "POST /webhooks/github HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                         x-github-event: {kind}\r\nx-github-delivery: {round}-{connection}-{number}\r\n\
                         x-hub-signature-256: {signature}\r\ncontent-length: {}\r\n\r\n{}",
                        body().len(),
                        body()
                    )
                };
                deliver(&address, DELIVERIES / CONNECTIONS, request, expected).await.map_err(|error| error.to_string())
            });
        }
        while let Some(result) = tasks.join_next().await {
            result??;
        }
        Ok::<_, Failure>(begin.elapsed())
    })
}

async fn deliver(
    address: &str,
    count: usize,
    request: impl Fn(usize) -> String,
    expected: Option<&str>,
) -> Result<(), Failure> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    for number in 0..count {
        stream.write_all(request(number).as_bytes()).await?;
        let mut length = 0;
        while !is_whole(&buffer[..length]) {
            let read = stream.read(&mut buffer[length..]).await?;
            if read == 0 {
                return Err("the worker has closed the connection".into());
            }
            length += read;
        }
        let answer = String::from_utf8_lossy(&buffer[..length]);
        if expected.is_some_and(|expected| !answer.contains(expected) || answer.contains("duplicate")) {
            return Err(format!("the worker answered {answer}").into());
        }
    }
    Ok(())
}

/// Whether an answer has come whole.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}
