//! `step.send_event`.

use serde_json::json;

use super::*;
use crate::event::NewEvent;

async fn sends(step: Step) -> Result<Vec<String>, Error> {
    let ids = step.send_event("tell", (Approved { by: "Ada".to_owned() }, Approved { by: "Bob".to_owned() })).await?;
    Ok(ids)
}

#[test]
fn new_the_events_are_handed_to_the_driver_in_order() {
    let Operation::SendEvent(events) = first().runs(sends).operation("tell") else { panic!("not a send") };
    assert!(events.iter().all(|event| event.name == Approved::NAME && event.id.is_none()));
    assert_eq!(events.iter().map(|event| event.data.get()).collect::<Vec<_>>(), [r#"{"by":"Ada"}"#, r#"{"by":"Bob"}"#]);
}

#[test]
fn suspended_the_step_is_planned_without_immediate_execution_too() {
    assert_eq!(first().without_immediate_execution().runs(sends).planned(), ["tell"]);
}

#[test]
fn replayed_incomplete_the_step_asks_again() {
    let outcome = first().remembers("before", 1).runs(async |step: Step| {
        step.run("before", never_runs()).await?;
        sends(step).await
    });
    assert!(matches!(outcome.operation("tell"), Operation::SendEvent(events) if events.len() == 2));
}

#[test]
fn replayed_complete_the_step_yields_the_ids() {
    assert_eq!(first().remembers("tell", ["e1", "e2"]).runs(sends).done(), json!(["e1", "e2"]));
}

#[test]
fn failed_the_error_ends_the_function() {
    let error = first().remembers_failure("tell", StepError::new("Error", "too large")).runs(sends).failed();
    assert_eq!((error.message(), error.is_retryable()), ("too large", false));
}

#[test]
fn failed_and_caught_the_function_goes_on() {
    let outcome = first()
        .remembers_failure("tell", StepError::new("Error", "too large"))
        .runs(async |step: Step| Ok::<_, Error>(sends(step).await.is_err()));
    assert_eq!(outcome.done(), json!(true));
}

#[test]
fn ids_that_are_no_list_are_a_decode_error() {
    assert_eq!(first().remembers("tell", 5).runs(sends).failed().name(), StepError::DECODE);
}

#[test]
fn an_event_keeps_the_id_that_makes_it_idempotent() {
    let outcome = first().runs(async |step: Step| {
        let event = NewEvent::new(&Approved { by: "Ada".to_owned() })?.with_id("change-7");
        step.send_event("tell", vec![event]).await.map_err(Error::from)
    });
    let Operation::SendEvent(events) = outcome.operation("tell") else { panic!("not a send") };
    assert_eq!(events[0].id.as_deref(), Some("change-7"));
}
