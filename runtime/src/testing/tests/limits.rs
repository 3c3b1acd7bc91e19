//! A function that never ends ends the harness.

use std::time::Duration;

use super::*;
use crate::testing::{Check, Harness, HarnessError};

/// The test waits this long in real time, once, because nothing else can end such a run.
const SHORT: Duration = Duration::from_millis(1);

async fn message(harness: Harness) -> String {
    let problem = harness.time_limit(SHORT).try_run().await.unwrap_err();
    assert!(matches!(problem, HarnessError::NeverEnds { .. }), "{problem}");
    problem.to_string()
}

#[tokio::test]
async fn a_loop_of_steps_ends_at_the_limit() {
    let harness = Harness::closure(async |step: Step| -> Result<()> {
        loop {
            step.sleep("tick", Duration::from_secs(1)).await;
        }
    });
    let problem = harness.steps_max(50).try_run().await.unwrap_err();
    assert_eq!(problem, HarnessError::TooManySteps { limit: 50 });
}

#[tokio::test]
async fn a_body_that_does_not_end_is_named() {
    let harness = Harness::closure(async |step: Step| step.run("stuck", std::future::pending::<Result<u32>>()).await);
    assert!(message(harness).await.contains("`stuck`"));
}

#[tokio::test]
async fn a_wait_outside_of_any_step_is_told() {
    let harness = Harness::closure(async |_: Step| std::future::pending::<Result<u32>>().await);
    assert!(message(harness).await.contains("no step"));
}

#[tokio::test]
async fn a_function_that_only_yields_ends_at_the_limit() {
    let harness = Harness::closure(async |_: Step| -> Result<()> {
        loop {
            tokio::task::yield_now().await;
        }
    });
    message(harness).await;
}

#[tokio::test]
async fn a_step_that_hangs_as_scripted_is_named_at_once() {
    let harness = Harness::closure(async |step: Step| step.run("stuck", async { Ok::<_, Error>(1) }).await);
    let problem = harness.hang_step("stuck").try_run().await.unwrap_err();
    assert!(problem.to_string().contains("`stuck` never ends, as scripted"), "{problem}");
}

#[tokio::test]
async fn a_failure_that_leads_nowhere_is_found_by_the_check() {
    let harness = Harness::closure(async |step: Step| -> Result<u32> {
        match step.run("work", async { Ok::<_, Error>(1) }).await {
            Ok(value) => Ok(value),
            Err(_) => std::future::pending().await,
        }
    });
    let problem = harness.time_limit(SHORT).try_check(Check::EveryStepMayFail).await.unwrap_err();
    assert!(problem.to_string().starts_with("a failure for good, step `work`: the function did not end"), "{problem}");
}

#[tokio::test]
async fn a_body_that_is_woken_from_outside_ends() {
    let harness = Harness::closure(async |step: Step| {
        let body = async {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let thread = std::thread::spawn(move || sender.send(5));
            let value = receiver.await?;
            thread.join().ok();
            Ok::<u32, Error>(value)
        };
        step.run("work", body).await
    });
    assert_eq!(harness.run().await.value::<u32>().unwrap(), 5);
}
