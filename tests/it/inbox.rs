//! Deliveries rest in the inbox: until the server has them, until the program understands them, across restarts.

use serde_json::{Value, json};
use system_bus_runtime::testing::WebhookHarness;

use crate::process::{Answer, Program, Worker, directory, eventually};
use crate::stub::{Asked, Server};

pub(crate) const SECRET: (&str, &str) = ("FIXTURE_SHOP_SECRET", "shop-secret");

/// A signed delivery of the fixture's shop.
pub(crate) fn deliver(worker: &Worker, id: &str, body: &str) -> Answer {
    let signed = WebhookHarness::of("fixture-shop").secret(SECRET.0, SECRET.1).signed(body);
    let signature = signed[0].1.as_str();
    let headers = [("x-shop-signature", signature), ("x-shop-delivery", id)];
    worker.http("POST", "/webhooks/fixture-shop", &headers, body.as_bytes())
}

/// The names and ids of the events that a server was sent and has accepted.
fn sent(server: &Server) -> Vec<String> {
    let requests = server.asked();
    let events = requests.iter().filter(|asked| asked.line.starts_with("POST /e/")).flat_map(|asked| {
        let events: Value = serde_json::from_str(&asked.body).expect("is JSON");
        events.as_array().cloned().unwrap_or_else(|| vec![events])
    });
    events.map(|event| event["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Takes events as a server does; `accepts` decides for each request by its events.
fn accepting(accepts: impl Fn(&[Value]) -> u16 + Send + 'static) -> Server {
    Server::start(move |asked: &Asked| {
        if !asked.line.starts_with("POST /e/") {
            return (200, r#"{"ok":true,"modified":false}"#.to_owned());
        }
        let events: Vec<Value> = serde_json::from_str(&asked.body).unwrap_or_default();
        match accepts(&events) {
            200 => {
                let ids: Vec<_> = events.iter().map(|event| format!("server-{}", event["id"])).collect();
                (200, json!({ "ids": ids, "status": 200 }).to_string())
            }
            status => (status, json!({ "error": "not now", "status": status }).to_string()),
        }
    })
}

fn states(worker: &Worker) -> Vec<(String, String)> {
    let inbox = worker.json(&["inbox"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = inbox.as_array().expect("a list").iter();
    all.map(|delivery| (text(&delivery["key"]), text(&delivery["state"]))).collect()
}

#[test]
fn deliveries_wait_for_a_server_that_is_down_and_survive_kill_9() {
    let data = directory();
    // Nobody listens at port 1.
    let down = Worker::start(Program::Fixture, data.path(), &[SECRET, ("INNGEST_DEV", "http://127.0.0.1:1")]);
    for number in 1..=3 {
        let answer = deliver(&down, &format!("d-{number}"), &format!(r#"{{"number":{number}}}"#));
        assert_eq!((answer.status, answer.json()["state"].clone()), (200, "waiting".into()), "{answer:?}");
    }
    let status = down.get("/").json();
    assert_eq!(status["webhooks"]["inbox"]["waiting"], 3);
    down.kill();
    let server = accepting(|_| 200);
    let up = Worker::start(Program::Fixture, data.path(), &[SECRET, ("INNGEST_DEV", &server.origin)]);
    eventually("all are handed on", || states(&up).iter().all(|(_, state)| state == "handled").then_some(()));
    assert_eq!(sent(&server), ["sale-1", "sale-2", "sale-3"], "in their order");
    let again = deliver(&up, "d-2", r#"{"number":2}"#);
    assert_eq!((again.status, again.json()["duplicate"].clone()), (200, true.into()));
    let fresh = deliver(&up, "d-4", r#"{"number":4}"#);
    assert_eq!(fresh.status, 200);
    eventually("the new one is handed on at once", || (sent(&server).len() == 4).then_some(()));
    assert_eq!(sent(&server)[3], "sale-4");
}

#[test]
fn a_server_that_is_busy_gets_everything_later() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let refusals = AtomicU32::new(0);
    // The client itself tries five times.
    let server = accepting(move |_| if refusals.fetch_add(1, Ordering::SeqCst) < 7 { 503 } else { 200 });
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[SECRET, ("INNGEST_DEV", &server.origin)]);
    assert_eq!(deliver(&worker, "d-1", r#"{"number":1}"#).json()["state"], "waiting");
    eventually("it is handed on", || (states(&worker) == [("d-1".to_owned(), "handled".to_owned())]).then_some(()));
    let shown = worker.json(&["inbox", "show", "1"]);
    assert_eq!((&shown["problem"], &shown["body"]["number"]), (&Value::Null, &json!(1)));
}

#[test]
fn one_event_that_the_server_refuses_holds_up_no_other() {
    let data = directory();
    let down = Worker::start(Program::Fixture, data.path(), &[SECRET, ("INNGEST_DEV", "http://127.0.0.1:1")]);
    for number in 12..=14 {
        deliver(&down, &format!("d-{number}"), &format!(r#"{{"number":{number}}}"#));
    }
    down.kill();
    let unlucky = |events: &[Value]| events.iter().any(|event| event["data"]["number"] == 13);
    let server = accepting(move |events| if unlucky(events) { 400 } else { 200 });
    let worker = Worker::start(Program::Fixture, data.path(), &[SECRET, ("INNGEST_DEV", &server.origin)]);
    let expected = [("d-14", "handled"), ("d-13", "failed"), ("d-12", "handled")];
    let expected: Vec<_> = expected.iter().map(|(key, state)| ((*key).to_owned(), (*state).to_owned())).collect();
    eventually("each comes to its end", || (states(&worker) == expected).then_some(()));
    let failed = worker.json(&["inbox", "--state", "failed"]);
    assert!(failed[0]["problem"].as_str().is_some_and(|problem| problem.contains("answered 400: not now")), "{failed}");
}

#[test]
fn what_is_not_understood_is_kept_and_replayed_after_a_fix() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[SECRET]);
    let answer = deliver(&worker, "d-1", r#"{"numero":7}"#);
    assert_eq!((answer.status, answer.json()["state"].clone()), (200, "failed".into()), "{answer:?}");
    assert!(worker.log().contains("inbox show 1"), "the log says where to look");
    let listed = worker.run(&["inbox", "--state", "failed"]);
    assert!(listed.stdout.contains("the sale has no number"), "{listed:?}");
    let shown = worker.run(&["inbox", "show", "1"]);
    assert!(shown.stdout.contains(r#"{"numero":7}"#), "{shown:?}");
    let still = worker.run(&["inbox", "replay", "1"]);
    assert_eq!(still.status, 1, "{still:?}");
    assert!(still.stderr.contains("still cannot be turned into events: the sale has no number"), "{still:?}");
    worker.kill();

    let fixed = Worker::start(Program::Fixture, data.path(), &[SECRET, ("FIXTURE_SHOP_VERSION", "2")]);
    let replayed = fixed.json(&["inbox", "replay", "1"]);
    assert_eq!(replayed["state"], "handled");
    let event = replayed["events"][0].as_str().expect("an event").to_owned();
    eventually("its run completes", || {
        (fixed.json(&["why", &event])["fates"][0]["run_status"] == "Completed").then_some(())
    });
    assert_eq!(deliver(&fixed, "d-1", r#"{"numero":7}"#).json()["duplicate"], true);
    fixed.run(&["inbox", "show", "99"]).fails(1, &["no delivery has the number 99"]);
    let wrong = fixed.run(&["inbox", "--state", "lost"]);
    assert_eq!(wrong.status, 2);
    assert!(wrong.stderr.contains("use waiting, handled, ignored or failed"), "{wrong:?}");
}
