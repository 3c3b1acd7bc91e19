//! What is too large, or no event, is refused with the right status, and nothing of it is kept.

use crate::process::{Program, Worker, directory};

fn event(bytes: usize) -> String {
    format!(r#"{{"name":"fixture/order.placed","data":{{"amount":500,"note":"{}"}}}}"#, "a".repeat(bytes))
}

#[test]
fn a_bad_request_starts_nothing() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    worker.post("/e/key", "").refuses(400, "empty");
    worker.post("/e/key", "amount=5").refuses(400, "not JSON");
    worker.post("/e/key", "5").refuses(400, "not an event");
    worker.post("/e/key", r#"{"data":{}}"#).refuses(400, "name");
    worker.post("/e/key", r#"{"name":"inngest/x"}"#).refuses(400, "belong to the engine");
    worker.post("/e/key", r#"{"name":"fixture/order.place","data":{}}"#).refuses(400, "`fixture/order.placed`?");
    worker.post("/e/key", r#"{"name":"fixture/order.placed","data":{"amount":"x"}}"#).refuses(400, "`amount`");
    worker.post("/e/key", r#"{"name":"fixture/order.placed","data":[]}"#).refuses(400, "object");
    // One bad event spoils the whole request.
    worker.post("/e/key", &format!("[{},{{\"data\":{{}}}}]", event(1))).refuses(400, "name");
    assert_eq!(worker.json(&["runs"]), serde_json::json!([]));
}

#[test]
fn sizes_are_bounded() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    worker.post("/e/key", &event(513 * 1024)).refuses(413, "524288");
    worker.post("/e/key", &event(11 * 1024 * 1024)).refuses(413, "10485760");
    let many = format!("[{}]", vec![event(440); 10_000].join(","));
    assert!(many.len() > 5_000_000);
    worker.post("/e/key", &many).refuses(413, "5000");
    assert_eq!(worker.json(&["runs"]), serde_json::json!([]));
    assert_eq!(worker.post("/e/key", &event(511 * 1024)).status, 200);
}

#[test]
fn a_query_that_does_not_fit_is_refused_as_json() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    worker.get("/v1/runs?limit=many").refuses(400, "limit");
    worker.get("/v1/runs?status=odd").refuses(400, "odd");
    worker.get("/v1/events/%ff").refuses(400, "UTF-8");
    worker.get("/v1/runs/odd").refuses(400, "26 characters");
}
