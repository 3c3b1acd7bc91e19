//! `step.wait_for_signal`.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::protocol::OnConflict;

async fn waits(step: Step) -> Result<String, Error> {
    let approved = step.wait_for_signal::<Approved>("approval", "approve-7").await?;
    Ok(approved.map_or_else(|| "time-out".to_owned(), |approved| approved.by))
}

fn received(data: Value) -> Value {
    json!({"signal": "approve-7", "data": data})
}

#[test]
fn new_a_wait_is_planned_with_its_default_time_out_and_fails_at_a_conflict() {
    let Operation::WaitForSignal { signal, timeout, on_conflict } = first().runs(waits).operation("approval") else {
        panic!("not a wait")
    };
    assert_eq!((signal.as_str(), on_conflict), ("approve-7", OnConflict::Fail));
    assert_eq!(timeout, Duration::from_secs(7 * 24 * 60 * 60));
}

#[test]
fn suspended_a_wait_carries_its_time_out_and_what_it_does_at_a_conflict() {
    let outcome = first().without_immediate_execution().runs(async |step: Step| {
        let wait = step.wait_for_signal::<Approved>("approval", "approve-7").timeout(Duration::from_secs(5));
        wait.on_conflict(OnConflict::Replace).await.map(|received| received.is_some())
    });
    let Operation::WaitForSignal { timeout, on_conflict, .. } = outcome.operation("approval") else {
        panic!("not a wait")
    };
    assert_eq!((timeout, on_conflict), (Duration::from_secs(5), OnConflict::Replace));
}

#[test]
fn replayed_incomplete_a_wait_still_waits() {
    let outcome = first().remembers("before", 1).runs(async |step: Step| {
        step.run("before", never_runs()).await?;
        waits(step).await
    });
    assert_eq!(outcome.planned(), ["approval"]);
}

#[test]
fn replayed_complete_a_wait_yields_the_typed_data() {
    let outcome = first().remembers("approval", received(json!({"by": "Ada"}))).runs(waits);
    assert_eq!(outcome.done(), json!("Ada"));
}

#[test]
fn a_wait_that_timed_out_yields_none() {
    assert_eq!(first().remembers("approval", json!(null)).runs(waits).done(), json!("time-out"));
}

#[test]
fn a_signal_without_data_fits_what_needs_none() {
    for remembered in [received(json!(null)), json!({"signal": "approve-7"})] {
        let outcome = first().remembers("approval", remembered).runs(async |step: Step| {
            let received = step.wait_for_signal::<()>("approval", "approve-7").await?;
            Ok::<_, Error>(received.is_some())
        });
        assert_eq!(outcome.done(), json!(true));
    }
}

#[test]
fn data_that_does_not_decode_is_its_own_error_and_no_time_out() {
    let outcome = first().remembers("approval", received(json!({"by": 5}))).runs(async |step: Step| {
        let error = step.wait_for_signal::<Approved>("approval", "approve-7").await.unwrap_err();
        assert!(error.is_decode() && !error.is_timeout());
        Ok::<_, Error>(error.message)
    });
    let message = outcome.done();
    let message = message.as_str().unwrap();
    assert!(message.contains("`approve-7`") && message.contains("`approval`"), "{message}");
    assert!(message.contains("`by`"), "{message}");
}

#[test]
fn an_answer_that_is_no_signal_is_a_decode_error() {
    assert_eq!(first().remembers("approval", json!(true)).runs(waits).failed().name(), StepError::DECODE);
}

#[test]
fn failed_a_wait_ends_the_function() {
    let error = StepError::new("SignalConflictError", "somebody waits already");
    let error = first().remembers_failure("approval", error).runs(waits).failed();
    assert_eq!((error.name(), error.is_retryable()), ("SignalConflictError", false));
}

#[test]
fn failed_and_caught_the_function_goes_on() {
    let outcome = first().remembers_failure("approval", StepError::new("Error", "no")).runs(async |step: Step| {
        let caught = step.wait_for_signal::<Approved>("approval", "approve-7").await.is_err();
        Ok::<_, Error>(caught)
    });
    assert_eq!(outcome.done(), json!(true));
}
