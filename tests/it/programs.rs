//! Functions that start other programs, with secrets that are leased for them.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{PATIENCE, Program, Worker, directory, eventually};

/// Asks for a program; the run's id.
fn request(worker: &Worker, script: &str) -> String {
    let data = json!({ "script": script }).to_string();
    let sent = worker.json(&["send", "fixture/program.requested", "--data", &data]);
    sent["fates"][0]["run_id"].as_str().expect("the event starts a run").to_owned()
}

fn ended(worker: &Worker, run: &str) -> Value {
    eventually("the run ends", || {
        let run = worker.json(&["run", run]);
        (!run["ended_at"].is_null()).then_some(run)
    })
}

fn path() -> String {
    std::env::var("PATH").expect("the tests have a `PATH`")
}

/// A `PATH` with a `secrets` program that leases `s3cret-NAME`.
fn path_with_secrets(directory: &Path) -> String {
    let program = directory.join("secrets");
    std::fs::write(&program, "#!/bin/sh\nprintf 's3cret-%s\\n' \"$2\"\n").expect("a script");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("it becomes a program");
    format!("{}:{}", directory.display(), path())
}

/// A connection that a running program and its child hold; it ends with the last of them.
fn connected(listener: &TcpListener) -> BufReader<TcpStream> {
    let mut connection = BufReader::new(listener.accept().expect("the program connects").0);
    connection.get_mut().set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    let mut line = String::new();
    connection.read_line(&mut line).expect("the program says something");
    assert_eq!(line, "started\n");
    connection
}

fn connects_to(listener: &TcpListener) -> String {
    let port = listener.local_addr().expect("an address").port();
    format!("exec 3<>/dev/tcp/127.0.0.1/{port}; (trap '' TERM; echo started >&3; sleep 1000) & wait")
}

#[track_caller]
fn check_ends(mut connection: BufReader<TcpStream>) {
    match connection.read_to_end(&mut Vec::new()) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("the program goes on"),
        // The kernel may tell of the end as a reset.
        _ => {}
    }
}

#[test]
fn a_function_gets_a_leased_secret_which_nobody_else_sees() {
    let (data, programs) = (directory(), directory());
    let worker = Worker::start(Program::Fixture, data.path(), &[("PATH", &path_with_secrets(programs.path()))]);
    let run = ended(&worker, &request(&worker, "echo ${#TOKEN}"));
    assert_eq!(run["output"], format!("{}\n", "s3cret-fixture_token".len()));
    // Neither the log nor the database.
    for entry in std::fs::read_dir(data.path()).expect("the worker's directory") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file of the worker");
        assert!(!bytes.windows(7).any(|bytes| bytes == b"s3cret-"));
    }
}

#[test]
fn a_worker_of_the_cluster_leases_nothing() {
    let (data, programs) = (directory(), directory());
    let variables = [("PATH", &*path_with_secrets(programs.path())), ("WORKER_ROLE", "cluster")];
    let worker = Worker::start(Program::Fixture, data.path(), &variables);
    let run = ended(&worker, &request(&worker, "true"));
    assert_eq!(run["status"], "Failed");
    let error = run["output"].to_string();
    assert!(error.contains("`FIXTURE_TOKEN` (lease `fixture_token`) is not set"), "{error}");
}

#[test]
fn a_cancelled_run_takes_its_program_along() {
    let (data, listener) = (directory(), TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let variables = [("PATH", &*path()), ("FIXTURE_TOKEN", "t")];
    let worker = Worker::start(Program::Fixture, data.path(), &variables);
    let run = request(&worker, &connects_to(&listener));
    let connection = connected(&listener);
    assert_eq!(worker.run(&["cancel", &run]).status, 0);
    check_ends(connection);
}

#[test]
fn a_worker_that_stops_takes_its_programs_along() {
    let (data, listener) = (directory(), TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let variables = [("PATH", &*path()), ("FIXTURE_TOKEN", "t")];
    let worker = Worker::start(Program::Fixture, data.path(), &variables);
    request(&worker, &connects_to(&listener));
    let connection = connected(&listener);
    worker.signal("TERM");
    eventually("the worker is not ready", || (worker.get("/readyz").status == 503).then_some(()));
    // Again: it does not wait for the step to end.
    assert_eq!(worker.stop("TERM"), 0);
    check_ends(connection);
}
