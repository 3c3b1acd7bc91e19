//! The checks pass a good function and find what is wrong with a bad one.

use super::runs::deploys;
use super::*;
use crate::testing::{Check, Harness};

async fn problem(harness: Harness, check: Check) -> String {
    harness.try_check(check).await.unwrap_err().to_string()
}

fn notifies(call: fn(&Context) -> Result<FunctionFuture>) -> Harness {
    Harness::registered(registration(call))
}

async fn one() -> Result<u32> {
    Ok(1)
}

/// Different at each call, as a random value is.
fn random() -> String {
    ulid::Ulid::generate().to_string()
}

#[tokio::test]
async fn a_function_with_every_kind_of_step_passes_all_checks() {
    deploys().check_all().await;
}

#[tokio::test]
async fn each_check_can_be_called_alone() {
    let harness = deploys().time_out("approval");
    harness.succeeds().await;
    harness.every_step_may_fail().await;
    harness.every_step_may_run_twice().await;
    harness.resumes_after_a_crash_at_every_point().await;
}

#[tokio::test]
async fn each_body_runs_as_often_as_the_checks_ask() {
    // Two bodies a run; a crash and a failed attempt repeat none of them, a second run of the body one.
    let check = async |check| {
        let bodies = Cluster::default();
        let ran = bodies.clone();
        let harness = Harness::closure(move |step: Step| {
            let ran = ran.clone();
            async move {
                let body = async || {
                    ran.add();
                    Ok::<_, Error>(())
                };
                step.run("a", body()).await?;
                step.run("b", body()).await
            }
        });
        harness.try_check(check).await.unwrap();
        bodies.count()
    };
    assert_eq!(check(Check::Succeeds).await, 2);
    assert_eq!(check(Check::ResumesAfterACrashAtEveryPoint).await, 2 + 2 + 2);
    assert_eq!(check(Check::EveryStepMayRunTwice).await, 2 + 3 + 3);
    // A failure of `a` for good ends the run before any body, one of `b` after `a`.
    assert_eq!(check(Check::EveryStepMayFail).await, 2 + 2 + 2 + 1);
}

#[tokio::test]
async fn a_race_and_a_wide_fan_out_pass_all_checks() {
    let harness = Harness::closure(async |step: Step| {
        let all = futures::future::join_all((0..40).map(|n| step.run(format!("s{n}"), one()))).await;
        let sum = all.into_iter().sum::<Result<u32, _>>()?;
        let first = tokio::select! {
            value = step.run("left", async { Ok::<_, Error>(10) }) => value?,
            value = step.run("right", async { Ok::<_, Error>(20) }) => value?,
            () = step.sleep("limit", std::time::Duration::from_secs(1)) => 30,
        };
        Ok::<_, Error>(sum + first)
    });
    harness.check_all().await;
}

#[tokio::test]
async fn a_function_that_handles_a_failure_passes() {
    let harness = Harness::closure(async |step: Step| match step.run("work", one()).retries(0).await {
        Ok(value) => Ok(value),
        // The wait has no answer in the script: it is reached only when `work` fails for good.
        Err(_) => Ok::<_, Error>(step.wait_for_event::<Approved>("help").await?.map_or(0, |_| 2)),
    });
    harness.check_all().await;
}

#[tokio::test]
async fn a_failing_function_does_not_succeed() {
    let harness = Harness::closure(async |_: Step| Err::<(), _>(Error::terminal("no")));
    assert_eq!(problem(harness, Check::Succeeds).await, "the function failed: TerminalError: no");
}

#[tokio::test]
async fn a_notification_outside_of_a_step_is_found() {
    let call = |context: &Context| {
        notifying(|step, gateway| async move {
            gateway.notify("hello", 1).await?;
            step.run("work", one()).await?;
            Ok(())
        })(context)
    };
    notifies(call).succeeds().await;
    let found = problem(notifies(call), Check::ResumesAfterACrashAtEveryPoint).await;
    assert!(found.starts_with("a crash after the step, step `work`: the notifications differ"), "{found}");
    let found = problem(notifies(call), Check::EveryStepMayFail).await;
    assert!(found.starts_with("a failed attempt, step `work`: the notifications differ"), "{found}");
}

#[tokio::test]
async fn a_step_that_notifies_anew_at_its_second_run_is_found() {
    let call = |context: &Context| {
        notifying(|step, gateway| async move {
            step.run("tell", async { gateway.notify("hello", random()).await }).await?;
            Ok(())
        })(context)
    };
    notifies(call).resumes_after_a_crash_at_every_point().await;
    let found = problem(notifies(call), Check::EveryStepMayRunTwice).await;
    assert!(found.starts_with("a second run of the body, step `tell`: the notifications differ"), "{found}");
}

#[tokio::test]
async fn a_random_value_that_a_step_has_read_may_be_sent() {
    let call = |context: &Context| {
        notifying(|step, gateway| async move {
            let value = step.run("draw", async { Ok::<_, Error>(random()) }).await?;
            step.run("tell", gateway.notify("hello", value)).await?;
            Ok(())
        })(context)
    };
    notifies(call).check_all().await;
}

#[tokio::test]
async fn an_output_that_differs_is_found_unless_it_may() {
    let harness = || {
        Harness::closure(async |step: Step| {
            step.run("work", one()).await?;
            Ok::<_, Error>(random())
        })
    };
    let found = problem(harness(), Check::ResumesAfterACrashAtEveryPoint).await;
    assert!(found.contains("the outputs differ") && found.contains("`Harness::varies`"), "{found}");
    harness().varies().check_all().await;
}

#[tokio::test]
async fn a_step_name_that_is_not_the_same_at_every_run_is_found() {
    let harness = Harness::closure(async |step: Step| step.run(format!("work-{}", random()), one()).await);
    assert!(problem(harness, Check::EveryStepMayFail).await.contains("step names must be the same"));
}

#[tokio::test]
async fn a_step_that_changes_its_name_at_a_replay_is_found() {
    let starts = Cluster::default();
    let harness = Harness::closure(move |step: Step| {
        let start = starts.add();
        async move {
            step.run("first", one()).await?;
            // Every run but the first starts twice: the crash shifts the names.
            step.run(if start % 2 == 0 { "even" } else { "odd" }, one()).await
        }
    });
    let found = problem(harness, Check::ResumesAfterACrashAtEveryPoint).await;
    assert!(found.contains("step `even`"), "{found}");
}
