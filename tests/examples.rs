//! Every example does what it shows.
//!
//! A binary of its own, so that its functions do not turn up in the program that the other tests start.

#![allow(dead_code, reason = "an example's `main` is for its own program")]
#![allow(clippy::duplicate_mod, reason = "each example brings what it shares with the others")]
#![allow(clippy::expect_used, reason = "a test ends with its first problem")]

#[path = "../examples/failure.rs"]
mod failure;
#[path = "../examples/hello.rs"]
mod hello;
#[path = "../examples/parallel.rs"]
mod parallel;
#[path = "../examples/retry.rs"]
mod retry;
#[path = "../examples/server.rs"]
mod server;
#[path = "../examples/steps.rs"]
mod steps;
#[path = "../examples/wait.rs"]
mod wait;
#[path = "wire/replay.rs"]
mod wire;

use std::path::PathBuf;

use serde_json::{Value, json};
use system_bus_engine::RunDetail;
use system_bus_runtime::Result;

/// Runs an example in a directory of its own; the output of its run, and its steps with their status.
async fn run<F: Future<Output = Result<RunDetail>>>(demo: impl FnOnce(PathBuf) -> F) -> (Value, Vec<String>) {
    let directory = tempfile::tempdir().expect("a directory");
    let run = demo(directory.path().to_owned()).await.expect("the example works");
    let output = run.run.output.expect("the run has ended well");
    let steps = run.step_details.iter().map(|step| format!("{} {} {}", step.name, step.status, step.attempts));
    (serde_json::from_str(output.get()).expect("is JSON"), steps.collect())
}

#[tokio::test]
async fn hello_greets() {
    assert_eq!(run(hello::demo).await, (json!("hello Ada"), vec![]));
}

#[tokio::test]
async fn failure_is_handled_with_the_event_behind_it() {
    let (output, steps) = run(failure::demo).await;
    assert_eq!(output, "version 7 is back, version 8 is not: the disk is full");
    assert_eq!(steps, ["roll-back Completed 1"]);
}

#[tokio::test]
async fn steps_run_one_after_another() {
    let (output, steps) = run(steps::demo).await;
    assert_eq!(output, 1000);
    let names: Vec<_> = steps.iter().filter_map(|step| step.split(' ').next()).collect();
    assert_eq!(names, ["add-up", "let-the-customer-think", "charge", "announce"]);
}

#[tokio::test]
async fn parallel_measures_every_text() {
    let (output, mut steps) = run(parallel::demo).await;
    assert_eq!(output, json!([6, 14]));
    steps.sort();
    let expected = ["longest", "measure-0", "measure-1", "measure-2", "sum"].map(|name| format!("{name} Completed 1"));
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn wait_takes_the_event_that_matches() {
    let (output, steps) = run(wait::demo).await;
    assert_eq!(output, "request 7: granted");
    assert_eq!(steps.len(), 1);
}

#[tokio::test]
async fn retry_goes_on_after_failures() {
    let (output, steps) = run(retry::demo).await;
    assert_eq!(output, "figures, no picture (the camera is broken)");
    assert_eq!(steps, ["figures Completed 3", "picture Failed 1"]);
}
