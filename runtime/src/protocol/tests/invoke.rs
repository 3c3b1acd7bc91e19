//! `step.invoke`.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::function::Function;

struct Double;

impl Function for Double {
    type Input = u32;
    type Output = u32;
    const ID: &'static str = "math/double";
}

async fn invokes(step: Step) -> Result<u32, Error> {
    let four = step.invoke::<Double>("twice", 2).await?;
    Ok(four + 1)
}

#[test]
fn new_an_invoke_names_the_function_and_its_data() {
    let Operation::Invoke { function, data, timeout } = first().runs(invokes).operation("twice") else {
        panic!("not an invoke")
    };
    assert_eq!((&*function, data.get(), timeout), ("math/double", "2", None));
}

#[test]
fn suspended_an_invoke_carries_its_time_out() {
    let outcome = first()
        .without_immediate_execution()
        .runs(async |step: Step| step.invoke::<Double>("twice", 2).timeout(Duration::from_secs(9)).await);
    let Operation::Invoke { timeout, .. } = outcome.operation("twice") else { panic!("not an invoke") };
    assert_eq!(timeout, Some(Duration::from_secs(9)));
}

#[test]
fn replayed_incomplete_an_invoke_still_waits() {
    let outcome = first().remembers("before", 1).runs(async |step: Step| {
        step.run("before", never_runs()).await?;
        invokes(step).await
    });
    assert_eq!(outcome.planned(), ["twice"]);
}

#[test]
fn replayed_complete_an_invoke_yields_the_typed_output() {
    assert_eq!(first().remembers("twice", 4).runs(invokes).done(), json!(5));
}

#[test]
fn failed_the_error_of_the_other_function_ends_this_one() {
    let error = StepError::new("TerminalError", "no such account");
    let error = first().remembers_failure("twice", error).runs(invokes).failed();
    assert_eq!((error.name(), error.message(), error.is_retryable()), ("TerminalError", "no such account", false));
}

#[test]
fn failed_and_caught_a_time_out_can_be_told_apart() {
    let error = StepError::new(StepError::TIMEOUT, "took too long");
    let outcome = first().remembers_failure("twice", error).runs(async |step: Step| {
        let error = step.invoke::<Double>("twice", 2).await.unwrap_err();
        Ok::<_, Error>(error.is_timeout())
    });
    assert_eq!(outcome.done(), json!(true));
}

#[test]
fn an_output_of_the_wrong_type_is_a_decode_error() {
    assert_eq!(first().remembers("twice", "four").runs(invokes).failed().name(), StepError::DECODE);
}
