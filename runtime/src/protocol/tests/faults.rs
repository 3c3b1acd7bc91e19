//! Misuse and panics.

use super::*;

#[test]
fn a_step_inside_a_step_is_a_nested_step_error() {
    let outcome = first().runs(async |step: Step| {
        let inner = step.clone();
        let body = async move { inner.run("inner", gives(1)).await.map_err(Error::from) };
        step.run("outer", body).await
    });
    let error = outcome.failed();
    assert_eq!((error.name(), error.is_retryable()), ("NestedStepError", false));
    assert!(error.message().contains("`inner`") && error.message().contains("`outer`"), "{error}");
}

#[test]
fn every_operation_inside_a_step_is_a_nested_step_error() {
    let outcome = first().runs(async |step: Step| {
        let inner = step.clone();
        let body = async move {
            inner.sleep("inner", std::time::Duration::from_secs(1)).await;
            Ok::<_, Error>(())
        };
        step.run("outer", body).await
    });
    assert_eq!(outcome.failed().name(), "NestedStepError");
}

#[test]
fn a_nested_step_that_the_body_gives_up_on_is_an_error_too() {
    let outcome = first().runs(async |step: Step| {
        let inner = step.clone();
        let body = async move {
            tokio::select! {
                biased;
                _ = inner.run("inner", gives(1)) => Ok::<_, Error>(1),
                () = std::future::ready(()) => Ok(2),
            }
        };
        step.run("outer", body).await
    });
    assert_eq!(outcome.failed().name(), "NestedStepError");
}

#[test]
fn a_panic_in_a_step_is_a_retryable_error_of_the_step() {
    let outcome = first().runs(async |step: Step| step.run("a", never_runs()).await);
    let error = outcome.step_ended("a").unwrap_err();
    assert_eq!((error.name(), error.is_retryable()), ("PanicError", true));
    assert_eq!(error.message(), "step `a` panicked: this body must not run");
}

#[test]
fn a_panic_in_the_function_is_a_retryable_error_of_the_function() {
    let outcome = first().remembers("a", 1).runs(async |step: Step| {
        let value = step.run("a", never_runs()).await?;
        if value == 1 {
            panic!("number {value}");
        }
        Ok::<_, Error>(value)
    });
    let error = outcome.failed();
    assert_eq!((error.name(), error.is_retryable()), ("PanicError", true));
    assert_eq!(error.message(), "the function panicked: number 1");
}

#[test]
fn a_panic_in_one_parallel_step_does_not_stop_the_other() {
    let mut live = first().lives(async |step: Step| {
        let (a, b) = tokio::join!(step.run("a", never_runs()), step.run("b", gives(1)));
        Ok::<_, Error>((a?, b?))
    });
    live.turn();
    assert!(live.grant("a") && live.grant("b"));
    let ended = live.turn().ended;
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|step| step.result.is_ok() == (step.id == StepId::of("b"))));
}

#[test]
fn a_retryable_error_of_the_function_stays_retryable() {
    let outcome = first().runs(async |_: Step| Err::<(), _>(Error::retryable("later")));
    assert!(outcome.failed().is_retryable());
}
