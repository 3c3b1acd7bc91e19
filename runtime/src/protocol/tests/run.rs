//! `step.run`.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::protocol::{Backoff, RunOptions};

#[test]
fn new_a_lone_step_runs_at_once() {
    let outcome = first().runs(async |step: Step| step.run("a", gives(1)).await);
    assert_eq!(outcome.step_ended("a").unwrap(), json!(1));
}

#[test]
fn suspended_a_step_is_planned_when_immediate_execution_is_off() {
    let outcome = first().without_immediate_execution().runs(async |step: Step| step.run("a", never_runs()).await);
    assert!(matches!(outcome.operation("a"), Operation::Run(options) if options == RunOptions::default()));
}

#[test]
fn replayed_incomplete_runs_only_the_next_step() {
    let outcome = first().remembers("a", 1).runs(async |step: Step| {
        let a = step.run("a", never_runs()).await?;
        step.run("b", gives(a + 1)).await
    });
    assert_eq!(outcome.step_ended("b").unwrap(), json!(2));
}

#[test]
fn replayed_complete_ends_with_the_remembered_value() {
    let outcome = first().remembers("a", 5).runs(async |step: Step| step.run("a", never_runs()).await);
    assert_eq!(outcome.done(), json!(5));
}

#[test]
fn a_failed_attempt_is_reported_and_stays_retryable() {
    let outcome =
        first().runs(async |step: Step| step.run("a", async { Err::<(), _>(Error::retryable("busy")) }).await);
    let error = outcome.step_ended("a").unwrap_err();
    assert_eq!((error.message(), error.is_retryable()), ("busy", true));
}

#[test]
fn a_terminal_error_of_a_body_keeps_its_kind() {
    let outcome = first().runs(async |step: Step| step.run("a", async { Err::<(), _>(Error::terminal("gone")) }).await);
    assert!(!outcome.step_ended("a").unwrap_err().is_retryable());
}

#[test]
fn failed_a_spent_step_ends_the_function_with_a_terminal_error() {
    let spent = StepError::new("Error", "busy");
    let outcome = first().remembers_failure("a", spent).runs(async |step: Step| {
        step.run("a", never_runs()).await?;
        Ok::<_, Error>(())
    });
    let error = outcome.failed();
    assert_eq!((error.name(), error.message(), error.is_retryable()), ("Error", "busy", false));
}

#[test]
fn failed_and_caught_the_function_goes_on() {
    let spent = StepError::new("Error", "busy");
    let outcome =
        first().remembers_failure("a", spent).runs(async |step: Step| match step.run("a", never_runs()).await {
            Ok(value) => Ok(value),
            Err(_) => step.run("fallback", gives(9)).await,
        });
    assert_eq!(outcome.step_ended("fallback").unwrap(), json!(9));
}

#[test]
fn a_result_of_the_wrong_type_is_a_decode_error() {
    let outcome = first().remembers("a", json!({"n": "five"})).runs(async |step: Step| {
        #[derive(Debug, Serialize, Deserialize)]
        struct Counted {
            n: u32,
        }
        let error = step.run("a", async { Ok::<Counted, Error>(Counted { n: 5 }) }).await.unwrap_err();
        assert!(error.is_decode() && !error.is_timeout());
        Ok::<_, Error>(error.message)
    });
    let message = outcome.done();
    let message = message.as_str().unwrap();
    assert!(message.contains("step `a`") && message.contains("`n`"), "{message}");
}

#[test]
fn a_result_that_json_cannot_hold_is_a_terminal_encode_error() {
    let outcome = first().runs(async |step: Step| {
        let pairs = std::collections::BTreeMap::from([((1, 2), 3)]);
        step.run("a", async { Ok::<_, Error>(pairs) }).await
    });
    let error = outcome.step_ended("a").unwrap_err();
    assert_eq!((error.name(), error.is_retryable()), ("EncodeError", false));
}

#[test]
fn the_options_reach_the_driver() {
    let outcome = first().without_immediate_execution().runs(async |step: Step| {
        let (first, max) = (Duration::from_secs(1), Duration::from_secs(8));
        step.run("a", never_runs()).retries(0).backoff(first, max).timeout(Duration::from_secs(3)).await
    });
    let Operation::Run(options) = outcome.operation("a") else { panic!("not a run step") };
    let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(8) };
    let timeout = Some(Duration::from_secs(3));
    assert_eq!(options, RunOptions { retries: Some(0), backoff: Some(backoff), timeout });
}

#[test]
fn a_body_may_borrow() {
    let outcome = first().remembers("b", 3).runs(async |step: Step| {
        let text = String::from("abc");
        let length = step.run("a", async { Ok::<_, Error>(text.len()) });
        let other = step.run("b", never_runs());
        let (length, _) = tokio::join!(length, other);
        length
    });
    assert_eq!(outcome.step_ended("a").unwrap(), json!(3));
}
