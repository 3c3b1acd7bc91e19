//! A flood: many connections, a third of the deliveries wrong, the worker killed and restarted meanwhile.
//!
//! `FLOOD_DELIVERIES=100000 cargo test --release --test it flood` makes it a large one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use serde_json::{Value, json};
use system_bus_runtime::testing::WebhookHarness;

use crate::inbox::SECRET;
use crate::process::{Program, Worker, directory, eventually};
use crate::stub::Server;

const DELIVERIES: usize = 1_500;
const CONNECTIONS: usize = 32;
const KILLS: usize = 3;

/// What came back for a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    /// The connection broke, so that nobody knows.
    Nothing,
    Status(u16),
}

/// The vendor: every third delivery is signed wrong, every second one is sent again when the connection breaks.
struct Flood {
    count: usize,
    address: RwLock<String>,
    next: AtomicUsize,
    answers: Mutex<HashMap<usize, Answered>>,
    harness: WebhookHarness,
}

fn is_signed(number: usize) -> bool {
    !number.is_multiple_of(3)
}

impl Flood {
    fn new(count: usize) -> Arc<Self> {
        let harness = WebhookHarness::of("fixture-shop").secret(SECRET.0, SECRET.1);
        let (address, next) = (RwLock::default(), AtomicUsize::new(1));
        Arc::new(Self { count, address, next, answers: Mutex::default(), harness })
    }

    fn answered(&self) -> usize {
        self.answers.lock().expect("nobody has panicked").len()
    }

    fn deliver_all(&self) {
        let mut connection = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number > self.count {
                return;
            }
            let answer = loop {
                let answer = self.deliver(number, &mut connection);
                if answer != Answered::Nothing || number.is_multiple_of(2) {
                    break answer;
                }
                // The worker is being started again.
                std::thread::yield_now();
            };
            self.answers.lock().expect("nobody has panicked").insert(number, answer);
        }
    }

    fn deliver(&self, number: usize, connection: &mut Option<BufReader<TcpStream>>) -> Answered {
        let body = format!(r#"{{"number":{number}}}"#);
        let signed = self.harness.signed(if is_signed(number) { &body } else { "something else" });
        let request = format!(
            "POST /webhooks/fixture-shop HTTP/1.1\r\nhost: localhost\r\nx-shop-signature: {}\r\n\
             x-shop-delivery: d-{number}\r\ncontent-length: {}\r\n\r\n{body}",
            signed[0].1,
            body.len()
        );
        let answer = self.exchange(request.as_bytes(), connection);
        if answer.is_none() {
            *connection = None;
        }
        answer.map_or(Answered::Nothing, Answered::Status)
    }

    fn exchange(&self, request: &[u8], connection: &mut Option<BufReader<TcpStream>>) -> Option<u16> {
        let reader = match connection {
            Some(reader) => reader,
            None => {
                let address = self.address.read().expect("nobody has panicked").clone();
                let stream = TcpStream::connect(address).ok()?;
                stream.set_nodelay(true).ok()?;
                connection.insert(BufReader::new(stream))
            }
        };
        reader.get_mut().write_all(request).ok()?;
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(text) = header.strip_prefix("content-length: ") {
                length = text.parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(status)
    }

    /// Delivers everything to a worker that is killed and started again meanwhile; the worker that is left.
    fn run(self: &Arc<Self>, start: impl Fn() -> Worker, between: impl Fn(usize)) -> Worker {
        let mut worker = start();
        worker.authority().clone_into(&mut self.address.write().expect("nobody has panicked"));
        let vendors: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let flood = self.clone();
                std::thread::spawn(move || flood.deliver_all())
            })
            .collect();
        for kill in 1..=KILLS {
            let due = self.count * kill / (KILLS + 1);
            eventually("the flood goes on", || (self.answered() >= due).then_some(()));
            worker.kill();
            between(kill);
            worker = start();
            worker.authority().clone_into(&mut self.address.write().expect("nobody has panicked"));
        }
        for vendor in vendors {
            vendor.join().expect("a vendor does not panic");
        }
        worker
    }

    /// Checks what every delivery came to; `runs` counts what was started by number.
    fn check(&self, runs: &BTreeMap<usize, usize>) {
        let answers = self.answers.lock().expect("nobody has panicked");
        assert_eq!(answers.len(), self.count);
        let mut accepted = 0;
        for (&number, &answer) in &*answers {
            let started = runs.get(&number).copied().unwrap_or_default();
            match answer {
                Answered::Status(200) => {
                    accepted += 1;
                    assert!(is_signed(number), "{number} was accepted with a wrong signature");
                    assert_eq!(started, 1, "{number} was accepted");
                }
                Answered::Status(status) => assert_eq!(started, 0, "{number} was answered {status}"),
                Answered::Nothing => assert!(started <= usize::from(is_signed(number)), "{number} was not answered"),
            }
            if !is_signed(number) && answer != Answered::Nothing {
                assert!(matches!(answer, Answered::Status(401 | 429)), "{number}: {answer:?}");
            }
        }
        let known: usize = runs.values().sum();
        assert!(accepted > self.count / 2, "most of the right ones were accepted: {accepted}");
        eprintln!("{} deliveries, {accepted} accepted, {known} runs", self.count);
    }
}

fn count() -> usize {
    std::env::var("FLOOD_DELIVERIES").ok().and_then(|text| text.parse().ok()).unwrap_or(DELIVERIES)
}

/// All runs, by the number that they return.
fn runs(worker: &Worker) -> Option<BTreeMap<usize, usize>> {
    let mut found = BTreeMap::new();
    let mut before = String::new();
    loop {
        let page = worker.get(&format!("/v1/runs?limit=1000{before}")).json();
        let page = page["data"].as_array().expect("a list");
        for run in page {
            if run["status"] != "Completed" {
                return None;
            }
            let number = run["output"].as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number");
            *found.entry(number).or_insert(0) += 1;
        }
        match page.last() {
            Some(last) => before = format!("&before={}", last["run_id"].as_str().expect("an id")),
            None => return Some(found),
        }
    }
}

#[test]
fn every_accepted_delivery_becomes_exactly_one_run() {
    let data = directory();
    let flood = Flood::new(count());
    let worker = flood.run(|| Worker::start(Program::Fixture, data.path(), &[SECRET]), |_| ());
    let runs = eventually("all runs have ended", || runs(&worker));
    flood.check(&runs);
}

#[test]
fn every_accepted_delivery_reaches_the_server_that_was_down() {
    let data = directory();
    let flood = Flood::new(count());
    let accepted: Arc<Mutex<BTreeMap<usize, usize>>> = Arc::default();
    let is_up = Arc::new(AtomicBool::new(true));
    let (remembered, up) = (accepted.clone(), is_up.clone());
    let known: Mutex<HashSet<String>> = Mutex::default();
    let server = Server::start(move |asked| {
        if !asked.line.starts_with("POST /e/") {
            return (200, r#"{"ok":true,"modified":false}"#.to_owned());
        }
        if !up.load(Ordering::SeqCst) {
            return (503, r#"{"error":"down","status":503}"#.to_owned());
        }
        let events: Vec<Value> = serde_json::from_str(&asked.body).expect("events");
        let mut known = known.lock().expect("nobody has panicked");
        let mut accepted = remembered.lock().expect("nobody has panicked");
        for event in &events {
            // A server starts nothing for an id that it knows.
            if known.insert(event["id"].as_str().expect("an id").to_owned()) {
                let number = event["data"]["number"].as_u64().and_then(|number| usize::try_from(number).ok());
                *accepted.entry(number.expect("a number")).or_insert(0) += 1;
            }
        }
        let ids: Vec<_> = events.iter().map(|event| &event["id"]).collect();
        (200, json!({ "ids": ids, "status": 200 }).to_string())
    });
    let start = || Worker::start(Program::Fixture, data.path(), &[SECRET, ("INNGEST_DEV", &server.origin)]);
    // Down from the first kill to the second.
    let worker = flood.run(start, |kill| is_up.store(kill != 1, Ordering::SeqCst));
    eventually("the inbox is empty", || (worker.get("/").json()["webhooks"]["inbox"]["waiting"] == 0).then_some(()));
    flood.check(&accepted.lock().expect("nobody has panicked"));
}
