//! What `kill -9` and SIGTERM leave behind.

use std::path::Path;

use crate::process::{Program, Worker, directory, eventually};

fn trace(directory: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join("trace")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Starts the chain and waits until its third step executes; the run's id.
fn start_chain(worker: &Worker, directory: &Path) -> String {
    let data = serde_json::json!({ "directory": directory }).to_string();
    let sent = worker.json(&["send", "fixture/chain.requested", "--data", &data]);
    eventually("the third step executes", || trace(directory).contains(&"held".to_owned()).then_some(()));
    sent["fates"][0]["run_id"].as_str().expect("the event starts a run").to_owned()
}

#[track_caller]
fn check_finished(worker: &Worker, run: &str) {
    let done = eventually("the run completes", || {
        let run = worker.json(&["run", run]);
        (run["status"] == "Completed").then_some(run)
    });
    assert_eq!(done["output"], 4);
    assert_eq!(done["step_details"].as_array().map(Vec::len), Some(4));
}

#[test]
fn finished_steps_do_not_run_again_after_kill_9() {
    let (data, work) = (directory(), directory());
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let run = start_chain(&worker, work.path());
    worker.kill();
    std::fs::write(work.path().join("go"), "").expect("the step may end");
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    check_finished(&worker, &run);
    assert_eq!(trace(work.path()), ["first", "second", "held", "held", "last"]);
}

#[test]
fn an_acknowledged_event_survives_kill_9() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let answer = worker.post("/e/key", r#"{"name":"fixture/order.placed","data":{"amount":500}}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    worker.kill();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let id = answer.json()["ids"][0].as_str().expect("an id").to_owned();
    let fates = eventually("the run completes", || {
        let fates = worker.json(&["why", &id]);
        (fates["fates"][0]["run_status"] == "Completed").then_some(fates)
    });
    assert_eq!(fates["fates"][0]["function_id"], "fixture-large-order");
}

#[cfg(unix)]
#[test]
fn sigterm_lets_an_executing_step_end_and_exits_with_0() {
    let (data, work) = (directory(), directory());
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let run = start_chain(&worker, work.path());
    worker.signal("TERM");
    eventually("the worker is not ready", || (worker.get("/readyz").status == 503).then_some(()));
    let late = worker.post("/e/key", r#"{"id":"late","name":"fixture/order.placed","data":{"amount":500}}"#);
    assert_eq!(late.status, 200, "what comes in is kept until the very end");
    std::fs::write(work.path().join("go"), "").expect("the step may end");
    assert_eq!(worker.wait(), 0);
    assert_eq!(trace(work.path()), ["first", "second", "held"], "nothing new starts while a worker stops");
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    check_finished(&worker, &run);
    assert_eq!(trace(work.path()), ["first", "second", "held", "last"], "the step that ended counts");
    eventually("the late event's run completes", || {
        (worker.json(&["why", "late"])["fates"][0]["run_status"] == "Completed").then_some(())
    });
}

#[cfg(unix)]
#[test]
fn an_idle_worker_stops_at_once_on_sigint() {
    let data = directory();
    assert_eq!(Worker::start(Program::Application, data.path(), &[]).stop("INT"), 0);
}
