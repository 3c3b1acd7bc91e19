//! Scripted answers, and the order in which steps are answered.

use std::time::Duration;

use serde_json::json;

use super::runs::deploys;
use super::*;
use crate::function::StepKind;
use crate::testing::{Harness, HarnessError};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_wait_may_time_out() {
    let report = deploys().time_out("approval").run().await;
    assert_eq!(report.value::<String>().unwrap(), "refused");
    assert_eq!(report.notified(), ["deploy.refused"]);
    let report = deploys().answer_wait::<Approved>("approval", None).run().await;
    assert_eq!(report.notified(), ["deploy.refused"]);
}

#[tokio::test]
async fn a_wait_may_get_an_event_that_does_not_decode() {
    let report = deploys().answer_wait_with("approval", json!({"by": 1})).run().await;
    assert_eq!(report.output.unwrap_err().name(), "DecodeError");
}

#[tokio::test]
async fn an_invocation_may_fail_or_time_out() {
    let report = deploys().fail_step("build", Error::terminal("no compiler")).run().await;
    assert_eq!(report.output.unwrap_err().message(), "no compiler");
    let harness = Harness::closure(async |step: Step| {
        let error = step.invoke::<Build>("build", String::new()).timeout(MINUTE).await.unwrap_err();
        Ok::<_, Error>(error.is_timeout())
    });
    assert!(harness.time_out("build").run().await.value::<bool>().unwrap());
}

#[tokio::test]
async fn a_run_step_and_a_send_may_be_failed() {
    let report = deploys().fail_step("apply", Error::terminal("no cluster")).run().await;
    assert_eq!(report.output.unwrap_err().message(), "no cluster");
    let report = deploys().fail_step("announce", Error::terminal("too large")).run().await;
    assert_eq!(report.output.unwrap_err().message(), "too large");
    assert!(report.sent_events.is_empty());
}

#[tokio::test]
async fn a_missing_answer_names_the_step_and_the_remedy() {
    let harness = Harness::closure(async |step: Step| step.wait_for_event::<Approved>("approval").await.map(|_| ()));
    let problem = harness.try_run().await.unwrap_err();
    assert_eq!(problem, HarnessError::NoAnswer { step: "approval".to_owned(), kind: StepKind::WaitForEvent });
    assert!(problem.to_string().contains("`answer_wait`"), "{problem}");
    let harness = Harness::closure(async |step: Step| step.invoke::<Build>("build", String::new()).await);
    assert!(harness.try_run().await.unwrap_err().to_string().contains("`answer_invoke`"));
}

#[tokio::test]
async fn an_answer_that_is_not_used_is_reported() {
    let problem = deploys().time_out("aproval").try_run().await.unwrap_err();
    assert_eq!(problem, HarnessError::UnusedAnswer("aproval".to_owned()));
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_reported() {
    let pairs = std::collections::BTreeMap::from([((1, 2), 3)]);
    let problem = deploys().answer_invoke("build", pairs).try_run().await.unwrap_err();
    assert!(matches!(problem, HarnessError::Encode { name, .. } if name == "build"));
}

#[tokio::test]
async fn repeated_names_are_answered_by_number() {
    let harness = Harness::closure(async |step: Step| {
        let first = step.invoke::<Build>("build", String::new()).await?;
        Ok::<_, Error>([first, step.invoke::<Build>("build", String::new()).await?])
    });
    let report = harness.answer_invoke("build", 1).answer_invoke("build:1", 2).run().await;
    assert_eq!(report.value::<[u32; 2]>().unwrap(), [1, 2]);
}

#[tokio::test]
async fn the_shortest_of_several_sleeps_wins_a_race() {
    let harness = Harness::closure(async |step: Step| {
        Ok::<_, Error>(tokio::select! {
            () = step.sleep("a-long", 2 * MINUTE) => "long",
            () = step.sleep("b-short", MINUTE) => "short",
        })
    });
    for _ in 0..20 {
        assert_eq!(harness.run().await.value::<String>().unwrap(), "short");
    }
}

async fn bounded_wait(step: Step) -> Result<&'static str> {
    Ok(tokio::select! {
        event = step.wait_for_event::<Approved>("approval").timeout(2 * MINUTE) => event?.map_or("time-out", |_| "event"),
        () = step.sleep("limit", MINUTE) => "limit",
    })
}

#[tokio::test]
async fn an_event_comes_before_any_sleep_and_none_comes_without_an_answer() {
    let answered = Harness::closure(bounded_wait).answer_wait("approval", Some(Approved { by: "Ada".to_owned() }));
    assert_eq!(answered.run().await.value::<String>().unwrap(), "event");
    assert_eq!(Harness::closure(bounded_wait).run().await.value::<String>().unwrap(), "limit");
}

#[tokio::test]
async fn a_body_wins_against_a_sleep_unless_it_hangs() {
    let harness = || {
        Harness::closure(async |step: Step| {
            Ok::<_, Error>(tokio::select! {
                value = step.run("work", async { Ok::<_, Error>("worked".to_owned()) }) => value?,
                () = step.sleep("limit", MINUTE) => "gave up".to_owned(),
            })
        })
    };
    assert_eq!(harness().run().await.value::<String>().unwrap(), "worked");
    let report = harness().hang_step("work").run().await;
    assert_eq!((report.value::<String>().unwrap().as_str(), report.steps), ("gave up", vec!["limit".to_owned()]));
}

#[tokio::test]
async fn a_hanging_body_ends_with_its_own_time_out() {
    let harness = Harness::closure(async |step: Step| {
        let error = step.run("work", async { Ok::<_, Error>(1) }).timeout(MINUTE).await.unwrap_err();
        Ok::<_, Error>(error.is_timeout())
    });
    assert!(harness.hang_step("work").run().await.value::<bool>().unwrap());
}

#[tokio::test]
async fn ready_bodies_are_run_in_the_order_of_their_names() {
    let harness = Harness::closure(async |step: Step| {
        let work = |name: &'static str| step.run(name, async move { Ok::<_, Error>(name.to_owned()) });
        tokio::select! { value = work("b") => value, value = work("a") => value }
    });
    for _ in 0..20 {
        assert_eq!(harness.run().await.value::<String>().unwrap(), "a");
    }
}
