//! `step.fetch`.

use serde_json::json;

use super::*;
use crate::outbound::FetchRequest;

async fn fetches(step: Step) -> Result<u32, Error> {
    let request = FetchRequest::post("https://api.example/items").header("X-Tenant", "a").json(&json!({"n": 1}));
    let response = step.fetch("items", request).await?;
    Ok(response.json::<u32>()? + u32::from(response.status))
}

#[test]
fn new_a_request_is_planned_and_never_executed_in_a_call() {
    let Operation::Fetch(request) = first().runs(fetches).operation("items") else { panic!("not a request") };
    assert_eq!((request.method().as_str(), request.url()), ("POST", "https://api.example/items"));
    assert_eq!((request.body(), request.headers()["x-tenant"].as_str()), (Some(r#"{"n":1}"#), "a"));
}

#[test]
fn suspended_a_request_that_is_the_target_is_planned() {
    assert_eq!(first().targets("items").runs(fetches).planned(), ["items"]);
}

#[test]
fn replayed_incomplete_a_request_is_planned_again() {
    let outcome = first().remembers("before", 1).runs(async |step: Step| {
        step.run("before", never_runs()).await?;
        fetches(step).await
    });
    assert_eq!(outcome.planned(), ["items"]);
}

#[test]
fn replayed_complete_a_request_yields_the_response_as_a_server_stores_it() {
    let stored = json!({"url": "https://api.example/items", "headers": {"Content-Type": "application/json"},
        "body": "7", "status_code": 201});
    assert_eq!(first().remembers("items", stored).runs(fetches).done(), json!(208));
}

#[test]
fn any_status_is_a_response() {
    let outcome = first().remembers("items", json!({"body": "gone", "status_code": 410})).runs(async |step: Step| {
        let response = step.fetch("items", FetchRequest::get("https://api.example/items")).await?;
        Ok::<_, Error>((response.is_success(), response.header("X-Any").is_none(), response.body))
    });
    assert_eq!(outcome.done(), json!([false, true, "gone"]));
}

#[test]
fn a_header_is_found_in_any_case() {
    let stored = json!({"headers": {"X-Rate": "5"}, "body": "", "status_code": 200});
    let outcome = first().remembers("items", stored).runs(async |step: Step| {
        let response = step.fetch("items", FetchRequest::get("https://api.example/items")).await?;
        Ok::<_, Error>(response.header("x-rate").map(str::to_owned))
    });
    assert_eq!(outcome.done(), json!("5"));
}

#[test]
fn a_body_that_does_not_fit_is_a_decode_error_with_the_status() {
    for body in [r#"{"a": 1}"#, "<html>"] {
        let error = first().remembers("items", json!({"body": body, "status_code": 502})).runs(fetches).failed();
        assert_eq!((error.name(), error.is_retryable()), (StepError::DECODE, false));
        assert!(error.message().contains("status 502"), "{error}");
    }
}

#[test]
fn failed_a_request_ends_the_function() {
    let error = first().remembers_failure("items", StepError::new("GatewayError", "no route")).runs(fetches).failed();
    assert_eq!((error.name(), error.is_retryable()), ("GatewayError", false));
}

#[test]
fn failed_and_caught_the_function_goes_on() {
    let outcome = first().remembers_failure("items", StepError::new("GatewayError", "no")).runs(async |step: Step| {
        let caught = step.fetch("items", FetchRequest::get("https://api.example")).await.is_err();
        Ok::<_, Error>(caught)
    });
    assert_eq!(outcome.done(), json!(true));
}

#[test]
fn a_body_that_is_no_json_is_an_encode_error() {
    let outcome = first().runs(async |step: Step| {
        let request = FetchRequest::post("https://api.example");
        step.fetch("items", request.json(&std::collections::BTreeMap::from([((1, 2), 3)]))).await.map(|_| ())
    });
    assert_eq!(outcome.failed().name(), "EncodeError");
}

#[test]
fn a_driver_that_made_the_request_ends_the_step_with_its_response() {
    let mut live = first().lives(fetches);
    assert_eq!(names(&live.turn().registered), ["items"]);
    let id = StepId::of("items");
    let response = || to_raw_value(&json!({"body": "1", "status_code": 200})).unwrap();
    assert!(!live.execution.journal().end(id, Ok(response())), "it does not execute yet");
    assert!(live.grant("items"));
    assert!(live.turn().ended.is_empty());
    assert!(live.execution.journal().end(id, Ok(response())));
    assert_eq!(live.turn().ended[0].result.as_ref().unwrap().get(), response().get());
    live.complete("items", json!({"body": "1", "status_code": 200}));
    assert_eq!(live.turn().done.unwrap().unwrap().get(), "201");
}
