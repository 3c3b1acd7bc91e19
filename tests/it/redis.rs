//! A worker that keeps the state of its functions in Redis, which goes away and comes back.

use std::path::Path;

use serde_json::{Value, json};
use system_bus_runtime::testing::RedisServer;

use crate::process::{Program, Worker, directory, eventually};

fn start(data: &Path, url: &str, more: &[(&str, &str)]) -> Worker {
    Worker::start(Program::Fixture, data, &[&[("REDIS_URL", url)], more].concat())
}

/// What `/readyz` says of Redis; a worker is ready without it.
#[track_caller]
fn redis(worker: &Worker) -> Value {
    let answer = worker.get("/readyz");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["checks"]["redis"].clone()
}

#[track_caller]
fn wait_until(worker: &Worker, state: &str) {
    eventually(&format!("Redis is {state}: {}", worker.log()), || (redis(worker) == state).then_some(()));
}

/// Places an order, which a function notes in its state; the run's id.
fn place_order(worker: &Worker, amount: u32) -> String {
    let data = json!({ "amount": amount }).to_string();
    let sent = worker.json(&["send", "fixture/order.placed", "--data", &data]);
    let event = sent["event_id"].as_str().unwrap_or_else(|| panic!("{sent}")).to_owned();
    eventually("a run", || worker.json(&["why", &event])["fates"][0]["run_id"].as_str().map(str::to_owned))
}

fn status(worker: &Worker, run: &str) -> Value {
    worker.json(&["run", run])["status"].clone()
}

#[test]
fn functions_keep_their_state_where_the_environment_says() {
    let (data, server) = (directory(), RedisServer::start());
    let worker = start(data.path(), &server.url(), &[]);
    assert_eq!(worker.start["redis"], format!("127.0.0.1:{}", server.port()));
    wait_until(&worker, "connected");
    let run = place_order(&worker, 101);
    eventually("the run ends", || (status(&worker, &run) == "Completed").then_some(()));
    let answer = server.ask("SMEMBERS fixture:orders");
    assert!(answer.contains("101"), "{answer}");
    assert!(!worker.log().contains("may forget state"), "{}", worker.log());
}

#[test]
fn without_redis_the_worker_keeps_state_itself() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    assert_eq!((&worker.start["redis"], redis(&worker)), (&Value::Null, Value::Null));
    let run = place_order(&worker, 101);
    eventually("the run ends", || (status(&worker, &run) == "Completed").then_some(()));
}

#[test]
fn a_worker_starts_without_redis_says_so_once_and_finds_it_later() {
    let (data, mut server) =
        (directory(), RedisServer::start_with(&["--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru"]));
    server.kill();
    let worker = start(data.path(), &server.url(), &[]);
    eventually("a warning", || worker.log().contains("until Redis answers").then_some(()));
    assert_eq!(redis(&worker), "unavailable");
    let run = place_order(&worker, 101);
    server.restart();
    wait_until(&worker, "connected");
    eventually("a warning", || worker.log().contains("`maxmemory-policy` is `allkeys-lru`").then_some(()));
    assert_eq!(worker.log().matches("until Redis answers").count(), 1, "{}", worker.log());
    assert_ne!(status(&worker, &run), "Failed", "the step is tried again");
    server.kill();
    wait_until(&worker, "unavailable");
    server.restart();
    wait_until(&worker, "connected");
}

#[test]
fn a_redis_that_never_answers_holds_nothing_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("redis://:secret-word@{}", silent.local_addr().expect("an address"));
    let data = directory();
    let worker = start(data.path(), &url, &[]);
    assert_eq!(redis(&worker), "unavailable");
    assert_eq!(worker.get("/healthz").status, 200);
    eventually("a warning", || worker.log().contains("no answer within").then_some(()));
    assert!(!worker.log().contains("secret-word"), "{}", worker.log());
}

#[test]
fn tls_is_checked_against_the_certificates_of_the_system() {
    let file = |name: &str| format!("{}/tests/it/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let (certificate, key, authority) = (file("server.pem"), file("server.key"), file("authority.pem"));
    let tls = ["--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "no", "--tls-ca-cert-file", &authority];
    let server =
        RedisServer::start_with(&[&tls[..], &["--tls-cert-file", &certificate, "--tls-key-file", &key]].concat());
    let url = server.url().replace("redis://", "rediss://");
    let (trusting, doubting) = (directory(), directory());
    let trusting = start(trusting.path(), &url, &[("SSL_CERT_FILE", &authority)]);
    wait_until(&trusting, "connected");
    let doubting = start(doubting.path(), &url, &[]);
    eventually("a warning", || doubting.log().contains("invalid peer certificate").then_some(()));
    assert_eq!(redis(&doubting), "unavailable");
}
