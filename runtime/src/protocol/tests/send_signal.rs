//! `step.send_signal`.

use serde_json::json;

use super::*;

async fn sends(step: Step) -> Result<Option<String>, Error> {
    let delivery = step.send_signal("approve", "approve-7", &Approved { by: "Ada".to_owned() }).await?;
    Ok(delivery.run_id.map(|run| run.to_string()))
}

#[test]
fn new_a_signal_is_planned_with_its_data() {
    let Operation::SendSignal { signal, data } = first().runs(sends).operation("approve") else {
        panic!("not a signal")
    };
    assert_eq!((signal.as_str(), data.get()), ("approve-7", r#"{"by":"Ada"}"#));
}

#[test]
fn suspended_a_signal_is_planned_beside_others() {
    let outcome = first().runs(async |step: Step| {
        let (one, two) = tokio::join!(step.send_signal("one", "a", &1), step.send_signal("two", "b", "text"));
        one.and(two).map(|_| ())
    });
    assert_eq!(outcome.planned(), ["one", "two"]);
}

#[test]
fn replayed_incomplete_a_signal_is_sent_again() {
    let outcome = first().remembers("before", 1).runs(async |step: Step| {
        step.run("before", never_runs()).await?;
        sends(step).await
    });
    assert!(matches!(outcome.operation("approve"), Operation::SendSignal { .. }));
}

#[test]
fn replayed_complete_a_signal_yields_the_run_that_received_it() {
    let run = "01HZYX5R8M4Q2V7N0T3K6B9DAF";
    assert_eq!(first().remembers("approve", json!({"runId": run})).runs(sends).done(), json!(run));
}

#[test]
fn a_signal_that_nobody_waited_for_yields_no_run() {
    for nobody in [json!({}), json!({"runId": null})] {
        assert_eq!(first().remembers("approve", nobody).runs(sends).done(), json!(null));
    }
}

#[test]
fn failed_a_signal_ends_the_function() {
    let error = first().remembers_failure("approve", StepError::new("SignalError", "too large")).runs(sends).failed();
    assert_eq!((error.name(), error.is_retryable()), ("SignalError", false));
}

#[test]
fn failed_and_caught_the_function_goes_on() {
    let outcome = first().remembers_failure("approve", StepError::new("Error", "no")).runs(async |step: Step| {
        let caught = step.send_signal("approve", "approve-7", &()).await.is_err();
        Ok::<_, Error>(caught)
    });
    assert_eq!(outcome.done(), json!(true));
}

#[test]
fn data_that_is_no_json_is_an_encode_error() {
    let outcome = first().runs(async |step: Step| {
        let data = std::collections::BTreeMap::from([((1, 2), 3)]);
        step.send_signal("approve", "approve-7", &data).await.map(|_| ())
    });
    assert_eq!(outcome.failed().name(), "EncodeError");
}
