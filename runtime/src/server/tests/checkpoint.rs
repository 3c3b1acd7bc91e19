//! Checkpoints (`SDK_SPEC.md` §10).

use super::*;

const PATH: &str = "/v1/checkpoint/01M85SND76GCJSYQQ4TQBKSF4E/async";

fn names(got: &Got) -> Vec<String> {
    let steps = got.json()["steps"].as_array().expect("is a list").clone();
    steps.iter().map(|step| step["name"].as_str().expect("is text").to_owned()).collect()
}

#[tokio::test]
async fn every_result_is_sent_before_the_next_step_by_default() {
    let bench = Bench::with(&[("INNGEST_DEV", "1")]).await;
    let answer = bench.calls("chain", first().checkpointed()).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!(6)));
    let sent = bench.server.got(PATH);
    assert_eq!(sent.iter().map(names).collect::<Vec<_>>(), [["a"], ["b"], ["c"]]);
    let body = sent[0].json();
    assert_eq!((&body["run_id"], &body["fn_id"], &body["qi_id"]), (&json!(RUN), &json!("f1"), &json!("q1")));
    assert_eq!((&body["request_id"], &body["generation_id"]), (&json!("r1"), &json!(3)));
    assert_eq!((&body["steps"][0]["op"], &body["steps"][0]["data"]), (&json!("StepRun"), &json!(1)));
    assert!(body["request_started_at"].as_i64().is_some_and(|millis| millis > 0));
}

#[tokio::test]
async fn a_server_that_offers_no_checkpoints_gets_none() {
    let bench = Bench::with(&[("INNGEST_DEV", "1")]).await;
    assert_eq!(bench.calls("chain", first()).await.operations(), [("StepRun".to_owned(), "a".to_owned())]);
    assert!(bench.server.got(PATH).is_empty());
}

#[tokio::test]
async fn what_is_buffered_goes_into_the_last_answer_with_the_output() {
    let bench = Bench::dev().await;
    let answer = bench.calls("eager", first().checkpointed()).await;
    let op = |op: &str, name: &str| (op.to_owned(), name.to_owned());
    assert_eq!(answer.operations(), [op("StepRun", "a"), op("StepRun", "b"), op("RunComplete", "")]);
    assert_eq!(answer.reports()[2]["data"], 3);
    assert!(bench.server.got(PATH).is_empty());
}

#[tokio::test]
async fn a_checkpoint_that_is_refused_falls_back_to_the_answer() {
    let bench = Bench::with(&[("INNGEST_DEV", "1")]).await;
    bench.server.answers(PATH, 409, json!({ "error": "stale" }));
    let answer = bench.calls("chain", first().checkpointed()).await;
    assert_eq!(answer.operations(), [("StepRun".to_owned(), "a".to_owned())]);
    assert_eq!(bench.server.got(PATH).len(), 1);
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again() {
    let bench = Bench::with(&[("INNGEST_DEV", "1")]).await;
    bench.server.answers(PATH, 503, "").answers(PATH, 200, "");
    let answer = bench.calls("chain", first().checkpointed()).await;
    assert_eq!(answer.json(), json!(6));
    assert_eq!(bench.server.got(PATH).len(), 4);
}

#[tokio::test]
async fn the_fallback_key_is_used_from_then_on() {
    let bench =
        Bench::with(&[("INNGEST_DEV", "1"), ("INNGEST_SIGNING_KEY", KEY), ("INNGEST_SIGNING_KEY_FALLBACK", OLD_KEY)])
            .await;
    bench.server.answers(PATH, 401, "").answers(PATH, 200, "");
    let text = first().checkpointed().json().to_string();
    let answer =
        bench.post("?fnId=app-chain&stepId=step", &[("x-inngest-signature", &signed(KEY, &text))], &text).await;
    assert_eq!(answer.json(), json!(6));
    let bearers: Vec<String> =
        bench.server.got(PATH).iter().map(|got| got.header("authorization").to_owned()).collect();
    let bearer = |key: &str| SigningKey::parse(key).expect("is a key").bearer();
    assert_eq!(bearers, [bearer(KEY), bearer(OLD_KEY), bearer(OLD_KEY), bearer(OLD_KEY)]);
}

#[tokio::test]
async fn a_step_that_must_wait_ends_the_call_after_what_is_buffered_is_sent() {
    let bench = Bench::with(&[("INNGEST_DEV", "1"), ("INNGEST_CHECKPOINTING", "performant")]).await;
    let answer = bench.calls("naps", first().checkpointed()).await;
    assert_eq!(answer.operations(), [("Sleep".to_owned(), "nap".to_owned())]);
    assert_eq!(bench.server.got(PATH).iter().map(names).collect::<Vec<_>>(), [["before"]]);
}

#[tokio::test]
async fn a_function_that_fails_later_keeps_its_steps() {
    let bench = Bench::dev().await;
    let answer = bench.calls("eager-then-fails", first().checkpointed()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["message"].clone()), (500, json!("not yet")));
    assert_eq!(bench.server.got(PATH).iter().map(names).collect::<Vec<_>>(), [["a"]]);
    bench.server.answers(PATH, 400, "");
    let answer = bench.calls("eager-then-fails", first().checkpointed()).await;
    assert_eq!(answer.operations(), [("StepRun".to_owned(), "a".to_owned())]);
}

#[tokio::test]
async fn a_result_is_not_held_back_for_longer_than_the_interval() {
    let bench = Bench::dev().await;
    let server = bench.server.clone();
    let watch = async {
        // The second step ends only once the first one is at the server.
        server.waits_for(PATH, 1).await;
        functions::GO_ON.notify_one();
    };
    let (answer, ()) = tokio::join!(bench.calls("timed", first().checkpointed()), watch);
    let op = |op: &str, name: &str| (op.to_owned(), name.to_owned());
    assert_eq!(answer.operations(), [op("StepRun", "b"), op("RunComplete", "")]);
}

#[tokio::test]
async fn a_call_that_has_gone_on_for_long_enough_asks_to_be_called_again() {
    let bench = Bench::dev().await;
    let answer = bench.calls("short-calls", first().checkpointed()).await;
    assert_eq!(answer.operations(), [("DiscoveryRequest".to_owned(), String::new())]);
    assert_eq!(bench.server.got(PATH).iter().map(names).collect::<Vec<_>>(), [["a"]]);
    // The step that is next in line is always executed, or there would be no end to it.
    let again = first().remembers("a", json!({ "data": 1 })).checkpointed();
    assert_eq!(bench.calls("short-calls", again).await.operations()[0].1, "b");
}

#[tokio::test]
async fn a_planned_step_has_no_checkpoint() {
    let bench = Bench::with(&[("INNGEST_DEV", "1")]).await;
    let answer = bench.calls("parallel", first().targets("a").checkpointed()).await;
    assert_eq!(answer.operations(), [("StepRun".to_owned(), "a".to_owned())]);
    let answer = bench.calls("chain", first().checkpointed().context("disable_immediate_execution", true)).await;
    assert_eq!(answer.operations(), [("StepPlanned".to_owned(), "a".to_owned())]);
    assert!(bench.server.got(PATH).is_empty());
}
