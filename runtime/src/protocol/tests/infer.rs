//! `step.ai().infer`.

use serde_json::json;

use super::*;
use crate::outbound::{InferFormat, InferRequest};

fn request() -> InferRequest {
    InferRequest::anthropic("s3cret", json!({"model": "m", "max_tokens": 9})).header("X-Agent", "a")
}

async fn infers(step: Step) -> Result<Value, Error> {
    let answer: Value = step.ai().infer("ask", request()).await?;
    Ok(answer["content"].clone())
}

#[test]
fn new_a_request_is_planned_with_all_that_the_wire_needs() {
    let Operation::Infer(request) = first().runs(infers).operation("ask") else { panic!("not a request") };
    assert_eq!((request.format().as_str(), request.address()), ("anthropic", "https://api.anthropic.com/v1/messages"));
    assert_eq!((request.auth_key().expose(), request.body().get()), ("s3cret", r#"{"max_tokens":9,"model":"m"}"#));
    assert_eq!(
        (request.headers()["x-agent"].as_str(), request.headers()["anthropic-version"].as_str()),
        ("a", "2023-06-01")
    );
}

#[test]
fn each_provider_has_its_address_and_format() {
    let gemini = InferRequest::gemini("g", "key", json!({}));
    assert_eq!(gemini.address(), "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent");
    assert_eq!(gemini.format(), InferFormat::Gemini);
    let local = InferRequest::openai_chat("", json!({})).url("http://localhost/v1/chat/completions");
    assert_eq!((local.format().as_str(), local.address()), ("openai-chat", "http://localhost/v1/chat/completions"));
    assert!(local.auth_key().is_empty());
}

#[test]
fn suspended_a_request_that_is_the_target_is_planned() {
    assert_eq!(first().targets("ask").runs(infers).planned(), ["ask"]);
}

#[test]
fn replayed_incomplete_a_request_is_planned_again() {
    let outcome = first().remembers("before", 1).runs(async |step: Step| {
        step.run("before", never_runs()).await?;
        infers(step).await
    });
    assert_eq!(outcome.planned(), ["ask"]);
}

#[test]
fn replayed_complete_a_request_yields_the_providers_answer() {
    assert_eq!(first().remembers("ask", json!({"content": ["hello"]})).runs(infers).done(), json!(["hello"]));
}

#[test]
fn an_answer_may_be_typed_and_one_that_does_not_fit_is_a_decode_error() {
    let typed = async |step: Step| {
        let answer: Approved = step.ai().infer("ask", request()).await?;
        Ok::<_, Error>(answer.by)
    };
    assert_eq!(first().remembers("ask", json!({"by": "m", "more": 1})).runs(typed).done(), json!("m"));
    let error = first().remembers("ask", json!({"by": 1})).runs(typed).failed();
    assert_eq!(error.name(), StepError::DECODE);
}

#[test]
fn failed_a_request_ends_the_function() {
    let error = first().remembers_failure("ask", StepError::new("AIGatewayError", "429")).runs(infers).failed();
    assert_eq!((error.name(), error.is_retryable()), ("AIGatewayError", false));
}

#[test]
fn failed_and_caught_the_function_goes_on() {
    let outcome = first().remembers_failure("ask", StepError::new("AIGatewayError", "no")).runs(async |step: Step| {
        let caught = step.ai().infer::<Value>("ask", request()).await.is_err();
        Ok::<_, Error>(caught)
    });
    assert_eq!(outcome.done(), json!(true));
}

#[test]
fn a_body_that_is_no_json_is_an_encode_error() {
    let outcome = first().runs(async |step: Step| {
        let body = std::collections::BTreeMap::from([((1, 2), 3)]);
        step.ai().infer::<Value>("ask", InferRequest::openai_chat("s3cret", body)).await
    });
    assert_eq!(outcome.failed().name(), "EncodeError");
}
