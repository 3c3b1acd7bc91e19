//! Web pages of others cannot use a worker on the same machine.

use crate::process::{Program, Worker, directory};

#[test]
fn requests_of_other_pages_are_refused() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let event = br#"{"name":"fixture/order.placed","data":{"amount":500}}"#;
    let origin = [("origin", "https://evil.example")];
    worker.http("POST", "/e/key", &origin, event).refuses(403, "Origin");
    worker.http("GET", "/v1/runs", &origin, b"").refuses(403, "Origin");
    let own = [("origin", worker.url.as_str())];
    assert_eq!(worker.http("POST", "/e/key", &own, event).status, 200);
    assert_eq!(worker.json(&["runs"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn other_host_names_reach_the_webhooks_only() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[("GITHUB_WEBHOOK_SECRET", "secret")]);
    let rebound = [("host", "rebound.example")];
    worker.http("GET", "/", &rebound, b"").refuses(403, "Host");
    worker.http("POST", "/e/key", &rebound, b"{}").refuses(403, "Host");
    worker.http("POST", "/webhooks/github", &rebound, b"{}").refuses(401, "signature");
    assert_eq!(worker.http("GET", "/healthz", &[("host", "localhost:1")], b"").status, 200);
}

#[test]
fn keys_guard_the_engine() {
    let data = directory();
    let keys = [("INNGEST_EVENT_KEY", "event-key"), ("INNGEST_SIGNING_KEY", "signing-key")];
    let worker = Worker::start(Program::Fixture, data.path(), &keys);
    let event = r#"{"name":"fixture/order.placed","data":{"amount":500}}"#;
    worker.post("/e/wrong", event).refuses(401, "key");
    assert_eq!(worker.post("/e/event-key", event).status, 200);
    worker.get("/v1/runs").refuses(401, "key");
    worker.http("GET", "/v1/runs", &[("authorization", "Bearer wrong")], b"").refuses(401, "key");
    worker.run(&["runs"]).fails(1, &["INNGEST_SIGNING_KEY"]);
    let listed = Program::Fixture.run(&["runs", "--json", "--url", &worker.url], &keys);
    assert_eq!(listed.json().as_array().map(Vec::len), Some(1));
    for output in [worker.log(), worker.start.to_string(), worker.get("/").body] {
        assert!(!output.contains("event-key") && !output.contains("signing-key"));
    }
}
