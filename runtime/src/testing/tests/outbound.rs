//! Signals and requests: answered from the script, recorded in the report.

use serde_json::{Value, json};

use super::*;
use crate::function::{RunId, StepKind};
use crate::outbound::{FetchRequest, FetchResponse, InferRequest};
use crate::testing::{Harness, HarnessError, SentSignal};

/// Asks a model about a page, and tells whoever waits for it.
async fn summarizes(step: Step) -> Result<String> {
    let page = step.fetch("page", FetchRequest::get("https://a.example/page").header("x-key", "k")).await?;
    let body = json!({"model": "m", "prompt": page.body});
    let answer: Value = step.ai().infer("ask", InferRequest::openai_chat("s3cret", body)).await?;
    let told = step.send_signal("tell", "summary", &answer["text"]).await?;
    let Some(next) = step.wait_for_signal::<String>("next", "next-page").await? else {
        return Ok("nothing next".to_owned());
    };
    Ok(format!("{next} {}", told.run_id.is_some()))
}

fn answered() -> Harness {
    Harness::closure(summarizes)
        .answer_fetch("page", FetchResponse::new(200, "long"))
        .answer_infer("ask", json!({"text": "short"}))
        .answer_signal("next", "page-2")
}

#[tokio::test]
async fn the_script_answers_and_the_report_holds_what_was_asked() {
    let report = answered().run().await;
    assert_eq!(report.value::<String>().unwrap(), "page-2 false");
    assert_eq!(report.sent_signals, [SentSignal { signal: "summary".to_owned(), data: json!("short") }]);
    assert_eq!((report.fetched[0].url(), &*report.fetched[0].headers()["x-key"]), ("https://a.example/page", "k"));
    assert_eq!(report.inferred[0].body().get(), r#"{"model":"m","prompt":"long"}"#);
    assert_eq!(report.inferred[0].auth_key().expose(), "s3cret");
}

#[tokio::test]
async fn a_signal_may_be_received_and_a_wait_for_one_may_time_out() {
    let received = answered().answer_send_signal("tell", RunId(ulid::Ulid::from_parts(1, 1))).run().await;
    assert_eq!(received.value::<String>().unwrap(), "page-2 true");
    assert_eq!(received.sent_signals.len(), 1);
    assert_eq!(answered().time_out("next").run().await.value::<String>().unwrap(), "nothing next");
}

#[tokio::test]
async fn each_may_be_failed() {
    for step in ["page", "ask", "tell", "next"] {
        let report = answered().fail_step(step, Error::terminal("no").named("NoError")).run().await;
        assert_eq!(report.output.unwrap_err().name(), "NoError");
        assert_eq!(report.sent_signals.len(), usize::from(step == "next"), "{step}");
    }
}

#[tokio::test]
async fn a_function_with_them_survives_all_checks() {
    answered().check_all().await;
}

#[tokio::test]
async fn a_missing_answer_names_the_remedy() {
    for (name, kind, remedy, harness) in [
        ("page", StepKind::Fetch, "`answer_fetch`", Harness::closure(summarizes)),
        (
            "ask",
            StepKind::Infer,
            "`answer_infer`",
            Harness::closure(summarizes).answer_fetch("page", FetchResponse::new(200, "")),
        ),
        (
            "next",
            StepKind::WaitForSignal,
            "`answer_signal`",
            Harness::closure(async |step: Step| step.wait_for_signal::<u8>("next", "n").await.map(|_| ())),
        ),
    ] {
        let problem = harness.try_run().await.unwrap_err();
        assert_eq!(problem, HarnessError::NoAnswer { step: name.to_owned(), kind });
        assert!(problem.to_string().contains(remedy), "{problem}");
    }
}
