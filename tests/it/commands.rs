//! Each command: its JSON, its exit status, what it says when it cannot do what was asked.

use serde_json::{Value, json};

use crate::process::{Outcome, Program, Worker, directory, eventually};

fn offline(arguments: &[&str]) -> Outcome {
    Program::Fixture.run(arguments, &[])
}

fn ids(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| item[key].as_str().expect("text").to_owned()).collect()
}

#[test]
fn the_registry_is_shown_without_a_worker() {
    let functions = offline(&["functions", "--json"]).json();
    assert_eq!(
        ids(&functions, "id"),
        [
            "fixture-chain",
            "fixture-disk",
            "fixture-disk-failure",
            "fixture-large-order",
            "fixture-program",
            "fixture-question",
            "fixture-sale"
        ]
    );
    let events = offline(&["events", "--json"]).json();
    assert!(ids(&events, "name").contains(&"fixture/order.placed".to_owned()));
    let manifest = offline(&["manifest"]).json();
    assert_eq!((&manifest["functions"], &manifest["events"]), (&functions, &events));
    let table = offline(&["functions"]);
    assert!(table.stdout.contains("fixture/order.placed if event.data.amount > 100"), "{}", table.stdout);
    assert!(!table.stdout.contains('\u{1b}'), "no colours into a pipe");
    assert_eq!((table.status, offline(&["events"]).status), (0, 0));
}

#[test]
fn the_application_has_the_manifest_of_its_build() {
    let manifest = Program::Application.run(&["manifest"], &[]).json();
    let files = ids(&manifest["functions"], "file");
    assert!(!files.is_empty() && files.iter().all(|file| file.starts_with("functions/src/")), "{files:?}");
    let live = Program::Application.run(&["functions", "--json"], &[]).json();
    assert_eq!(live, manifest["functions"]);
}

#[test]
fn schemas_come_in_three_formats() {
    let schema = offline(&["schema"]).json();
    assert!(schema["$defs"]["fixture/order.placed"]["properties"]["amount"].is_object());
    assert_eq!(offline(&["schema", "--format", "asyncapi"]).json()["asyncapi"], "3.0.0");
    let typescript = offline(&["schema", "--format", "typescript"]);
    assert!(typescript.stdout.contains("amount: number;"), "{typescript:?}");
    assert!(offline(&["schema", "--format", "typescript", "--json"]).json()["typescript"].is_string());
    assert_eq!(offline(&["schema", "--format", "cobol"]).status, 2);
}

#[test]
fn wrong_use_is_status_2() {
    for arguments in [
        &["nonsense"][..],
        &["run"],
        &["send", "fixture/order.placed"],
        &["send", "fixture/order.placed", "--data", "{"],
        &["send", "fixture/order.placed", "--data", "{}", "--id", ""],
        &["runs", "--status", "odd"],
        &["runs", "--count", "0"],
        &["runs", "--url", "nowhere"],
    ] {
        let outcome = offline(arguments);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome:?}");
    }
    for arguments in [&["--help"][..], &["send", "--help"], &["--version"]] {
        assert_eq!(offline(arguments).status, 0);
    }
    assert!(offline(&["send", "--help"]).stdout.contains("Examples:"));
}

#[test]
fn a_worker_that_is_not_there_is_one_line() {
    // Port 1 is never ours.
    for arguments in [&["runs"][..], &["run", "x"], &["why", "x"], &["cancel", "x"], &["notifications"]] {
        Program::Fixture.run(arguments, &[("PORT", "1")]).fails(
            1,
            &["cannot reach the worker at http://127.0.0.1:1 (connection refused): start it with `system-bus` or pass --url"],
        );
    }
}

#[test]
fn send_says_what_runs() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let sent = worker.json(&["send", "fixture/order.placed", "--data", r#"{"amount":500}"#, "--id", "order-1"]);
    assert_eq!((&sent["functions"], &sent["repeated"]), (&json!(["fixture-large-order"]), &json!(false)));
    assert_eq!(sent["fates"][0]["fate"], "run");
    let again = worker.run(&["send", "fixture/order.placed", "--data", r#"{"amount":500}"#, "--id", "order-1"]);
    assert!(again.stdout.contains("nothing new was started"), "{again:?}");
    assert!(again.stdout.contains(&format!("why {}", sent["event_id"].as_str().expect("an id"))));
    assert_eq!(worker.json(&["runs"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn send_takes_data_from_a_file_and_from_stdin() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let file = data.path().join("order.json");
    std::fs::write(&file, " {\"amount\": 300}\n").expect("a file");
    let argument = format!("@{}", file.display());
    assert_eq!(worker.run(&["send", "fixture/order.placed", "--data", &argument]).status, 0);
    let arguments = ["send", "fixture/order.placed", "--data", "-", "--url", &worker.url];
    assert_eq!(Program::Fixture.run_with_input(&arguments, &[], r#"{"amount":400}"#).status, 0);
    assert_eq!(worker.json(&["runs"]).as_array().map(Vec::len), Some(2));
    worker.run(&["send", "fixture/order.placed", "--data", "@/nowhere/at-all"]).fails(1, &["`/nowhere/at-all`"]);
}

#[test]
fn send_refuses_what_would_do_nothing() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let send = |name: &str, data: &str| worker.run(&["send", name, "--data", data]);
    send("fixture/order.place", r#"{"amount":500}"#).fails(1, &["did you mean `fixture/order.placed`?"]);
    send("fixture/order.placed", r#"{"amount":"many"}"#).fails(1, &["`amount`", "expected u32"]);
    send("fixture/order.placed", r#"{"amount":5}"#).fails(1, &["`event.data.amount > 100`", "--allow-unhandled"]);
    send("fixture/nothing.happened", "{}").fails(1, &["no function runs", "--allow-unhandled"]);
    let arguments = ["send", "fixture/nothing.happened", "--data", "{}", "--allow-unhandled"];
    let id = worker.json(&arguments)["event_id"].as_str().expect("an id").to_owned();
    assert!(worker.run(&["why", &id]).stdout.contains("no function handles this"));
    assert_eq!(worker.json(&["why", &id])["fates"], json!([]));
    let unknown = worker.run(&["send", "somebody/else.spoke", "--data", "{}", "--allow-unhandled"]);
    assert_eq!(unknown.status, 0, "{unknown:?}");
    assert_eq!(worker.json(&["runs"]), json!([]));
}

#[test]
fn send_notices_a_worker_of_another_role() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[("WORKER_ROLE", "cluster")]);
    let arguments = ["send", "fixture/order.placed", "--data", r#"{"amount":500}"#];
    worker.run(&arguments).fails(1, &["nothing runs", "`fixture-large-order`", "`WORKER_ROLE`"]);
    let arguments = [&arguments[..], &["--url", &worker.url]].concat();
    let told = Program::Fixture.run(&arguments, &[("WORKER_ROLE", "cluster")]);
    told.fails(1, &["no function runs", "nothing was sent"]);
}

#[test]
fn why_names_the_condition_that_did_not_hold() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let arguments =
        ["send", "fixture/order.placed", "--data", r#"{"amount":5}"#, "--allow-unhandled", "--id", "small/order"];
    assert_eq!(worker.run(&arguments).status, 0);
    let fates = worker.json(&["why", "small/order"]);
    assert_eq!(fates["fates"][0]["fate"], "filtered out");
    assert_eq!(fates["fates"][0]["detail"], "event.data.amount > 100");
    worker.run(&["why", "nothing-of-this-id"]).fails(1, &["`nothing-of-this-id`"]);
}

#[test]
fn a_waiting_run_says_for_what_and_can_be_cancelled() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let sent = worker.json(&["send", "fixture/question.asked", "--data", r#"{"customer":"ada"}"#]);
    let id = sent["fates"][0]["run_id"].as_str().expect("a run").to_owned();
    let run = eventually("the run waits", || {
        let run = worker.json(&["run", &id]);
        run["waiting_for"].is_string().then_some(run)
    });
    assert_eq!((&run["status"], &run["waiting_for"]), (&json!("Running"), &json!("step `answer`")));
    let shown = worker.run(&["run", &id]).stdout;
    assert!(shown.contains("waits for") && shown.contains("wait for event") && shown.contains("until "), "{shown}");
    assert_eq!(ids(&worker.json(&["runs", "--status", "running"]), "run_id"), [id.as_str()]);
    assert_eq!(worker.json(&["cancel", &id])["status"], "Cancelled");
    assert_eq!(worker.json(&["run", &id])["status"], "Cancelled");
    worker.run(&["cancel", &id]).fails(1, &["has ended already: Cancelled"]);
    worker.run(&["cancel", "01J9ZK4V6G8Q0R2T4W6Y8A0C2E"]).fails(1, &["no run has the id"]);
    worker.run(&["run", "odd"]).fails(1, &["`odd` is not a run id"]);
}

#[test]
fn an_event_that_is_only_awaited_can_be_sent() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let sent = worker.json(&["send", "fixture/question.asked", "--data", r#"{"customer":"ada"}"#]);
    let id = sent["fates"][0]["run_id"].as_str().expect("a run").to_owned();
    eventually("the run waits", || worker.json(&["run", &id])["waiting_for"].is_string().then_some(()));
    let answer = worker.run(&["send", "fixture/question.answered", "--data", r#"{"customer":"ada"}"#]);
    assert!(answer.stdout.contains("runs of fixture-question may wait for it"), "{answer:?}");
    let run = eventually("the run ends", || {
        let run = worker.json(&["run", &id]);
        (run["status"] == "Completed").then_some(run)
    });
    assert_eq!(run["output"], true);
}

#[test]
fn a_failed_run_shows_its_error_and_no_control_characters() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let sent = worker.json(&["send", "fixture/failure.requested", "--data", "{}"]);
    let id = sent["fates"][0]["run_id"].as_str().expect("a run").to_owned();
    eventually("the run fails", || (worker.json(&["run", &id])["status"] == "Failed").then_some(()));
    let why = worker.run(&["why", sent["event_id"].as_str().expect("an id")]);
    assert!(why.stdout.contains("is gone") && !why.stdout.contains('\u{1b}'), "{why:?}");
    let run = worker.run(&["run", &id]);
    assert!(run.stdout.contains("error") && run.stdout.contains("Failed") && !run.stdout.contains('\u{1b}'), "{run:?}");
    assert_eq!(worker.json(&["runs", "--status", "failed", "--count", "1"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_failed_run_and_the_run_of_its_failure_handler_name_each_other() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    let sent = worker.json(&["send", "fixture/failure.requested", "--data", "{}"]);
    let failed = sent["fates"][0]["run_id"].as_str().expect("a run").to_owned();
    let handled = eventually("the failure handler has run", || {
        let handled = worker.json(&["run", &failed])["failure_handled_by"][0].clone();
        (handled["status"] == "Completed").then_some(handled)
    });
    assert_eq!(handled["function_id"], "fixture-disk-failure");
    let handler = handled["run_id"].as_str().expect("an id");
    let run = worker.json(&["run", handler]);
    assert_eq!((&run["failure_of"], &run["output"]), (&json!(failed), &json!(failed)));
    let fates = worker.json(&["why", sent["event_id"].as_str().expect("an id")]);
    let shown: Vec<_> =
        fates["fates"].as_array().expect("a list").iter().map(|fate| (&fate["function_id"], &fate["fate"])).collect();
    assert_eq!(
        shown,
        [(&json!("fixture-disk"), &json!("run")), (&json!("fixture-disk-failure"), &json!("failure handler"))]
    );
    for (id, other) in [(failed.as_str(), handler), (handler, failed.as_str())] {
        let shown = worker.run(&["run", id]).stdout;
        assert!(shown.contains(other), "{shown}");
    }
    assert!(worker.run(&["why", &failed]).stdout.contains(handler), "the event of the failure has the id of the run");
    assert!(offline(&["functions"]).stdout.contains("failure of fixture-disk"));
}

#[test]
fn notifications_are_listed() {
    let data = directory();
    let worker = Worker::start(Program::Fixture, data.path(), &[]);
    assert!(worker.run(&["notifications"]).stdout.contains("no notifications yet"));
    assert!(worker.run(&["runs"]).stdout.contains("no runs yet"));
    for amount in [200, 300] {
        worker.json(&["send", "fixture/order.placed", "--data", &json!({ "amount": amount }).to_string()]);
    }
    let all = eventually("both are there", || {
        let all = worker.json(&["notifications"]);
        (all.as_array().map(Vec::len) == Some(2)).then_some(all)
    });
    assert_eq!((&all[0]["type"], &all[0]["payload"]), (&json!("order.large"), &json!({ "detail": 300 })));
    assert_eq!(worker.json(&["notifications", "--count", "1"]).as_array().map(Vec::len), Some(1));
    let table = worker.run(&["notifications"]).stdout;
    assert!(table.contains("inngest/fixture/order.placed") && table.contains("delivered"), "{table}");
}
