//! Parallel steps: `join!` and `join_all`.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::*;

async fn adds(step: Step) -> Result<u32, Error> {
    let (a, b) = tokio::join!(step.run("a", gives(1)), step.run("b", gives(2)));
    Ok(a? + b?)
}

/// More than 30, because `join_all` then wakes itself while it is polled.
async fn fifty(step: Step) -> Result<u32, Error> {
    let all = join_all((0..50).map(|n| step.run(format!("s{n}"), gives(n)))).await;
    all.into_iter().sum::<Result<u32, _>>().map_err(Error::from)
}

#[test]
fn new_parallel_steps_are_planned_and_none_runs() {
    let outcome = first().runs(async |step: Step| {
        let (a, b) = tokio::join!(step.run("a", never_runs()), step.run("b", never_runs()));
        Ok::<_, Error>((a?, b?))
    });
    assert_eq!(outcome.planned(), ["a", "b"]);
}

#[test]
fn suspended_steps_of_several_kinds_are_planned_together() {
    let outcome = first().runs(async |step: Step| {
        let nap = step.sleep("nap", Duration::from_secs(1));
        let (a, event, ()) = tokio::join!(step.run("a", gives(1)), step.wait_for_event::<Approved>("approval"), nap);
        Ok::<_, Error>((a?, event?.is_some()))
    });
    assert_eq!(outcome.planned(), ["a", "approval", "nap"]);
}

#[test]
fn replayed_incomplete_runs_the_one_that_is_left() {
    assert_eq!(first().remembers("b", 2).runs(adds).step_ended("a").unwrap(), json!(1));
}

#[test]
fn replayed_incomplete_plans_the_one_that_is_left_while_others_run_elsewhere() {
    let outcome = first().remembers("b", 2).without_immediate_execution().runs(adds);
    assert_eq!(outcome.planned(), ["a"]);
}

#[test]
fn replayed_complete_in_any_order_gives_the_same() {
    assert_eq!(first().remembers("a", 10).remembers("b", 20).runs(adds).done(), json!(30));
    assert_eq!(first().remembers("b", 20).remembers("a", 10).runs(adds).done(), json!(30));
}

#[test]
fn failed_one_parallel_step_ends_the_function_once_all_are_known() {
    let spent = || StepError::new("Error", "busy");
    assert_eq!(first().remembers_failure("a", spent()).without_immediate_execution().runs(adds).planned(), ["b"]);
    assert_eq!(first().remembers_failure("a", spent()).remembers("b", 2).runs(adds).failed().message(), "busy");
}

#[test]
fn failed_and_caught_the_others_count() {
    let outcome =
        first().remembers_failure("a", StepError::new("Error", "busy")).remembers("b", 2).runs(async |step: Step| {
            let (a, b) = tokio::join!(step.run("a", never_runs()), step.run("b", never_runs()));
            Ok::<_, Error>(a.unwrap_or(100) + b?)
        });
    assert_eq!(outcome.done(), json!(102));
}

#[test]
fn each_branch_goes_on_by_itself() {
    let outcome = first().remembers("a1", 1).runs(async |step: Step| {
        let left = async {
            step.run("a1", never_runs()).await?;
            step.run("a2", gives(2)).await
        };
        let (left, right) = tokio::join!(left, step.run("b1", gives(3)));
        Ok::<_, Error>((left?, right?))
    });
    assert_eq!(outcome.planned(), ["b1", "a2"]);
}

#[test]
fn new_fifty_steps_are_planned_at_once() {
    let outcome = first().runs(fifty);
    assert_eq!(outcome.planned(), (0..50).map(|n| format!("s{n}")).collect::<Vec<_>>());
}

#[test]
fn replayed_incomplete_of_fifty_steps_only_the_missing_are_planned() {
    let half = (0..50).step_by(2).fold(first(), |conversation, n| conversation.remembers(&format!("s{n}"), n));
    assert_eq!(half.runs(fifty).planned(), (1..50).step_by(2).map(|n| format!("s{n}")).collect::<Vec<_>>());
}

#[test]
fn replayed_incomplete_of_fifty_steps_the_last_one_runs_at_once() {
    let most = (0..49).fold(first(), |conversation, n| conversation.remembers(&format!("s{n}"), n));
    assert_eq!(most.runs(fifty).step_ended("s49").unwrap(), json!(49));
}

#[test]
fn replayed_complete_fifty_steps_end_the_function() {
    let all = (0..50).rev().fold(first(), |conversation, n| conversation.remembers(&format!("s{n}"), n));
    assert_eq!(all.runs(fifty).done(), json!(1225));
}

#[test]
fn fifty_steps_run_one_after_another_in_a_live_function() {
    let mut live = first().lives(fifty);
    assert_eq!(live.turn().registered.len(), 50);
    for n in 0..50 {
        assert!(live.grant(&format!("s{n}")));
        assert_eq!(live.turn().ended.len(), 1, "s{n}");
        live.complete(&format!("s{n}"), n);
    }
    assert!(live.turn().done.is_some_and(|result| result.is_ok()));
}
