//! `step.wait_for_event`.

use std::time::Duration;

use serde_json::json;

use super::*;

async fn waits(step: Step) -> Result<String, Error> {
    let event = step.wait_for_event::<Approved>("approval").await?;
    Ok(event
        .map_or_else(|| "time-out".to_owned(), |event| format!("{} by {} at {}", event.id, event.data.by, event.ts)))
}

#[test]
fn new_a_wait_is_planned_with_its_default_time_out() {
    let Operation::WaitForEvent { event, expression, timeout } = first().runs(waits).operation("approval") else {
        panic!("not a wait")
    };
    assert_eq!((event, expression, timeout), ("test/change.approved", None, Duration::from_secs(7 * 24 * 60 * 60)));
}

#[test]
fn suspended_a_wait_carries_its_condition_and_time_out() {
    let outcome = first().without_immediate_execution().runs(async |step: Step| {
        let wait = step.wait_for_event::<Approved>("approval").matching("event.data.id == async.data.id");
        wait.timeout(Duration::from_secs(5)).await.map(|event| event.is_some())
    });
    let Operation::WaitForEvent { expression, timeout, .. } = outcome.operation("approval") else {
        panic!("not a wait")
    };
    assert_eq!((expression.as_deref(), timeout), (Some("event.data.id == async.data.id"), Duration::from_secs(5)));
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
fn replayed_complete_a_wait_yields_the_typed_event() {
    let outcome = first().remembers("approval", approved(json!({"by": "Ada"}))).runs(waits);
    assert_eq!(outcome.done(), json!("e1 by Ada at 7"));
}

#[test]
fn a_wait_that_timed_out_yields_none() {
    assert_eq!(first().remembers("approval", json!(null)).runs(waits).done(), json!("time-out"));
}

#[test]
fn an_event_that_does_not_decode_is_its_own_error_and_no_time_out() {
    let outcome = first().remembers("approval", approved(json!({"by": 5}))).runs(async |step: Step| {
        let error = step.wait_for_event::<Approved>("approval").await.unwrap_err();
        assert!(error.is_decode() && !error.is_timeout());
        Ok::<_, Error>(error.message)
    });
    let message = outcome.done();
    let message = message.as_str().unwrap();
    assert!(message.contains("`test/change.approved`") && message.contains("`approval`"), "{message}");
    assert!(message.contains("`by`"), "{message}");
}

#[test]
fn an_answer_that_is_no_event_is_a_decode_error() {
    let outcome = first().remembers("approval", json!(true)).runs(waits);
    assert_eq!(outcome.failed().name(), StepError::DECODE);
}

#[test]
fn failed_a_wait_ends_the_function() {
    let error = StepError::new("Error", "the condition cannot be evaluated");
    let error = first().remembers_failure("approval", error).runs(waits).failed();
    assert_eq!((error.message(), error.is_retryable()), ("the condition cannot be evaluated", false));
}

#[test]
fn failed_and_caught_the_function_goes_on() {
    let error = StepError::new("Error", "no");
    let outcome = first().remembers_failure("approval", error).runs(async |step: Step| {
        let caught = step.wait_for_event::<Approved>("approval").await.is_err();
        Ok::<_, Error>(caught)
    });
    assert_eq!(outcome.done(), json!(true));
}
