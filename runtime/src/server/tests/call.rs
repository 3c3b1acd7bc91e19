//! Calls: what each outcome of a function becomes (`SDK_SPEC.md` §4.4, §5).

use super::*;

fn id(name: &str) -> String {
    StepId::of(name).to_string()
}

#[tokio::test]
async fn a_function_without_steps_answers_its_output_with_the_headers() {
    let answer = Bench::dev().await.calls("plain", first().data(json!({ "count": 4 }))).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!(5)));
    assert_eq!(answer.header("x-inngest-req-version"), Some("2"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let sdk = answer.header("x-inngest-sdk").expect("is there");
    assert_eq!(sdk, format!("system-bus:v{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(answer.header("x-inngest-no-retry"), None);
}

#[tokio::test]
async fn one_step_after_another_is_executed() {
    let bench = Bench::dev().await;
    let answer = bench.calls("chain", first()).await;
    let expected = json!([{ "id": id("a"), "op": "StepRun", "name": "a", "displayName": "a", "data": 1 }]);
    assert_eq!(Value::from(answer.reports()), expected);
    let answer = bench.calls("chain", first().remembers("a", json!({ "data": 10 }))).await;
    assert_eq!(answer.reports()[0]["data"], 11);
    let all = first().remembers("a", json!({ "data": 1 })).remembers("b", json!({ "data": 2 }));
    let answer = bench.calls("chain", all.remembers("c", json!({ "data": 3 }))).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!(6)));
}

#[tokio::test]
async fn steps_side_by_side_are_planned_and_report_what_they_wait_for() {
    let answer = Bench::dev().await.calls("all-kinds", first()).await;
    let mut reports = answer.reports();
    reports.iter_mut().for_each(|report| drop(report.as_object_mut().unwrap().remove("id")));
    assert_eq!(
        Value::from(reports),
        json!([
            { "op": "StepPlanned", "name": "run", "displayName": "run", "data": null },
            { "op": "Sleep", "name": "sleep", "displayName": "sleep", "data": null, "opts": { "duration": "1m30s" } },
            { "op": "WaitForEvent", "name": "wait", "displayName": "wait", "data": null,
              "opts": { "event": "test/work.done", "timeout": "1m" } },
            { "op": "InvokeFunction", "name": "invoke", "displayName": "invoke", "data": null,
              "opts": { "function_id": "app-plain", "payload": { "data": { "count": 1 } } } },
        ])
    );
}

#[tokio::test]
async fn a_lone_step_is_planned_when_immediate_execution_is_off() {
    let answer = Bench::dev().await.calls("chain", first().context("disable_immediate_execution", true)).await;
    assert_eq!(answer.operations(), [("StepPlanned".to_owned(), "a".to_owned())]);
}

#[tokio::test]
async fn the_step_that_is_asked_for_is_executed_and_no_other() {
    let bench = Bench::dev().await;
    let answer = bench.calls("parallel", first().targets("b").context("disable_immediate_execution", true)).await;
    assert_eq!(answer.reports()[0]["data"], 2);
    assert_eq!(answer.operations(), [("StepRun".to_owned(), "b".to_owned())]);
    let answer = bench.calls("parallel", first().targets("gone")).await;
    assert_eq!(Value::from(answer.reports()), json!([{ "id": id("gone"), "op": "StepNotFound", "data": null }]));
}

#[tokio::test]
async fn a_failed_function_says_whether_another_attempt_makes_sense() {
    let bench = Bench::dev().await;
    let answer = bench.calls("fails", first()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.header("x-inngest-no-retry"), Some("false"));
    assert_eq!(answer.json(), json!({ "name": "Error", "message": "not yet" }));
    let answer = bench.calls("fails", first().data(json!({ "count": 1 }))).await;
    assert_eq!((answer.status, answer.header("x-inngest-no-retry")), (StatusCode::BAD_REQUEST, Some("true")));
    let answer = bench.calls("fails", first().data(json!({ "count": 2 }))).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-inngest-no-retry")), (500, Some("false")));
    let time: jiff::Timestamp = answer.header("retry-after").expect("is there").parse().expect("is a time");
    let wait = time.as_second() - jiff::Timestamp::now().as_second();
    assert!((58..=61).contains(&wait), "{wait}");
    let answer = bench.calls("panics", first()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json()["name"], "PanicError");
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_final() {
    let answer = Bench::dev().await.calls("plain", first().data(json!({ "count": "many" }))).await;
    assert_eq!((answer.status, answer.header("x-inngest-no-retry")), (StatusCode::BAD_REQUEST, Some("true")));
    assert!(answer.json()["message"].as_str().expect("is text").contains("`count`"));
}

#[tokio::test]
async fn a_failed_attempt_of_a_step_is_an_error_until_it_is_the_last() {
    let bench = Bench::dev().await;
    let answer = bench.calls("fails-in-step", first()).await;
    assert_eq!(answer.operations(), [("StepError".to_owned(), "work".to_owned())]);
    assert_eq!(answer.reports()[0]["error"], json!({ "name": "Error", "message": "not yet" }));
    assert_eq!(answer.reports()[0]["data"], Value::Null);
    assert_eq!(answer.header("x-inngest-no-retry"), Some("false"));
    let answer = bench.calls("fails-in-step", first().context("attempt", 3)).await;
    assert_eq!(answer.operations(), [("StepFailed".to_owned(), "work".to_owned())]);
    assert_eq!(answer.header("x-inngest-no-retry"), Some("true"));
    let answer = bench.calls("fails-in-step", first().data(json!({ "count": 1 }))).await;
    assert_eq!(answer.operations(), [("StepFailed".to_owned(), "work".to_owned())]);
    let answer = bench.calls("fails-in-step", first().data(json!({ "count": 2 }))).await;
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn the_options_of_a_step_are_obeyed() {
    let bench = Bench::dev().await;
    let answer = bench.calls("one-attempt", first()).await;
    assert_eq!(answer.operations(), [("StepFailed".to_owned(), "work".to_owned())]);
    let answer = bench.calls("backs-off", first().context("attempt", 1)).await;
    let time: jiff::Timestamp = answer.header("retry-after").expect("is there").parse().expect("is a time");
    let wait = time.as_second() - jiff::Timestamp::now().as_second();
    assert!((198..=201).contains(&wait), "{wait}");
    let answer = bench.calls("too-slow", first()).await;
    assert_eq!(answer.reports()[0]["error"]["name"], "TimeoutError");
}

#[tokio::test]
async fn the_error_of_a_remembered_step_is_final_and_stays_the_same() {
    let memo = json!({ "error": { "name": "Bad", "message": "boom", "stack": "at …" } });
    let answer = Bench::dev().await.calls("fails-in-step", first().remembers("work", memo)).await;
    assert_eq!((answer.status, answer.header("x-inngest-no-retry")), (StatusCode::BAD_REQUEST, Some("true")));
    assert_eq!(answer.json(), json!({ "name": "Bad", "message": "boom" }));
}

#[tokio::test]
async fn events_of_a_step_are_sent_under_the_same_seed_at_every_attempt() {
    let bench = Bench::with(&[("INNGEST_DEV", "1"), ("INNGEST_EVENT_KEY", "k"), ("INNGEST_ENV", "branch")]).await;
    bench.server.answers("/e/k", 200, json!({ "ids": ["e9"], "status": 200 }));
    let answer = bench.calls("tells", first()).await;
    assert_eq!(answer.reports()[0]["op"], "StepRun");
    assert_eq!(answer.reports()[0]["data"], json!(["e9"]));
    bench.calls("tells", first().context("attempt", 1)).await;
    let sent = bench.server.got("/e/k");
    assert_eq!(sent[0].json(), json!([{ "name": "test/work.done", "data": { "count": 1 } }]));
    assert_eq!(sent[0].header("x-inngest-event-id-seed"), sent[1].header("x-inngest-event-id-seed"));
    let (millis, entropy) = sent[0].header("x-inngest-event-id-seed").split_once(',').expect("two parts");
    assert!(millis.parse::<u64>().is_ok() && entropy.len() == 16, "{millis},{entropy}");
    assert_eq!(sent[0].header("x-inngest-env"), "branch");
}

#[tokio::test]
async fn events_that_the_server_refuses_fail_the_step() {
    let bench = Bench::dev().await;
    bench.server.answers("/e/NO_EVENT_KEY_SET", 400, json!({ "error": "no such thing" }));
    let answer = bench.calls("tells", first()).await;
    assert_eq!(answer.operations(), [("StepFailed".to_owned(), "tell".to_owned())]);
    let message = answer.reports()[0]["error"]["message"].as_str().expect("is text").to_owned();
    assert!(message.contains("400: no such thing"), "{message}");
    assert_eq!(bench.server.got("/e/NO_EVENT_KEY_SET").len(), 1);
}

#[tokio::test]
async fn what_was_too_large_for_a_request_is_fetched() {
    let bench = Bench::cloud().await;
    let event = json!({ "id": "e", "name": "test/work.requested", "data": { "count": 8 }, "ts": 1 });
    bench.server.answers(&format!("/v0/runs/{RUN}/batch"), 200, json!([event]));
    bench.server.answers(&format!("/v0/runs/{RUN}/actions"), 200, json!({ id("a"): { "data": 1 } }));
    let mut body = first().context("use_api", true).json();
    body["events"] = json!([]);
    let text = body.to_string();
    let headers = [("x-inngest-signature", signed(KEY, &text))];
    let headers = [(headers[0].0, headers[0].1.as_str())];
    let answer = bench.post("?fnId=app-plain&stepId=step", &headers, &text).await;
    assert_eq!(answer.json(), json!(9));
    let answer = bench.post("?fnId=app-chain&stepId=step", &headers, &text).await;
    assert_eq!(answer.operations(), [("StepRun".to_owned(), "b".to_owned())]);
    let bearer = SigningKey::parse(KEY).expect("is a key").bearer();
    assert!(bench.server.got(&format!("/v0/runs/{RUN}/batch")).iter().all(|got| got.header("authorization") == bearer));
}

#[tokio::test]
async fn a_payload_that_cannot_be_fetched_is_tried_again() {
    let bench = Bench::dev().await;
    bench.server.answers(&format!("/v0/runs/{RUN}/batch"), 404, json!({ "error": "gone" }));
    bench.server.answers(&format!("/v0/runs/{RUN}/actions"), 200, "{}");
    let answer = bench.calls("plain", first().context("use_api", true)).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-inngest-no-retry")), (500, Some("false")));
    assert!(answer.json()["message"].as_str().expect("is text").contains("404: gone"));
}

#[tokio::test]
async fn a_bad_request_is_named() {
    let bench = Bench::dev().await;
    let answer = bench.calls("gone", first()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.json()["message"].as_str().expect("is text").contains("`app-gone`"));
    let answer = bench.post("", &[], "{}").await;
    assert_eq!((answer.status.as_u16(), answer.json()["message"].clone()), (400, json!("the query has no `fnId`")));
    let answer = bench.post("?fnId=app-plain", &[], "{").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = bench.post("?fnId=app-plain&stepId=x", &[], first().json()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = bench.post("?fnId=app-plain", &[], " ".repeat(crate::server::serve::CALL_BYTES_MAX + 1)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = bench.ask(request(Method::DELETE, "/api/inngest", &[], String::new())).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_streamed_answer_begins_at_once_and_ends_with_the_reply() {
    let bench = Bench::with(&[("INNGEST_DEV", "1"), ("INNGEST_STREAMING", "1"), ("INNGEST_CHECKPOINTING", "0")]).await;
    let answer = bench.calls("chain", first()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let streamed = answer.json();
    assert_eq!((&streamed["status"], &streamed["body"][0]["op"]), (&json!(206), &json!("StepRun")));
    let answer = bench.calls("fails", first().data(json!({ "count": 1 }))).await;
    let streamed = answer.json();
    assert_eq!((&streamed["status"], &streamed["headers"]["X-Inngest-No-Retry"]), (&json!(400), &json!("true")));
    assert_eq!(streamed["body"]["message"], "never");
}
