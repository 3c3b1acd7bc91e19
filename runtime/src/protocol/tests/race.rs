//! Races by `select!`.

use std::time::Duration;

use serde_json::json;

use super::*;

/// Not `biased`: the branches are polled in random order.
async fn races(step: Step) -> Result<&'static str, Error> {
    tokio::select! {
        fast = step.run("fast", gives(1)) => fast.map(|_| "fast").map_err(Error::from),
        slow = step.run("slow", gives(2)) => slow.map(|_| "slow").map_err(Error::from),
    }
}

#[test]
fn new_all_branches_are_planned() {
    let outcome = first().runs(races);
    let mut planned = outcome.planned();
    planned.sort_unstable();
    assert_eq!(planned, ["fast", "slow"]);
}

#[test]
fn replayed_incomplete_the_remembered_branch_wins_at_once() {
    assert_eq!(first().remembers("slow", 2).runs(races).done(), json!("slow"));
}

#[test]
fn replayed_complete_the_first_to_complete_wins_at_every_replay() {
    for _ in 0..100 {
        assert_eq!(first().remembers("fast", 1).remembers("slow", 2).runs(races).done(), json!("fast"));
    }
}

#[test]
fn replayed_complete_the_first_to_complete_wins_also_when_it_is_listed_last() {
    for _ in 0..100 {
        assert_eq!(first().remembers("slow", 2).remembers("fast", 1).runs(races).done(), json!("slow"));
    }
}

#[test]
fn a_biased_race_is_won_by_the_first_to_complete_and_not_by_the_first_listed() {
    let outcome = first().remembers("second", 2).remembers("first", 1).runs(async |step: Step| {
        tokio::select! {
            biased;
            value = step.run("first", never_runs()) => value,
            value = step.run("second", never_runs()) => value,
        }
    });
    assert_eq!(outcome.done(), json!(2));
}

#[test]
fn a_race_after_another_step_has_the_same_winner_at_every_replay() {
    for _ in 0..100 {
        let outcome =
            first().remembers("before", 0).remembers("slow", 2).remembers("fast", 1).runs(async |step: Step| {
                step.run("before", never_runs()).await?;
                races(step).await
            });
        assert_eq!(outcome.done(), json!("slow"));
    }
}

#[test]
fn a_race_over_results_that_came_early_has_the_same_winner_at_every_replay() {
    // The code was changed: `before` used to come after the race.
    for _ in 0..100 {
        let outcome =
            first().remembers("slow", 2).remembers("fast", 1).remembers("before", 0).runs(async |step: Step| {
                step.run("before", never_runs()).await?;
                races(step).await
            });
        assert_eq!(outcome.done(), json!("slow"));
    }
}

#[test]
fn the_loser_is_ignored_when_it_completes_later() {
    let outcome = first().remembers("fast", 1).remembers("slow", 2).remembers("after", 3).runs(async |step: Step| {
        let winner = races(step.clone()).await?;
        let after = step.run("after", never_runs()).await?;
        Ok::<_, Error>((winner, after))
    });
    assert_eq!(outcome.done(), json!(["fast", 3]));
}

#[test]
fn the_step_after_a_race_runs_at_once_although_the_loser_was_planned() {
    let outcome = first().remembers("fast", 1).runs(async |step: Step| {
        races(step.clone()).await?;
        step.run("after", gives(3)).await.map_err(Error::from)
    });
    assert_eq!(outcome.step_ended("after").unwrap(), json!(3));
}

#[test]
fn failed_a_branch_that_fails_first_wins_too() {
    let spent = StepError::new("Error", "busy");
    let outcome = first().remembers_failure("fast", spent).remembers("slow", 2).runs(races);
    assert_eq!(outcome.failed().message(), "busy");
}

#[test]
fn failed_and_caught_the_other_branch_may_still_win() {
    let spent = StepError::new("Error", "busy");
    let outcome = first().remembers_failure("fast", spent).remembers("slow", 2).runs(async |step: Step| {
        tokio::select! {
            Ok(value) = step.run("fast", never_runs()) => Ok::<_, Error>(value),
            Ok(value) = step.run("slow", never_runs()) => Ok(value),
            else => Ok(0),
        }
    });
    assert_eq!(outcome.done(), json!(2));
}

#[test]
fn a_sleep_bounds_a_wait() {
    let outcome = first().remembers("limit", ()).runs(async |step: Step| {
        let event = tokio::select! {
            event = step.wait_for_event::<Approved>("approval") => event?,
            () = step.sleep("limit", Duration::from_secs(1)) => None,
        };
        Ok::<_, Error>(event.is_some())
    });
    assert_eq!(outcome.done(), json!(false));
}

#[test]
fn the_losing_step_is_reported_as_abandoned() {
    let mut live = first().lives(async |step: Step| {
        races(step.clone()).await?;
        step.run("after", gives(3)).await.map_err(Error::from)
    });
    assert_eq!(live.turn().registered.len(), 2);
    live.complete("fast", 1);
    let turn = live.turn();
    assert_eq!((names(&turn.registered), turn.abandoned), (vec!["after"], vec![StepId::of("slow")]));
    assert!(!live.grant("slow"), "an abandoned step no longer waits");
}
