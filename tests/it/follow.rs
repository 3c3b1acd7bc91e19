//! Messages to the operator as they come, while the system sleeps and wakes and the worker goes away.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};

use serde_json::{Value, json};
use system_bus_runtime::testing::RedisServer;

use crate::process::{Follower, Program, Worker, directory, eventually};

const FOLLOW: [&str; 3] = ["notifications", "--follow", "--json"];

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Waits until a message of this type is the newest.
fn wait_for(worker: &Worker, kind: &str) -> Value {
    eventually(kind, || {
        let newest = worker.json(&["notifications", "--count", "1"])[0].take();
        (newest["type"] == kind).then_some(newest)
    })
}

#[test]
fn sleep_and_wake_are_followed_and_ctrl_c_is_a_good_end() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    let told = worker.run(&["sleep", "--reason", "night"]);
    assert!(told.stdout.contains("system-sleep-requested"), "{told:?}");
    wait_for(&worker, "system.sleep.activated");
    let all = Follower::start(Program::Application, &[&FOLLOW[..], &["--count", "5"]].concat(), &worker.url);
    assert_eq!(parse(&all.line())["type"], "system.sleep.activated", "what is there comes first");
    let text = Follower::start(Program::Application, &["notifications", "--follow", "--count", "1"], &worker.url);
    assert!(text.line().contains("system.sleep.activated  inngest/sleep-mode  delivered  {"));
    assert_eq!(worker.json(&["wake"])["functions"], json!(["system-wake-requested"]));
    let woke = parse(&all.line());
    assert_eq!((&woke["type"], &woke["payload"]["reason"]), (&json!("system.sleep.woke"), &json!("night")));
    assert_eq!(woke, wait_for(&worker, "system.sleep.woke"));
    assert!(text.line().contains("system.sleep.woke"));
    assert_eq!((all.interrupt(), text.interrupt()), ((0, vec![]), (0, vec![])), "each was shown once");
}

#[test]
fn a_sleep_that_is_over_wakes_the_system_by_itself() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    worker.json(&["sleep", "--for", "1s"]);
    let woke = wait_for(&worker, "system.sleep.woke");
    let newest = worker.json(&["notifications", "--count", "2"]);
    assert_eq!(newest[1]["payload"]["since"], woke["payload"]["since"], "of the sleep that was asked for");
    let sleep = eventually("the run ends", || {
        let runs = worker.json(&["runs", "--status", "completed"]);
        runs.as_array()?.iter().find(|run| run["function_id"] == "system-sleep-requested").cloned()
    });
    assert_eq!(sleep["output"]["ttlSeconds"], 1);
}

#[test]
fn a_later_sleep_replaces_an_earlier_one() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    let run = |arguments: &[&str]| worker.json(arguments)["fates"][0]["run_id"].as_str().expect("a run").to_owned();
    let first = run(&["sleep", "--for", "1h"]);
    let second = run(&["sleep", "--for", "2h"]);
    let ended = |run: &str, status: &str| {
        eventually(status, || (worker.json(&["run", run])["status"] == status).then_some(()));
    };
    ended(&first, "Cancelled");
    assert_eq!(worker.json(&["run", &second])["status"], "Running");
    worker.json(&["wake"]);
    ended(&second, "Cancelled");
    wait_for(&worker, "system.sleep.woke");
}

#[test]
fn with_redis_a_message_goes_to_who_listens_and_into_the_history() {
    let (data, redis) = (directory(), RedisServer::start());
    let worker = Worker::start(Program::Application, data.path(), &[("REDIS_URL", &redis.url())]);
    redis.ask("SADD joelclaw:gateway:sessions gateway");
    worker.json(&["sleep"]);
    let kept = wait_for(&worker, "system.sleep.activated");
    assert_eq!(kept["delivery"], "delivered");
    let record = json!({
        "id": kept["id"], "type": kept["type"], "source": kept["source"], "payload": kept["payload"], "ts": kept["ts"],
    });
    let records = redis.ask("LRANGE joelclaw:events:gateway 0 -1");
    let found = records.lines().find(|line| line.starts_with('{')).expect("a record");
    assert_eq!(parse(found), record);
    assert!(redis.ask("GET system:sleep").contains("since"));
}

/// A worker for one test, of which the test knows what it was asked; each answer closes its connection.
fn worker(answers: Vec<Option<Value>>, asked: Sender<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().expect("somebody asks");
            let _ = asked.send(line(&stream));
            // Without an answer the connection is lost.
            let Some(data) = answer else { continue };
            let body = json!({ "data": data }).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            (&stream).write_all((head + &body).as_bytes()).expect("the answer can be sent");
        }
        // Asked once more, it is silent until the test ends.
        let _held = listener.accept();
        std::thread::park();
    });
    url
}

/// The request's line; its headers are read too, so that closing the connection loses no answer.
fn line(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("a request"));
    let line = lines.next().expect("a request line");
    assert!(lines.any(|line| line.is_empty()));
    line
}

#[test]
fn a_lost_connection_leaves_no_gap_and_repeats_nothing() {
    let message = |cursor: u32| {
        json!({
            "cursor": cursor, "id": cursor.to_string(), "type": "ci.failed", "source": "test",
            "payload": {"n": cursor}, "ts": 5, "urgency": "normal", "delivery": "delivered",
        })
    };
    let (sender, asked) = channel();
    let answers = vec![
        Some(json!([message(7)])),
        Some(json!([message(8), message(9)])),
        None,
        Some(json!([])),
        Some(json!([message(10)])),
    ];
    let url = worker(answers, sender);
    let follower = Follower::start(Program::Application, &FOLLOW, &url);
    for cursor in [8, 9, 10] {
        assert_eq!(parse(&follower.line()), message(cursor), "the one before the start is not new");
    }
    let after: Vec<String> = asked
        .iter()
        .take(5)
        .map(|line| {
            let (_, query) = line.split_once("after=").unwrap_or(("", "none&"));
            query.split('&').next().expect("a value").to_owned()
        })
        .collect();
    assert_eq!(after, ["none", "7", "9", "9", "9"]);
    assert_eq!(follower.interrupt(), (0, vec![]));
}

#[test]
fn a_worker_of_a_server_can_be_followed() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[("INNGEST_DEV", "http://127.0.0.1:1")]);
    assert_eq!(worker.get("/v1/notifications?after=0&wait=1").json(), json!({ "data": [] }));
}
