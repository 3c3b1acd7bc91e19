//! `step.sleep` and `step.sleep_until`.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::protocol::SleepUntil;

async fn naps(step: Step) -> Result<&'static str, Error> {
    step.sleep("nap", Duration::from_secs(60)).await;
    Ok("rested")
}

#[test]
fn new_a_sleep_is_planned_and_never_executed() {
    let Operation::Sleep(until) = first().runs(naps).operation("nap") else { panic!("not a sleep") };
    assert_eq!(until, SleepUntil::After(Duration::from_secs(60)));
}

#[test]
fn suspended_a_sleep_is_planned_without_immediate_execution_too() {
    assert_eq!(first().without_immediate_execution().runs(naps).planned(), ["nap"]);
}

#[test]
fn replayed_incomplete_a_sleep_still_sleeps() {
    let outcome = first().remembers("before", 1).runs(async |step: Step| {
        step.run("before", never_runs()).await?;
        naps(step).await
    });
    assert_eq!(outcome.planned(), ["nap"]);
}

#[test]
fn replayed_complete_a_sleep_is_over() {
    assert_eq!(first().remembers("nap", ()).runs(naps).done(), json!("rested"));
}

#[test]
fn failed_a_sleep_has_no_error_and_just_ends() {
    let odd = StepError::new("Error", "no such timer");
    assert_eq!(first().remembers_failure("nap", odd).runs(naps).done(), json!("rested"));
}

#[test]
fn sleep_until_names_the_time() {
    let outcome = first().runs(async |step: Step| {
        step.sleep_until("nap", jiff::Timestamp::UNIX_EPOCH).await;
        Ok::<_, Error>(())
    });
    let Operation::Sleep(until) = outcome.operation("nap") else { panic!("not a sleep") };
    assert_eq!(until, SleepUntil::At(0));
}

#[test]
fn the_step_after_a_sleep_runs_when_the_sleep_is_over() {
    let outcome = first().remembers("nap", ()).runs(async |step: Step| {
        naps(step.clone()).await?;
        step.run("after", gives(2)).await.map_err(Error::from)
    });
    assert_eq!(outcome.step_ended("after").unwrap(), json!(2));
}
