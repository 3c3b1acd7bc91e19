//! `POST /v1/signals`, and what it does to the run that waits.

use reqwest::Client;
use serde_json::json;

use super::*;
use crate::api::{Keys, router};

/// Asks for a wait.
#[event("real/approval.requested")]
struct ApprovalRequested {}

/// Waits for an approval.
#[inngest_fn(id = "real-approval", event = ApprovalRequested)]
async fn real_approval(step: Step) -> Result<Option<Value>> {
    Ok(step.wait_for_signal("approval", "approve-7").await?)
}

/// The API of an engine, and its address.
async fn serve(engine: &Engine, keys: Keys) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/signals", listener.local_addr().unwrap());
    let router = router(engine.clone(), keys);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Status and body of the answer.
async fn post(address: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    system_bus_runtime::tls::install();
    let client = Client::builder().tls_certs_only([]).build().unwrap();
    let response = client.post(address).bearer_auth("signing").body(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_over_http_reaches_the_run_that_waits_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Bench::default());
    let run = start(&engine, &ApprovalRequested {}).await;
    let detail = wait(&engine, run, |detail| !detail.step_details.is_empty()).await;
    assert_eq!(detail.step_details[0].kind, system_bus_runtime::function::StepKind::WaitForSignal);
    assert_eq!(detail.run.waiting_for.as_deref(), Some("step `approval`"));
    engine.stop(Duration::ZERO).await;
    drop(engine);

    let engine = open(directory.path(), &Bench::default());
    let address = serve(&engine, Keys { event: None, signing: Some("signing".to_owned()) }).await;
    let (status, body) = post(&address, r#"{"signal": "approve-8", "data": 1}"#).await;
    assert_eq!((status, body["error"].as_str()), (404, Some("nobody waits for the signal `approve-8`")));
    let approval = || r#"{"signal": "approve-7", "data": {"by": "Ada"}}"#;
    assert_eq!(post(&address, approval()).await, (200, json!({ "data": { "run_id": run.to_string() } })));
    let detail = wait(&engine, run, |detail| detail.run.status == RunStatus::Completed).await;
    assert_eq!(output(&detail), json!({ "by": "Ada" }));
    assert_eq!(post(&address, approval()).await.0, 404, "it is delivered once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_signal_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Bench::default());
    let address = serve(&engine, Keys { event: None, signing: Some("signing".to_owned()) }).await;
    let large = json!({ "signal": "a", "data": "x".repeat(crate::limits::EVENT_BYTES_MAX) }).to_string();
    let long = json!({ "signal": "x".repeat(crate::limits::SIGNAL_NAME_BYTES_MAX + 1) }).to_string();
    for (body, status) in [
        ("signal".to_owned(), 400),
        ("{}".to_owned(), 400),
        (json!({ "signal": "" }).to_string(), 400),
        (long, 400),
        (large, 413),
        (json!({ "signal": "a" }).to_string(), 404),
    ] {
        let answer = post(&address, body.clone()).await;
        assert_eq!(answer.0, status, "{answer:?}");
        assert!(answer.1["error"].is_string(), "{answer:?}");
    }
    let closed = serve(&engine, Keys { event: None, signing: Some("other".to_owned()) }).await;
    assert_eq!(post(&closed, r#"{"signal": "a"}"#).await.0, 401);
}
