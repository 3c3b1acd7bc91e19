//! What the server keeps, read from answers that were recorded from a real one.

use serde_json::{Value, json};

use super::stub::Stub;
use crate::function::StepKind;
use crate::registry::manifest::TriggerEntry;
use crate::server::ApiError;
use crate::server::client::{CancelOutcome, RunFilter, RunStatus};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../../../tests/wire/api/", $name, ".json"))
    };
}

#[tokio::test]
async fn runs_come_in_pages() {
    let stub = Stub::start([(200, recorded!("runs-page-1")), (200, recorded!("runs-page-2"))]).await;
    let client = stub.client(&[("INNGEST_SIGNING_KEY", "signkey-prod-aa")]);
    let since = "2026-01-01T00:00:00Z".parse().expect("is a time");
    let mut filter = RunFilter { count: 3, status: Some(RunStatus::Running), since: Some(since), ..Default::default() };
    let page = client.runs(&filter).await.expect("is read");
    let shown: Vec<_> =
        page.runs.iter().map(|run| (run.function.as_str(), run.status, run.ended_at.is_some())).collect();
    assert_eq!(
        shown,
        [
            ("fake-app-simple", RunStatus::Completed, true),
            ("fake-app-steps", RunStatus::Completed, true),
            ("fake-app-fails", RunStatus::Failed, true),
        ]
    );
    let first = &page.runs[1];
    assert_eq!((first.app.as_str(), first.event_name.as_deref()), ("fake-app", Some("test/steps")));
    assert_eq!(first.output.as_ref().map(|output| output.get()), Some(r#"{"done":[1,2]}"#));
    filter.after = page.next;
    let last = client.runs(&filter).await.expect("is read");
    assert_eq!((last.runs.len(), last.next), (1, None));
    // The server has a time at which a run that goes on has ended.
    assert_eq!((last.runs[0].status, last.runs[0].ended_at), (RunStatus::Running, None));
    let asked = stub.asked();
    assert_eq!(asked[0].uri.path(), "/v0/gql");
    assert!(asked[0].header("authorization").is_some());
    let variables = &asked[0].json()["variables"];
    assert_eq!(variables["filter"]["status"], json!(["RUNNING"]));
    assert_eq!(variables["filter"]["from"], "2026-01-01T00:00:00Z");
    assert_eq!((&variables["count"], &variables["after"]), (&json!(3), &Value::Null));
    assert_eq!(asked[1].json()["variables"]["after"], json!(filter.after));
}

#[tokio::test]
async fn runs_of_one_function_are_asked_for_by_its_uuid() {
    let stub = Stub::start([(200, recorded!("apps")), (200, recorded!("runs-page-2")), (200, recorded!("apps"))]).await;
    let client = stub.client(&[]);
    let mut filter = RunFilter { count: 3, function: Some("fake-app-simple".to_owned()), ..Default::default() };
    assert_eq!(client.runs(&filter).await.map(|page| page.runs.len()), Ok(1));
    let ids = &stub.asked()[1].json()["variables"]["filter"]["functionIDs"];
    assert_eq!(*ids, json!(["2bb6bc0c-b0c9-5b7f-a76a-c6af27c0f135"]));
    filter.function = Some("fake-app-unknown".to_owned());
    assert_eq!(client.runs(&filter).await.map(|page| page.runs.len()), Ok(0));
}

#[tokio::test]
async fn an_output_that_came_with_the_last_steps_is_told_from_them() {
    let reports = json!([
        { "id": "97e5dd77", "op": "StepRun", "name": "one", "data": 1 },
        { "id": "0737c22d", "op": "RunComplete", "data": { "sum": 6 } },
    ]);
    let mut page: Value = serde_json::from_str(recorded!("runs-page-1")).expect("is JSON");
    page["data"]["runs"]["edges"][0]["node"]["output"] = json!(reports.to_string());
    let page = page.to_string();
    let stub = Stub::start([(200, page.as_str())]).await;
    let page = stub.client(&[]).runs(&RunFilter::default()).await.expect("is read");
    assert_eq!(page.runs[0].output.as_ref().map(|json| json.get()), Some(r#"{"sum":6}"#));
}

#[tokio::test]
async fn a_run_has_each_step_once() {
    let stub = Stub::start([(200, recorded!("run-with-steps")), (200, recorded!("run-outputs"))]).await;
    let detail = stub.client(&[]).run_detail("01M85THVXVVYZQAD8S2P9Y23P3").await.expect("is read").expect("is there");
    assert_eq!((detail.run.status, detail.run.event_name.as_deref()), (RunStatus::Completed, Some("test/steps")));
    assert_eq!(detail.event_data.as_ref().map(|data| data.get()), Some(r#"{"amount":42}"#));
    let steps: Vec<_> = detail
        .steps
        .iter()
        .map(|step| {
            (
                step.name.as_str(),
                step.kind,
                step.status.as_str(),
                step.attempts,
                step.output.as_ref().map(|json| json.get()),
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("charge", Some(StepKind::Run), "Completed", 1, Some(r#"{"paid":42}"#)),
            ("pause", Some(StepKind::Sleep), "Completed", 1, None),
            ("flaky", Some(StepKind::Run), "Completed", 2, Some(r#""yes""#)),
            ("note", None, "Failed", 1, Some(r#"{"message":"no paper","name":"Error"}"#)),
        ]
    );
    let asked = stub.asked();
    assert_eq!(asked[0].json()["variables"]["id"], "01M85THVXVVYZQAD8S2P9Y23P3");
    assert_eq!(asked[1].json()["variables"].as_object().map(serde_json::Map::len), Some(3));
}

#[tokio::test]
async fn a_waiting_step_says_until_when() {
    let stub = Stub::start([(200, recorded!("run-waiting"))]).await;
    let detail = stub.client(&[]).run_detail("x").await.expect("is read").expect("is there");
    let step = &detail.steps[0];
    assert_eq!((step.kind, step.status.as_str()), (Some(StepKind::WaitForEvent), "Waiting"));
    assert!(step.ended_at.is_none() && step.due > step.started_at, "{step:?}");
    stub.only();
}

#[tokio::test]
async fn the_queue_says_what_comes_next() {
    let stub = Stub::start([(200, recorded!("run-jobs"))]).await;
    let jobs = stub.client(&[]).jobs("01M85THVXVVYZQAD8S2P9Y23P3").await.expect("are read");
    assert_eq!((jobs.len(), jobs[0].kind.as_str(), jobs[0].attempt), (1, "pause", 0));
    assert_eq!(stub.only().uri.path(), "/v1/runs/01M85THVXVVYZQAD8S2P9Y23P3/jobs");
}

#[tokio::test]
async fn unknown_runs_and_events_are_none() {
    let stub = Stub::start([
        (200, recorded!("run-unknown")),
        // With its own status, and with the one that the server's cache gives it.
        (200, recorded!("run-unknown-rest")),
        (404, recorded!("event-unknown")),
        (200, recorded!("event-unknown")),
    ])
    .await;
    let client = stub.client(&[]);
    assert!(client.run_detail("01M85T9PBKNRS7Z4VFD1VGFF62").await.is_ok_and(|run| run.is_none()));
    assert!(client.run("01M85T9PBKNRS7Z4VFD1VGFF62").await.is_ok_and(|run| run.is_none()));
    for _ in 0..2 {
        assert!(client.event("01M85T9PBKNRS7Z4VFD1VGFF63").await.is_ok_and(|event| event.is_none()));
    }
}

#[tokio::test]
async fn an_event_is_found_by_either_id() {
    let stub =
        Stub::start([(200, recorded!("event")), (200, recorded!("events")), (200, recorded!("events-none"))]).await;
    let client = stub.client(&[]);
    let event = client.find_event("01M85THVWAWCAXB77YZPX6R69Y").await.expect("is read").expect("is there");
    assert_eq!((event.id.as_deref(), event.name.as_str()), (Some("order-42"), "test/steps"));
    let found = client.find_event("order-42").await.expect("is read").expect("is there");
    assert_eq!(found.internal_id, event.internal_id);
    assert!(client.find_event("order-43").await.is_ok_and(|event| event.is_none()));
    let asked = stub.asked();
    assert_eq!(asked[0].uri.path(), "/v1/events/01M85THVWAWCAXB77YZPX6R69Y");
    assert!(asked[1].uri.query().is_some_and(|query| query.starts_with("limit=50&fresh=")), "{asked:?}");
}

#[tokio::test]
async fn what_the_server_caches_is_asked_for_anew() {
    let stub = Stub::start([(200, recorded!("event-runs")), (200, recorded!("event-runs"))]).await;
    let client = stub.client(&[]);
    for _ in 0..2 {
        let runs = client.event_runs("01M85THVT8HQ8YHMDP0M7V58FN").await.expect("are read");
        assert_eq!((runs.len(), runs[0].status), (1, RunStatus::Failed));
        assert!(runs[0].output.as_ref().is_some_and(|output| output.get().contains("the gate is closed")));
    }
    let asked = stub.asked();
    assert_eq!(asked[0].uri.path(), "/v1/events/01M85THVT8HQ8YHMDP0M7V58FN/runs");
    assert_ne!(asked[0].uri.query(), asked[1].uri.query());
}

#[tokio::test]
async fn a_run_that_has_ended_is_not_cancelled() {
    let waiting = recorded!("run").replace("Completed", "Running");
    let stub = Stub::start([
        (200, recorded!("run")),
        (200, waiting.as_str()),
        (200, ""),
        (200, recorded!("run-unknown-rest")),
        (200, waiting.as_str()),
        (404, r#"{"error":"Unable to load function run: x","data":null,"status":404}"#),
    ])
    .await;
    let client = stub.client(&[]);
    assert_eq!(client.cancel("r/1").await, Ok(CancelOutcome::Ended(RunStatus::Completed)));
    assert_eq!(client.cancel("r/1").await, Ok(CancelOutcome::Cancelled));
    assert_eq!(client.cancel("r/1").await, Ok(CancelOutcome::Unknown));
    assert_eq!(client.cancel("r/1").await, Ok(CancelOutcome::Unknown));
    let asked = stub.asked();
    let deleted: Vec<_> = asked.iter().filter(|asked| asked.method == "DELETE").map(|asked| asked.uri.path()).collect();
    assert_eq!(deleted, ["/v1/runs/r%2F1", "/v1/runs/r%2F1"]);
}

#[tokio::test]
async fn the_server_tells_what_is_registered() {
    let stub = Stub::start([(200, recorded!("apps")), (200, recorded!("apps"))]).await;
    let client = stub.client(&[]);
    assert!(client.registered("forgotten").await.is_ok_and(|app| app.is_none()));
    let app = client.registered("fake-app").await.expect("is read").expect("is registered");
    assert_eq!((app.sdk_language.as_str(), app.sdk_version.as_str()), ("system-bus", "v0.1.0"));
    assert!(app.url.is_some_and(|url| url.ends_with("/api/inngest")) && app.error.is_none());
    assert_eq!(app.checksum.map(|sum| sum.len()), Some(64));
    let mut ids: Vec<_> = app.functions.iter().map(|function| function.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        ["fake-app-fails", "fake-app-nightly", "fake-app-simple", "fake-app-slow", "fake-app-steps", "fake-app-waits"]
    );
    let function = |id: &str| app.functions.iter().find(|function| function.id == id).expect("is there");
    let event =
        TriggerEntry::Event { event: "test/steps".to_owned(), expression: Some("event.data.amount > 10".to_owned()) };
    assert_eq!(function("fake-app-steps").triggers, [event]);
    let cron = TriggerEntry::Cron { cron: "0 3 * * *".to_owned(), time_zone: None };
    assert_eq!(function("fake-app-nightly").triggers, [cron]);
    assert_eq!(function("fake-app-waits").cancelled_by(), ["test/stop"]);
    let config: Value = serde_json::from_str(function("fake-app-slow").config.get()).expect("is JSON");
    assert_eq!(config["concurrency"][0]["limit"], 1);
}

#[tokio::test]
async fn a_server_without_graphql_is_named() {
    for (status, page) in [(200, "<!doctype html><title>inngest</title>"), (404, "404 page not found"), (405, "")] {
        let stub = Stub::start([(status, page)]).await;
        let error = stub.client(&[]).apps().await.expect_err("has none");
        assert!(matches!(error, ApiError::NoGraphQl { .. }), "{status}: {error}");
    }
}

#[tokio::test]
async fn answers_that_are_no_answers_are_errors() {
    for (status, body, part) in [
        (422, recorded!("gql-wrong"), "answered 422: Cannot query field \"nope\""),
        (200, r#"{"errors":[{"message":"it is broken"}],"data":null}"#, "it is broken"),
        (200, r#"{"data":null}"#, "no `data`"),
        (200, r#"{"data":{"apps":5}}"#, "not understood"),
        (200, "", "not understood"),
        (403, "closed\n", "answered 403: closed"),
    ] {
        let stub = Stub::start([(status, body)]).await;
        let error = stub.client(&[]).apps().await.expect_err("is an error").to_string();
        assert!(error.contains(part), "{error}");
        stub.only();
    }
    for (body, part) in [
        (r#"{"data":null}"#, "not understood"),
        (r#"{"error":"the disk is full","data":null,"status":503}"#, "answered 503: the disk is full"),
        (r#"{"error":"No auth found","data":null,"status":401}"#, "does not accept the key"),
    ] {
        let stub = Stub::start([(200, body)]).await;
        let error = stub.client(&[]).run("x").await.expect_err("is an error").to_string();
        assert!(error.contains(part), "{error}");
    }
}
