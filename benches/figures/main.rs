//! The figures of `docs/benchmarks.md`, one line each: `scripts/bench`.
//!
//! The worker is `examples/bench_worker.rs`, started as a process of its own and driven over HTTP. What depends on the
//! disk is given as a ratio to `fdatasync` measured before and after it.

#[path = "../../examples/bench_worker.rs"]
mod bench_worker;

mod client;
mod disk;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use client::Client;
use disk::fdatasync;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(position) = arguments.iter().position(|argument| argument == "--worker") {
        return worker(Path::new(&arguments[position + 1]));
    }
    let directory = tempfile::Builder::new().prefix("figures-").tempdir_in(target_directory())?;
    let mut table = Table::default();
    startup(directory.path(), &mut table)?;
    chains(directory.path(), &mut table)?;
    runs(directory.path(), &mut table)?;
    events(directory.path(), &mut table)?;
    table.print();
    Ok(())
}

/// A directory on the disk that the project is built on; `/tmp` may be memory.
fn target_directory() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

fn worker(directory: &Path) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        std::fs::write(directory.join("port"), listener.local_addr()?.port().to_string())?;
        bench_worker::serve(listener, directory.join("data")).await
    })
}

/// A worker process that ends with its handle.
struct Worker {
    process: Child,
    client: Client,
    ready_after: Duration,
}

impl Worker {
    #[expect(clippy::disallowed_types, reason = "the benchmark starts its own worker")]
    fn start(directory: &Path) -> Result<Self, Failure> {
        let _ = std::fs::remove_dir_all(directory);
        std::fs::create_dir_all(directory)?;
        let begin = Instant::now();
        let process = std::process::Command::new(std::env::current_exe()?)
            .arg("--worker")
            .arg(directory)
            .stdout(Stdio::null())
            .spawn()?;
        loop {
            let port = std::fs::read_to_string(directory.join("port")).ok().and_then(|port| port.parse().ok());
            if let Some(client) = port.and_then(|port: u16| Client::connect(port).ok()) {
                let mut worker = Self { process, client, ready_after: Duration::ZERO };
                worker.client.done()?;
                worker.ready_after = begin.elapsed();
                return Ok(worker);
            }
            if begin.elapsed() > Duration::from_secs(10) {
                return Err("the worker did not start within 10 seconds".into());
            }
            std::thread::yield_now();
        }
    }

    /// Sends events and waits until as many runs have ended; how long that took.
    fn time(&mut self, body: &str, runs: u64) -> Result<Duration, Failure> {
        let before = self.client.done()?.done;
        let begin = Instant::now();
        self.client.post(body)?;
        while self.client.done()?.done < before + runs {
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(begin.elapsed())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn chain_events(runs: usize, steps: usize) -> String {
    let event = format!(r#"{{"name":"bench/chain.requested","data":{{"steps":{steps}}}}}"#);
    format!("[{}]", vec![event; runs].join(","))
}

/// The middle of five.
fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|left, right| left.partial_cmp(right).unwrap_or(std::cmp::Ordering::Equal));
    values[values.len() / 2]
}

fn startup(directory: &Path, table: &mut Table) -> Result<(), Failure> {
    let mut ready = Vec::new();
    let mut bytes = 0;
    for _ in 0..5 {
        let mut worker = Worker::start(&directory.join("startup"))?;
        ready.push(worker.ready_after.as_secs_f64() * 1_000.0);
        bytes = worker.client.done()?.rss;
    }
    table.add("start until ready, 152 functions, new store", format!("{:.0} ms", median(ready)), "≤ 100 ms");
    table.add("memory, 152 functions, idle", format!("{:.1} MB", megabytes(bytes)), "≤ 25 MB");
    Ok(())
}

fn chains(directory: &Path, table: &mut Table) -> Result<(), Failure> {
    let mut worker = Worker::start(&directory.join("chain"))?;
    worker.time(&chain_events(1, 200), 1)?;
    let (mut steps, mut ratios, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let before = fdatasync(directory)?;
        let step = worker.time(&chain_events(1, 1_000), 1)?.as_secs_f64();
        let sync = f64::midpoint(before, fdatasync(directory)?);
        steps.push(step);
        syncs.push(sync);
        ratios.push(step / sync);
    }
    let thousand = median(steps.clone());
    table.add("`fdatasync` of 4 KiB, in the same run", format!("{:.3} ms", median(syncs)), "");
    table.add("one run of 1,000 steps, a step", format!("{thousand:.3} ms"), "≤ 0.25 ms");
    table.add("the same, in `fdatasync`s", format!("{:.2}", median(ratios)), "≤ 1.5");
    let mut growth = Vec::new();
    for _ in 0..5 {
        let short = worker.time(&chain_events(1, 1_000), 1)?.as_secs_f64();
        let long = worker.time(&chain_events(1, 10_000), 1)?.as_secs_f64();
        growth.push(long / short);
    }
    table.add("10,000 steps in one run, in runs of 1,000", format!("{:.1}", median(growth)), "≤ 12");
    Ok(())
}

fn runs(directory: &Path, table: &mut Table) -> Result<(), Failure> {
    let mut worker = Worker::start(&directory.join("runs"))?;
    worker.time(&chain_events(100, 20), 100)?;
    let mut rates = Vec::new();
    for _ in 0..5 {
        rates.push(20_000.0 / worker.time(&chain_events(1_000, 20), 1_000)?.as_secs_f64());
    }
    table.add("1,000 runs of 20 steps, sent at once", format!("{:.0} steps/s", median(rates)), "≥ 40,000/s");
    let mut rates = Vec::new();
    for _ in 0..5 {
        rates.push(20_000.0 / sixty_four_at_a_time(&mut worker)?.as_secs_f64());
    }
    table.add("1,000 runs of 20 steps, 64 at a time", format!("{:.0} steps/s", median(rates)), "≥ 40,000/s");
    let loaded = worker.client.done()?.rss;
    table.add("memory after that load", format!("{:.1} MB", megabytes(loaded)), "≤ 80 MB");
    Ok(())
}

/// Keeps 64 runs going: whenever some have ended, as many are sent.
fn sixty_four_at_a_time(worker: &mut Worker) -> Result<Duration, Failure> {
    let before = worker.client.done()?.done;
    let begin = Instant::now();
    let (mut sent, mut ended) = (0, 0);
    while ended < 1_000 {
        let room = (64 - (sent - ended)).min(1_000 - sent);
        if room > 0 {
            worker.client.post(&chain_events(usize::try_from(room)?, 20))?;
            sent += room;
        }
        ended = worker.client.done()?.done - before;
    }
    Ok(begin.elapsed())
}

fn events(directory: &Path, table: &mut Table) -> Result<(), Failure> {
    const CONNECTIONS: usize = 32;
    const REQUESTS: usize = 2_000;
    for (what, event, target) in [
        ("events accepted, one a request, 32 connections", "bench/idle.noted", "≥ 30,000/s"),
        ("the same, each starting a run", "bench/hello.requested", ""),
    ] {
        let worker = Worker::start(&directory.join("events"))?;
        let body = format!(r#"{{"name":"{event}","data":{{}}}}"#);
        let mut rates = Vec::new();
        for _ in 0..5 {
            let took = client::flood(worker.client.port(), CONNECTIONS, REQUESTS, &body)?;
            rates.push((CONNECTIONS * REQUESTS) as f64 / took.as_secs_f64());
        }
        table.add(what, format!("{:.0}/s", median(rates)), target);
    }
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

/// The lines of the result, printed as Markdown.
#[derive(Default)]
struct Table(Vec<[String; 3]>);

impl Table {
    fn add(&mut self, figure: &str, reached: String, target: &str) {
        eprintln!("{figure}: {reached}");
        self.0.push([figure.to_owned(), reached, target.to_owned()]);
    }

    fn print(&self) {
        println!("| figure | reached | target |\n| --- | --- | --- |");
        for [figure, reached, target] in &self.0 {
            println!("| {figure} | {reached} | {target} |");
        }
    }
}
