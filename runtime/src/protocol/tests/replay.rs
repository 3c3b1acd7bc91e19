//! Remembered results and code that has changed since.

use serde_json::json;

use super::*;

#[test]
fn results_of_steps_that_are_gone_are_ignored() {
    let outcome =
        first().remembers("old", "text").remembers("a", 1).remembers_failure("gone", StepError::new("E", "e"));
    let outcome = outcome.runs(async |step: Step| {
        let a = step.run("a", never_runs()).await?;
        step.run("b", gives(a + 1)).await
    });
    assert_eq!(outcome.step_ended("b").unwrap(), json!(2));
}

#[test]
fn results_that_come_before_their_step_still_reach_it() {
    let outcome = first().remembers("b", 2).remembers("a", 1).runs(async |step: Step| {
        let a = step.run("a", never_runs()).await?;
        let b = step.run("b", never_runs()).await?;
        Ok::<_, Error>([a, b])
    });
    assert_eq!(outcome.done(), json!([1, 2]));
}

#[test]
fn many_results_in_reverse_order_still_reach_their_steps() {
    let all = (0..200).rev().fold(first(), |conversation, n| conversation.remembers(&format!("s{n}"), n));
    let outcome = all.runs(async |step: Step| {
        let mut sum = 0;
        for n in 0..200 {
            sum += step.run(format!("s{n}"), never_runs()).await?;
        }
        Ok::<_, Error>(sum)
    });
    assert_eq!(outcome.done(), json!(19_900));
}

#[test]
fn the_first_of_two_results_for_one_step_counts() {
    let early = first().remembers("b", 2).remembers("b", 3).remembers("a", 1);
    let outcome = early.runs(async |step: Step| {
        step.run("a", never_runs()).await?;
        step.run("b", never_runs()).await.map_err(Error::from)
    });
    assert_eq!(outcome.done(), json!(2));
}

#[test]
fn results_that_keep_coming_early_are_all_kept() {
    // `b` and `c` come early, `b` is taken, then `d` comes early while `c` still waits for its step.
    let early = first().remembers("b", 2).remembers("c", 3).remembers("a", 1).remembers("d", 4).remembers("e", 5);
    let outcome = early.runs(async |step: Step| {
        let mut sum = Vec::new();
        for name in ["a", "b", "e"] {
            sum.push(step.run(name, never_runs()).await?);
        }
        let (c, d) = tokio::join!(step.run("c", never_runs()), step.run("d", never_runs()));
        Ok::<_, Error>((sum, c?, d?))
    });
    assert_eq!(outcome.done(), json!([[1, 2, 5], 3, 4]));
}

#[test]
fn a_thousand_remembered_steps_are_replayed_in_one_turn() {
    let ran = Count::default();
    let all = (0..1000).fold(first(), |conversation, n| conversation.remembers(&format!("s{n}"), n));
    let counted = ran.clone();
    let mut live = all.lives(async move |step: Step| {
        let mut sum = 0;
        for n in 0..1001 {
            let body = async {
                counted.add();
                Ok::<u32, Error>(n)
            };
            sum += step.run(format!("s{n}"), body).await?;
        }
        Ok::<_, Error>(sum)
    });
    assert!(live.execution.journal().is_replaying());
    assert_eq!(names(&live.turn().registered), ["s1000"]);
    assert!(!live.execution.journal().is_replaying());
    assert_eq!(ran.get(), 0, "no remembered body runs");
}

#[test]
fn a_step_that_was_created_and_never_awaited_is_not_registered() {
    let outcome = first().runs(async |step: Step| {
        let unused = step.run("unused", never_runs());
        drop(unused);
        step.run("a", gives(1)).await
    });
    assert_eq!(outcome.step_ended("a").unwrap(), json!(1));
}
