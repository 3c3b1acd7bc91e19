//! Commands against a server, which here answers what a real one has answered.

use serde_json::{Value, json};

use crate::process::{Outcome, Program};
use crate::stub::{Asked, Server};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../wire/api/", $name, ".json"))
    };
}

impl Server {
    /// A server that knows what the recorded one knew.
    fn recorded() -> Self {
        Self::start(|asked| (200, known(asked).to_owned()))
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Program::Fixture.run(arguments, &[("INNGEST_DEV", &self.origin), ("INNGEST_EVENT_KEY", "key")])
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(outcome.status, 0, "{outcome:?}");
        outcome.json()
    }
}

fn known(asked: &Asked) -> &'static str {
    let line = asked.line.split('?').next().unwrap_or_default();
    match line {
        "POST /v0/gql" if asked.body.contains("apps {") => recorded!("apps"),
        "POST /v0/gql" if asked.body.contains("runTraceSpanOutputByID") => recorded!("run-outputs"),
        "POST /v0/gql" if asked.body.contains("runTrigger") && asked.body.contains("01M85T9P") => {
            recorded!("run-unknown")
        }
        "POST /v0/gql" if asked.body.contains("runTrigger") => recorded!("run-with-steps"),
        "POST /v0/gql" if asked.body.contains("\"after\":null") => recorded!("runs-page-1"),
        "POST /v0/gql" => recorded!("runs-page-2"),
        "POST /e/key" => r#"{"ids":["01M85TXHB3A525VYYYYS7QT95E"],"status":200}"#,
        "GET /v1/events" if asked.line.contains("cursor=") => recorded!("events-none"),
        "GET /v1/events" => recorded!("events"),
        "GET /v1/events/01M85THVWAWCAXB77YZPX6R69Y/runs" => recorded!("event-runs"),
        "GET /v1/runs/01M85THVXVVYZQAD8S2P9Y23P3" => recorded!("run"),
        "GET /v1/runs/01M85T9PBKNRS7Z4VFD1VGFF62" => recorded!("run-unknown-rest"),
        _ => r#"{"error":"there is no such thing","status":404}"#,
    }
}

#[test]
fn runs_are_those_of_the_server() {
    let server = Server::recorded();
    let runs = server.json(&["runs", "--status", "completed"]);
    let runs = runs.as_array().expect("a list");
    assert_eq!(runs.len(), 4, "all pages");
    assert_eq!((&runs[1]["function_id"], &runs[1]["output"]), (&json!("fake-app-steps"), &json!({ "done": [1, 2] })));
    assert_eq!((&runs[1]["steps"], &runs[3]["ended_at"]), (&Value::Null, &Value::Null), "not told, not invented");
    assert!(server.asked()[0].body.contains(r#""status":["COMPLETED"]"#));
    let shown = server.run(&["runs"]).stdout;
    assert!(shown.contains("fake-app-waits") && shown.contains("Running"), "{shown}");
    assert_eq!(server.json(&["runs", "--count", "2"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_run_shows_its_steps() {
    let server = Server::recorded();
    let run = server.json(&["run", "01M85THVXVVYZQAD8S2P9Y23P3"]);
    assert_eq!((&run["status"], &run["event_data"]), (&json!("Completed"), &json!({ "amount": 42 })));
    assert_eq!((&run["steps"], &run["step_details"][0]["output"]), (&json!(4), &json!({ "paid": 42 })));
    let shown = server.run(&["run", "01M85THVXVVYZQAD8S2P9Y23P3"]).stdout;
    assert!(shown.contains("charge") && shown.contains("no paper"), "{shown}");
    server.run(&["run", "01M85T9PBKNRS7Z4VFD1VGFF62"]).fails(1, &["no run has the id `01M85T9PBKNRS7Z4VFD1VGFF62`"]);
    server.run(&["run", "odd"]).fails(1, &["`odd` is not a run id"]);
}

#[test]
fn an_ended_or_unknown_run_is_not_cancelled() {
    let server = Server::recorded();
    server.run(&["cancel", "01M85THVXVVYZQAD8S2P9Y23P3"]).fails(1, &["has ended already: Completed"]);
    server.run(&["cancel", "01M85T9PBKNRS7Z4VFD1VGFF62"]).fails(1, &["no run has the id"]);
    assert!(server.asked().iter().all(|asked| asked.line.starts_with("GET ")), "nothing was deleted");
}

#[test]
fn a_running_run_is_cancelled() {
    let server = Server::start(|asked| match asked.line.as_str() {
        "DELETE /v1/runs/01M85THVXVVYZQAD8S2P9Y23P3" => (200, String::new()),
        _ => (200, recorded!("run").replace("Completed", "Running")),
    });
    let cancelled = server.json(&["cancel", "01M85THVXVVYZQAD8S2P9Y23P3"]);
    assert_eq!(cancelled, json!({ "run_id": "01M85THVXVVYZQAD8S2P9Y23P3", "status": "Cancelled" }));
    assert!(server.asked().iter().any(|asked| asked.line.starts_with("DELETE ")));
}

#[test]
fn why_takes_the_senders_id() {
    let server = Server::recorded();
    let fates = server.json(&["why", "order-42"]);
    assert_eq!(fates["event"]["internal_id"], "01M85THVWAWCAXB77YZPX6R69Y");
    let fates = fates["fates"].as_array().expect("a list");
    assert_eq!((&fates[0]["function_id"], &fates[0]["fate"]), (&json!("fake-app-fails"), &json!("run")));
    assert_eq!(fates[0]["detail"], "the gate is closed");
    // The recorded runs are those of another event, so that this function has none.
    assert_eq!((&fates[1]["function_id"], &fates[1]["fate"]), (&json!("fake-app-steps"), &json!("no run")));
    assert_eq!(fates[1]["detail"], "it runs if event.data.amount > 10");
    server.run(&["why", "order-43"]).fails(1, &["no event has the id `order-43`"]);
}

#[test]
fn send_goes_by_what_the_server_knows() {
    let server = Server::recorded();
    let sent = server.json(&["send", "test/steps", "--data", r#"{"amount":42}"#, "--id", "order-42"]);
    assert_eq!(
        (&sent["event_id"], &sent["functions"]),
        (&json!("01M85TXHB3A525VYYYYS7QT95E"), &json!(["fake-app-steps"]))
    );
    let asked = server.asked().pop().expect("it was sent");
    assert!(asked.headers.contains("x-inngest-event-id-seed: "), "{asked:?}");
    let body: Value = serde_json::from_str(&asked.body).expect("is JSON");
    assert_eq!(body, json!([{ "id": "order-42", "name": "test/steps", "data": { "amount": 42 } }]));
    let send = |name: &str, data: &str| server.run(&["send", name, "--data", data]);
    send("test/steps", r#"{"amount":5}"#).fails(1, &["`fake-app-steps` wants `event.data.amount > 10`"]);
    send("fixture/order.placed", r#"{"amount":500}"#)
        .fails(1, &["does not know `system-bus-fixture-large-order`", "`system-bus refresh`"]);
    send("fixture/order.placed", r#"{"amount":"many"}"#).fails(1, &["`amount`", "expected u32"]);
    send("somebody/else.spoke", "{}").fails(1, &["unknown event"]);
    assert!(send("test/stop", "{}").stdout.contains("runs of fake-app-waits may wait for it"));
    let sent = server.asked().iter().filter(|asked| asked.line.starts_with("POST /e/")).count();
    assert_eq!(sent, 2, "what is refused is not sent");
    let arguments = ["send", "somebody/else.spoke", "--data", "{}", "--allow-unhandled"];
    assert!(server.run(&arguments).stdout.contains("no function handles this"));
}

#[test]
fn functions_tell_what_the_server_does_not_know() {
    let functions = Server::recorded().json(&["functions"]);
    let find = |id: &str| functions.as_array().expect("a list").iter().find(|function| function["id"] == id).cloned();
    let theirs = find("fake-app-steps").expect("is registered");
    assert_eq!((&theirs["registered"], &theirs["linked"]), (&json!(true), &json!(false)));
    assert_eq!(theirs["triggers"], json!([{ "event": "test/steps", "if": "event.data.amount > 10" }]));
    let ours = find("system-bus-fixture-chain").expect("is linked");
    assert_eq!((&ours["registered"], &ours["linked"], &ours["url"]), (&json!(false), &json!(true), &Value::Null));
}

#[test]
fn a_server_without_lists_says_so() {
    let server = Server::start(|asked| match asked.line.split('?').next() {
        Some("POST /v0/gql") => (404, "404 page not found".to_owned()),
        _ => (200, known(asked).to_owned()),
    });
    for command in ["runs", "functions"] {
        server.run(&[command]).fails(1, &["has no GraphQL", "self-hosted"]);
    }
    let run = server.json(&["run", "01M85THVXVVYZQAD8S2P9Y23P3"]);
    assert_eq!((&run["status"], &run["step_details"]), (&json!("Completed"), &Value::Null));
    let shown = server.run(&["run", "01M85THVXVVYZQAD8S2P9Y23P3"]).stdout;
    assert!(shown.contains("does not tell the steps"), "{shown}");
    let sent = server.run(&["send", "fixture/order.placed", "--data", r#"{"amount":500}"#]);
    assert!(sent.stdout.contains("starts fixture-large-order"), "{sent:?}");
}

#[test]
fn a_server_that_cannot_be_used_is_one_line() {
    Program::Fixture
        .run(&["runs"], &[("INNGEST_DEV", "http://127.0.0.1:1")])
        .fails(1, &["no answer from the server at http://127.0.0.1:1", "`INNGEST_` variables"]);
    Program::Fixture
        .run(&["runs"], &[("INNGEST_BASE_URL", "http://x")])
        .fails(1, &["`INNGEST_SIGNING_KEY` is not set"]);
    Program::Fixture.run(&["runs"], &[("INNGEST_DEVV", "1")]).fails(1, &["did you mean `INNGEST_DEV`?"]);
    Program::Fixture.run(&["runs", "--url", "nowhere"], &[("INNGEST_DEV", "1")]).fails(2, &["address of a server"]);
    let server = Server::start(|_| (401, "Authentication failed".to_owned()));
    let variables = [("INNGEST_BASE_URL", server.origin.as_str()), ("INNGEST_SIGNING_KEY", "aa")];
    Program::Fixture.run(&["runs"], &variables).fails(1, &["does not accept the key", "`INNGEST_SIGNING_KEY`"]);
}

#[test]
fn url_says_where_the_server_is() {
    let server = Server::recorded();
    let outcome = Program::Fixture.run(&["runs", "--url", &server.origin], &[("INNGEST_DEV", "http://127.0.0.1:1")]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
}

#[test]
fn refresh_asks_the_worker() {
    let worker = Server::start(|asked| match asked.line.as_str() {
        "PUT /api/inngest" => (200, r#"{"message":"all well","modified":true}"#.to_owned()),
        "PUT /other/path" => (500, r#"{"message":"the server is away","modified":false}"#.to_owned()),
        _ => (404, r#"{"error":"nothing is served here"}"#.to_owned()),
    });
    let refresh = ["refresh", "--url", &worker.origin];
    // The server's address is not the worker's.
    let server = ("INNGEST_DEV", "http://127.0.0.1:1");
    let outcome = Program::Fixture.run(&refresh, &[server]);
    assert_eq!(outcome.stdout.trim(), "registered, the server has taken changes: all well");
    let outcome = Program::Fixture.run(&[&refresh[..], &["--json"]].concat(), &[]);
    assert_eq!(outcome.json(), json!({ "message": "all well", "modified": true }));
    let elsewhere = [server, ("INNGEST_SERVE_PATH", "/other/path")];
    Program::Fixture.run(&refresh, &elsewhere).fails(1, &["the server is away"]);
    let nowhere = [server, ("INNGEST_SERVE_PATH", "/no/path")];
    Program::Fixture.run(&refresh, &nowhere).fails(1, &["works for no server"]);
}
