//! A vendor's delivery becomes an event, a run and a notification, once.

use crate::process::{Answer, Program, Worker, directory, eventually};

const SECRET: (&str, &str) = ("GITHUB_WEBHOOK_SECRET", "github-test-secret");
const SIGNATURE: &str = "sha256=cde9e38e88a1774d8d5f64d3f4548eb107a4d4a0917f87aaa8911ded5a50188b";
const BODY: &str = r#"{"action":"completed","workflow_run":{"id":987654321,"name":"CI","run_number":42,"run_attempt":1,"workflow_id":1234,"event":"push","status":"completed","conclusion":"success","html_url":"https://github.com/acme/widgets/actions/runs/987654321","jobs_url":"https://api.github.com/repos/acme/widgets/actions/runs/987654321/jobs","logs_url":"https://api.github.com/repos/acme/widgets/actions/runs/987654321/logs","head_branch":"main","head_sha":"0123456789abcdef0123456789abcdef01234567","actor":{"login":"octocat"},"head_repository":{"full_name":"acme/widgets"},"created_at":"2025-01-02T03:04:05Z","updated_at":"2025-01-02T03:14:05Z"},"repository":{"full_name":"acme/widgets","html_url":"https://github.com/acme/widgets"},"workflow":{"id":1234,"name":"CI"},"sender":{"login":"octocat"}}"#;
const KEY: &str = "github-workflow-run-completed-72d3162e-cc78-11e3-81ab-4c9367dc0958-987654321";

fn deliver(worker: &Worker, signature: &str, body: &[u8]) -> Answer {
    let headers = [
        ("x-hub-signature-256", signature),
        ("x-github-event", "workflow_run"),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
    ];
    worker.http("POST", "/webhooks/github", &headers, body)
}

/// How many runs the webhook has started; time tables and the start have their own.
fn runs(worker: &Worker) -> usize {
    let runs = worker.json(&["runs", "--count", "1000"]);
    let runs = runs.as_array().expect("a list").iter();
    runs.filter(|run| run["event_name"] == "github/workflow_run.completed").count()
}

#[test]
fn a_signed_delivery_becomes_its_runs_and_one_notification() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[SECRET]);
    let answer = deliver(&worker, SIGNATURE, BODY.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!((answer.json()["ok"].clone(), answer.json()["events"].clone()), (true.into(), 1.into()));
    let id = answer.json()["ids"][0].as_str().expect("an id").to_owned();
    let why = eventually("its runs complete", || {
        let why = worker.json(&["why", &id]);
        let fates = why["fates"].as_array().expect("a list");
        fates.iter().all(|fate| fate["run_status"] == "Completed").then_some(why)
    });
    assert_eq!(why["event"]["id"], KEY);
    let fates = why["fates"].as_array().expect("a list");
    let functions: Vec<_> = fates.iter().filter_map(|fate| fate["function_id"].as_str()).collect();
    assert_eq!(
        functions,
        ["github-workflow-run-completed-notify", "webhook-subscription-dispatch-github-workflow-run-completed"]
    );
    let run = worker.json(&["run", fates[0]["run_id"].as_str().expect("a run id")]);
    assert_eq!(run["event_data"]["repository"], "acme/widgets");
    let notifications = worker.json(&["notifications"]);
    assert_eq!(notifications.as_array().map(Vec::len), Some(1));
    assert_eq!(notifications[0]["source"], "inngest/github/workflow_run.completed");

    let again = deliver(&worker, SIGNATURE, BODY.as_bytes());
    assert_eq!((again.status, again.json()["ids"][0].clone()), (200, id.as_str().into()));
    assert_eq!(again.json()["duplicate"], true);
    assert_eq!(worker.json(&["inbox"])[0]["repeats"], 1);
    assert_eq!(worker.json(&["why", KEY])["event"]["repeats"], 0, "what comes again is no event");
    assert_eq!(runs(&worker), 2, "a delivery that comes again starts nothing");
    assert!(!worker.log().contains("acme/widgets"), "event data is not logged");
}

#[test]
fn a_wrong_signature_leaves_nothing() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[SECRET]);
    let wrong = SIGNATURE.replace("sha256=c", "sha256=d");
    deliver(&worker, &wrong, BODY.as_bytes()).refuses(401, "the signature is missing, wrong or too old");
    deliver(&worker, &format!("{SIGNATURE}00"), BODY.as_bytes())
        .refuses(401, "the signature is missing, wrong or too old");
    deliver(&worker, SIGNATURE, format!("{BODY} ").as_bytes())
        .refuses(401, "the signature is missing, wrong or too old");
    worker
        .http("POST", "/webhooks/github", &[], BODY.as_bytes())
        .refuses(401, "the signature is missing, wrong or too old");
    assert_eq!(runs(&worker), 0);
    worker.get(&format!("/v1/events/{KEY}")).refuses(404, KEY);
}

#[test]
fn the_order_of_refusals_is_kept() {
    let data = directory();
    let worker =
        Worker::start(Program::Application, data.path(), &[("GITHUB_WEBHOOK_SECRET", "It's a Secret to Everybody")]);
    worker.post("/webhooks/nobody", "x").refuses(404, "`nobody`");
    // GitHub's own example: signed well, but not JSON.
    let documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    deliver(&worker, documented, b"Hello, World!").refuses(400, "not JSON");
    let announced = [("content-length", "26214401")];
    worker.http("POST", "/webhooks/github", &announced, b"").refuses(413, "26214400");
}

#[test]
fn a_webhook_without_its_secret_is_closed() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[]);
    deliver(&worker, SIGNATURE, BODY.as_bytes()).refuses(503, "`github` is closed");
}

#[test]
fn a_delivery_that_concerns_nobody_is_taken_and_forgotten() {
    let data = directory();
    let worker = Worker::start(Program::Application, data.path(), &[SECRET]);
    let body = r#"{"zen":"Keep it simple."}"#;
    let signature = "sha256=305067d81a403068f283489f7964f5ad49578a6b8e9e6344e39d6c766ab12e31";
    let headers = [("x-hub-signature-256", signature), ("x-github-event", "ping")];
    let answer = worker.http("POST", "/webhooks/github", &headers, body.as_bytes());
    assert_eq!((answer.status, answer.json()["events"].clone()), (200, 0.into()));
    assert_eq!(answer.json()["note"], "no matching events");
}
