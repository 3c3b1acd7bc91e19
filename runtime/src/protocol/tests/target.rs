//! Calls with a target step.

use std::time::Duration;

use serde_json::json;

use super::*;

#[test]
fn only_the_target_runs() {
    let outcome = first().targets("b").runs(async |step: Step| {
        let (a, b) = tokio::join!(step.run("a", never_runs()), step.run("b", gives(2)));
        Ok::<_, Error>((a?, b?))
    });
    assert_eq!(outcome.step_ended("b").unwrap(), json!(2));
}

#[test]
fn a_lone_target_runs_also_without_immediate_execution() {
    let outcome = first().targets("a").without_immediate_execution();
    assert_eq!(outcome.runs(async |step: Step| step.run("a", gives(2)).await).step_ended("a").unwrap(), json!(2));
}

#[test]
fn a_target_behind_remembered_steps_is_reached() {
    let outcome = first().remembers("a", 1).targets("b").runs(async |step: Step| {
        let a = step.run("a", never_runs()).await?;
        step.run("b", gives(a + 1)).await
    });
    assert_eq!(outcome.step_ended("b").unwrap(), json!(2));
}

#[test]
fn an_unknown_target_is_not_found() {
    let outcome = first().targets("gone").runs(async |step: Step| step.run("a", never_runs()).await);
    assert_eq!(outcome.not_found(), StepId::of("gone"));
}

#[test]
fn a_target_that_is_remembered_already_is_not_found() {
    let outcome = first().remembers("a", 1).targets("a").runs(async |step: Step| {
        step.run("a", never_runs()).await?;
        step.run("b", never_runs()).await
    });
    assert_eq!(outcome.not_found(), StepId::of("a"));
}

#[test]
fn a_function_that_ends_before_its_target_is_done() {
    let outcome = first().remembers("a", 1).targets("gone");
    assert_eq!(outcome.runs(async |step: Step| step.run("a", never_runs()).await).done(), json!(1));
}

#[test]
fn a_target_without_a_body_is_reported_and_not_executed() {
    let outcome = first().targets("tell").runs(async |step: Step| {
        let tell = step.send_event("tell", Approved { by: "Ada".to_owned() });
        let (ids, a) = tokio::join!(tell, step.run("a", never_runs()));
        Ok::<_, Error>((ids?, a?))
    });
    assert!(matches!(outcome.operation("tell"), Operation::SendEvent(events) if events.len() == 1));
}

#[test]
fn a_targeted_sleep_is_reported_and_does_not_hang() {
    let outcome = first().targets("nap").runs(async |step: Step| {
        step.sleep("nap", Duration::from_secs(1)).await;
        Ok::<_, Error>(())
    });
    assert_eq!(outcome.planned(), ["nap"]);
}

#[test]
fn a_target_is_found_after_the_function_has_awaited_something_else() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let live = first().lives(async move |step: Step| {
        receiver.await.ok();
        step.run("a", gives(1)).await
    });
    let asked = Call { target: Some(StepId::of("a")), ..Call::default() };
    let mut call = std::pin::pin!(lead(live.execution, asked));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    sender.send(()).unwrap();
    let Poll::Ready(outcome) = call.as_mut().poll(&mut context) else { panic!("the call hangs") };
    assert_eq!(outcome.step_ended("a").unwrap(), json!(1));
}
