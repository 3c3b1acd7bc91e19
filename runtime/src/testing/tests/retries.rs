//! Attempts of steps and of the code between them.

use super::*;
use crate::testing::Harness;

/// A function with one step whose first `failures` attempts fail.
fn fails(failures: usize, error: fn() -> Error, retries: Option<u32>) -> (Harness, Cluster) {
    let attempts = Cluster::default();
    let counted = attempts.clone();
    let harness = Harness::closure(move |step: Step| {
        let counted = counted.clone();
        async move {
            let body = async move { if counted.add() < failures { Err(error()) } else { Ok(1) } };
            let work = step.run("work", body);
            match retries {
                Some(retries) => work.retries(retries).await,
                None => work.await,
            }
        }
    });
    (harness, attempts)
}

fn busy() -> Error {
    Error::retryable("busy")
}

#[tokio::test]
async fn a_failed_step_is_tried_again_until_it_succeeds() {
    let (harness, attempts) = fails(3, busy, None);
    assert_eq!(harness.run().await.value::<u32>().unwrap(), 1);
    assert_eq!(attempts.count(), 4);
}

#[tokio::test]
async fn a_step_fails_when_the_retries_are_spent() {
    let (harness, attempts) = fails(100, busy, None);
    assert_eq!(harness.run().await.output.unwrap_err().message(), "busy");
    assert_eq!(attempts.count(), 4);
}

#[tokio::test]
async fn the_number_of_the_step_itself_counts() {
    let (harness, attempts) = fails(100, busy, Some(0));
    assert!(harness.run().await.output.is_err());
    assert_eq!(attempts.count(), 1);
    let (harness, attempts) = fails(9, busy, Some(9));
    assert_eq!(harness.run().await.value::<u32>().unwrap(), 1);
    assert_eq!(attempts.count(), 10);
}

#[tokio::test]
async fn a_terminal_error_is_not_tried_again() {
    let (harness, attempts) = fails(100, || Error::terminal("gone"), None);
    assert_eq!(harness.run().await.output.unwrap_err().message(), "gone");
    assert_eq!(attempts.count(), 1);
}

#[tokio::test]
async fn the_code_between_steps_is_tried_again_and_its_steps_are_not() {
    let (attempts, bodies) = (Cluster::default(), Cluster::default());
    let (counted, ran) = (attempts.clone(), bodies.clone());
    let harness = Harness::closure(move |step: Step| {
        let (counted, ran) = (counted.clone(), ran.clone());
        async move {
            let value = step.run("work", async { Ok::<_, Error>(ran.add()) }).await?;
            if counted.add() < 2 { Err(Error::retryable("not yet")) } else { Ok(value) }
        }
    });
    let report = harness.run().await;
    assert_eq!(report.value::<usize>().unwrap(), 0);
    assert_eq!((attempts.count(), bodies.count(), report.steps.len()), (3, 1, 1));
}

#[tokio::test]
async fn a_function_that_always_panics_fails_after_its_attempts() {
    let attempts = Cluster::default();
    let counted = attempts.clone();
    let harness = Harness::closure(move |_: Step| {
        let attempt = counted.add();
        async move { if attempt < 100 { panic!("attempt {attempt}") } else { Ok::<_, Error>(()) } }
    });
    assert_eq!(harness.run().await.output.unwrap_err().message(), "the function panicked: attempt 3");
    assert_eq!(attempts.count(), 4);
}
