//! `/`, `/healthz`, `/readyz`, and the answers to requests that nothing serves.

use crate::process::{Program, Worker, directory};

#[test]
fn the_status_document_comes_from_the_registry() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let status = worker.get("/").json();
    assert_eq!(status["service"], "system-bus");
    assert_eq!(status["status"], "running");
    assert_eq!(status["count"], 7);
    assert_eq!(
        status["functions"],
        serde_json::json!([
            "fixture-chain",
            "fixture-disk",
            "fixture-disk-failure",
            "fixture-large-order",
            "fixture-program",
            "fixture-question",
            "fixture-sale"
        ])
    );
    assert_eq!(status["worker"]["role"], "all");
    assert_eq!(status["worker"]["roleCounts"], serde_json::json!({ "host": 6, "cluster": 6, "active": 7 }));
    assert_eq!(status["worker"]["hasDuplicateFunctionIds"], false);
    assert_eq!(status["events"]["fixture/nothing.happened"], "Nobody is interested.");
    assert_eq!(status["webhooks"]["endpoint"], "/webhooks/:provider");
    assert!(status["worker"]["startedAt"].as_str().is_some_and(|time| time.ends_with('Z')));
}

#[test]
fn providers_say_whether_their_secret_is_set_and_never_what_it_is() {
    for (variables, is_set) in [(&[("GITHUB_WEBHOOK_SECRET", "very-secret")][..], true), (&[], false)] {
        let data = directory();
        let worker = Worker::start(Program::Application, data.path(), variables);
        let status = worker.get("/");
        let providers = status.json()["webhooks"]["providers"].clone();
        let github =
            providers.as_array().and_then(|all| all.iter().find(|provider| provider["id"] == "github").cloned());
        assert_eq!(github.expect("the application has it")["secretSet"], is_set);
        assert!(!status.body.contains("very-secret") && !worker.log().contains("very-secret"));
        assert_eq!(worker.log().contains("the webhook `github` is closed: set `GITHUB_WEBHOOK_SECRET`"), !is_set);
    }
}

#[test]
fn a_browser_gets_a_page() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    let browser = [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
    let page = worker.http("GET", "/", &browser, b"");
    assert!(page.head.contains("content-type: text/html"), "{page:?}");
    assert!(page.head.contains("content-security-policy: default-src 'none'"));
    assert!(page.body.contains("<code>github/workflow_run.completed</code>") && !page.body.contains("<script"));
    let program = worker.http("GET", "/", &[("accept", "application/json, text/html")], b"");
    assert_eq!(program.json()["service"], "system-bus");
}

#[test]
fn health_and_readiness_are_told() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    assert_eq!(worker.get("/healthz").json()["status"], "alive");
    let ready = worker.get("/readyz");
    assert_eq!((ready.status, ready.json()["checks"]["store"].clone()), (200, "open".into()));
}

#[test]
fn what_nothing_serves_is_refused_as_json() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    worker.get("/nowhere").refuses(404, "/nowhere");
    worker.get("/v1/nowhere").refuses(404, "/v1/nowhere");
    for (method, path, allowed) in [
        ("DELETE", "/healthz", "get"),
        ("PUT", "/e/key", "post"),
        ("GET", "/webhooks/github", "post"),
        ("POST", "/v1/runs", "get"),
    ] {
        let answer = worker.http(method, path, &[], b"");
        answer.refuses(405, method);
        assert!(answer.head.contains("allow: ") && answer.head.contains(allowed), "{answer:?}");
    }
}
