//! Sync requests (`SDK_SPEC.md` §4.3).

use super::*;

#[tokio::test]
async fn a_sync_registers_the_app_at_the_server() {
    let bench = Bench::cloud().await;
    bench.server.answers("/fn/register", 200, json!({ "ok": true, "modified": true }));
    let answer = bench.put("?deployId=d%261", &[("x-inngest-server-kind", "cloud")], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({ "message": "Successfully synced.", "modified": true }));
    assert_eq!(answer.header("x-inngest-sync-kind"), Some("out_of_band"));
    let got = &bench.server.got("/fn/register")[0];
    assert_eq!((got.method.as_str(), got.path.as_str()), ("POST", "/fn/register?deployId=d%261"));
    assert_eq!(got.header("authorization"), SigningKey::parse(KEY).expect("is a key").bearer());
    assert_eq!(got.header("x-inngest-expected-server-kind"), "cloud");
    assert_eq!(got.header("x-inngest-framework"), "axum");
    assert_eq!(got.header("x-inngest-req-version"), "2");
    let payload = got.json();
    assert_eq!(
        (&payload["appName"], &payload["v"], &payload["deployType"]),
        (&json!("app"), &json!("0.1"), &json!("ping"))
    );
    // Never with the id of a deployment, and never an address that a request names.
    assert_eq!(payload["url"], "http://127.0.0.1:3111/api/inngest");
    assert_eq!(got.header("x-inngest-sdk"), payload["sdk"].as_str().expect("is text"));
    assert_eq!(payload["functions"].as_array().map(Vec::len), Some(functions::registry().functions().len()));
}

#[tokio::test]
async fn nothing_new_at_the_server_is_not_modified() {
    let bench = Bench::dev().await;
    bench.server.answers("/fn/register", 200, json!({ "ok": true }));
    assert_eq!(bench.put("", &[], "").await.json()["modified"], false);
    assert_eq!(bench.server.got("/fn/register")[0].path, "/fn/register");
}

#[tokio::test]
async fn the_servers_refusal_is_passed_on() {
    let bench = Bench::dev().await;
    bench.server.answers("/fn/register", 400, json!({ "error": "no functions here" }));
    let answer = bench.put("", &[], "").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json()["modified"], false);
    assert!(answer.json()["message"].as_str().expect("is text").contains("no functions here"));
    let state = bench.serving.keeper().state();
    assert!(!state.is_good() && state.error.is_some_and(|error| error.contains("no functions here")));
}

#[tokio::test]
async fn in_band_the_functions_are_in_the_answer() {
    let bench = Bench::cloud().await;
    let body = json!({ "url": "https://bus.example/x" }).to_string();
    let signature = signed(KEY, &body);
    let headers = [("x-inngest-sync-kind", "in_band"), ("x-inngest-signature", signature.as_str())];
    let answer = bench.put("", &headers, &body).await;
    assert_eq!((answer.status, answer.header("x-inngest-sync-kind")), (StatusCode::OK, Some("in_band")));
    assert!(answer.header("x-inngest-signature").is_some());
    let answer = answer.json();
    assert_eq!((&answer["app_id"], &answer["url"]), (&json!("app"), &json!("https://bus.example/x")));
    assert_eq!(answer["inspection"]["authentication_succeeded"], true);
    let url = answer["functions"][0]["steps"]["step"]["runtime"]["url"].as_str().expect("is text");
    assert!(url.starts_with("https://bus.example/x?fnId=app-"), "{url}");
    assert!(bench.server.got("/fn/register").is_empty());
}

#[tokio::test]
async fn in_band_needs_a_signature_and_an_address() {
    let bench = Bench::cloud().await;
    let in_band = ("x-inngest-sync-kind", "in_band");
    let answer = bench.put("", &[in_band], json!({ "url": "http://x" })).await;
    assert_eq!((answer.status.as_u16(), answer.json()["modified"].clone()), (500, json!(false)));
    let signature = signed(KEY, "{}");
    let answer = bench.put("", &[in_band, ("x-inngest-signature", &signature)], "{}").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json()["message"].as_str().expect("is text").contains("`url`"));
}

#[tokio::test]
async fn in_band_can_be_switched_off() {
    let bench = Bench::with(&[("INNGEST_DEV", "1"), ("INNGEST_ALLOW_IN_BAND_SYNC", "0")]).await;
    let answer = bench.put("", &[("x-inngest-sync-kind", "in_band")], json!({ "url": "http://x" })).await;
    assert_eq!(answer.header("x-inngest-sync-kind"), Some("out_of_band"));
    assert_eq!(bench.server.got("/fn/register").len(), 1);
}
