//! Step names and the ids made from them.

use super::*;

#[test]
fn repeated_names_are_numbered_from_one() {
    let mut live = first().lives(async |step: Step| {
        let (a, b, c) = tokio::join!(step.run("a", gives(0)), step.run("a", gives(1)), step.run("a", gives(2)));
        Ok::<_, Error>((a?, b?, c?))
    });
    let turn = live.turn();
    assert_eq!(names(&turn.registered), ["a", "a:1", "a:2"]);
    assert_eq!(turn.registered[1].id, StepId::of("a:1"));
}

#[test]
fn each_repeat_gets_its_own_result() {
    let outcome = first().remembers("a", 1).remembers("a:1", 2).remembers("a:2", 3).runs(async |step: Step| {
        let mut sum = Vec::new();
        for _ in 0..3 {
            sum.push(step.run("a", never_runs()).await?);
        }
        Ok::<_, Error>(sum)
    });
    assert_eq!(outcome.done(), serde_json::json!([1, 2, 3]));
}

#[test]
fn a_name_that_looks_like_a_repeat_does_not_collide() {
    let mut live = first().lives(async |step: Step| {
        let steps = ["a", "a:1", "a", "a"].map(|name| step.run(name, gives(0)));
        futures::future::join_all(steps).await.into_iter().collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(names(&live.turn().registered), ["a", "a:1", "a:2", "a:3"]);
}

#[test]
fn a_repeat_that_was_there_first_does_not_collide_either() {
    let mut live = first().lives(async |step: Step| {
        let steps = ["a", "a", "a:1"].map(|name| step.run(name, gives(0)));
        futures::future::join_all(steps).await.into_iter().collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(names(&live.turn().registered), ["a", "a:1", "a:1:1"]);
}

#[test]
fn different_operations_share_one_space_of_names() {
    let outcome = first().remembers("a", ()).runs(async |step: Step| {
        step.sleep("a", std::time::Duration::from_secs(1)).await;
        step.run("a", gives(1)).await
    });
    assert_eq!(outcome.step_ended("a:1").unwrap(), serde_json::json!(1));
}
