//! How a worker starts, and each way in which it does not: one line on stderr and exit status 1.

use std::fs;
use std::net::TcpListener;

use crate::process::{Outcome, Program, Worker, directory};

/// Starts a worker that is expected to give up.
fn refused(variables: &[(&str, &str)]) -> Outcome {
    Program::Application.run(&["serve"], variables)
}

#[test]
fn it_says_what_it_serves_and_where() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    assert!(worker.url.starts_with("http://127.0.0.1:") && !worker.url.ends_with(":0"));
    assert_eq!(worker.start["functions"], 7);
    assert_eq!(worker.start["events"], 8);
    assert_eq!(worker.start["data"].as_str(), data.path().to_str());
    assert_eq!(worker.get("/readyz").status, 200);
    assert!(data.path().join("engine.db").exists());
}

#[test]
fn a_role_runs_its_own_functions() {
    for (role, own, other) in
        [("host", "fixture-large-order", "fixture-question"), ("cluster", "fixture-question", "fixture-large-order")]
    {
        let data = directory();
        let worker = Worker::start(Program::Fixture, data.path(), &[("WORKER_ROLE", role)]);
        let status = worker.get("/").json();
        let functions = status["functions"].to_string();
        assert!(functions.contains(own) && !functions.contains(other), "{functions}");
        assert_eq!(status["worker"]["role"], role);
        assert_eq!(status["worker"]["roleCounts"], serde_json::json!({ "host": 6, "cluster": 6, "active": 6 }));
    }
}

#[test]
fn a_port_in_use_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let data = directory();
    let outcome = refused(&[("PORT", &port), ("SYSTEM_BUS_DATA", data.path().to_str().expect("text"))]);
    outcome.fails(1, &[&format!("`127.0.0.1:{port}`"), "in use", "`PORT`"]);
    assert_eq!(fs::read_dir(data.path()).expect("is there").count(), 0, "nothing is made before the port is ours");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_one_line() {
    let data = directory();
    // Root may write anywhere, but not below a file.
    let file = data.path().join("file");
    fs::write(&file, "").expect("a file");
    let below = file.join("data");
    refused(&[("PORT", "0"), ("SYSTEM_BUS_DATA", below.to_str().expect("text"))])
        .fails(1, &["cannot write to the data directory", "`SYSTEM_BUS_DATA`"]);
}

#[test]
fn a_damaged_database_is_one_line_and_left_alone() {
    let data = directory();
    let file = data.path().join("engine.db");
    let text = "not a database at all ".repeat(100);
    fs::write(&file, &text).expect("a file");
    refused(&[("PORT", "0"), ("SYSTEM_BUS_DATA", data.path().to_str().expect("text"))])
        .fails(1, &["engine.db", "damaged", "backup"]);
    assert_eq!(fs::read_to_string(&file).expect("is there"), text);
}

#[cfg(unix)]
#[test]
fn a_newer_database_is_one_line() {
    let data = directory();
    assert_eq!(Worker::start(Program::Application, data.path(), &[]).stop("TERM"), 0);
    // The schema's version lies at byte 60 of an SQLite file, big-endian.
    let file = data.path().join("engine.db");
    let mut bytes = fs::read(&file).expect("the database");
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&file, bytes).expect("the database can be written");
    refused(&[("PORT", "0"), ("SYSTEM_BUS_DATA", data.path().to_str().expect("text"))])
        .fails(1, &["schema version 99", "newer system-bus"]);
}

#[test]
fn a_second_worker_on_the_same_directory_is_one_line() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    refused(&[("PORT", "0"), ("SYSTEM_BUS_DATA", data.path().to_str().expect("text"))])
        .fails(1, &["in use by another system-bus"]);
    assert_eq!(worker.get("/readyz").status, 200, "the first one goes on");
}

#[test]
fn an_environment_that_cannot_be_used_is_one_line() {
    for (variables, parts) in [
        (&[("HOST", "nowhere")][..], &["`HOST` is `nowhere`", "127.0.0.1"][..]),
        (&[("PORT", "http")], &["`PORT` is `http`"]),
        (&[("WORKER_ROLE", "both")], &["`WORKER_ROLE` is `both`", "cluster"]),
        (&[("HOST", "0.0.0.0")], &["`0.0.0.0`", "`INNGEST_EVENT_KEY` and `INNGEST_SIGNING_KEY`"]),
        (&[("HOST", "0.0.0.0"), ("INNGEST_EVENT_KEY", "k")], &["set `INNGEST_SIGNING_KEY`,"]),
        (&[("REDIS_URL", "localhost:6379")], &["`REDIS_URL` is not the URL of a Redis server", "redis://"]),
        (&[("INNGEST_DEVV", "1")], &["`INNGEST_DEVV`", "did you mean `INNGEST_DEV`?"]),
    ] {
        refused(variables).fails(1, parts);
    }
}

#[test]
fn with_json_a_failure_is_a_document_too() {
    let outcome = Program::Application.run(&["serve", "--json"], &[("HOST", "nowhere")]);
    outcome.fails(1, &["`HOST`"]);
    assert!(outcome.json()["error"].as_str().is_some_and(|error| error.contains("`HOST`")));
}
