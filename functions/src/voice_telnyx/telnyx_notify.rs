//! Calls the operator by telephone and says something, and writes a text message when nobody answers.
//!
//! Starts on `notification/call.requested`. Neither a call nor a message can be made idempotent at Telnyx: a worker
//! that dies between the two and the note of it calls or writes again, which is better than never. A call is tried
//! again once only, because the message stands behind it. When neither reaches the operator the run fails, so that
//! somebody sees it.

use events::notification::NotificationCallRequested;
use system_bus_runtime::prelude::*;

use crate::clients::telnyx::Telnyx;
use crate::environment::Environment;
use crate::text::excerpt;

/// The environment variable with the operator's number, such as `+15555550199`.
const OPERATOR_NUMBER: &str = "JOEL_PHONE_NUMBER";

/// How long the telephone may ring.
const RINGING: Duration = Duration::from_secs(30);

/// What fits into ten parts of a text message, and is still said within a minute or so.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// How the operator was reached.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reached {
    /// The call.
    pub call: Call,
    /// The text message; none when the call was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

/// What became of the call.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Telnyx's id of it; none when it could not be placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_sid: Option<String>,
    /// Whether somebody is known to have answered.
    pub answered: bool,
    /// Why it could not be placed, or why nobody knows what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What became of the text message.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Telnyx's id of it.
    pub id: String,
    /// Whether our number is set up for text messages; none when that could not be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_enabled: Option<bool>,
}

/// Calls the operator by telephone and says something, and writes a text message when nobody answers.
#[inngest_fn(
    id = "telnyx-notify",
    name = "Operator: telephone, then text message",
    event = NotificationCallRequested,
    role = host,
)]
pub async fn telnyx_notify(
    event: Event<NotificationCallRequested>,
    step: Step,
    telnyx: Telnyx,
    environment: Environment,
) -> Result<Reached> {
    let text = excerpt(&event.data.message, MESSAGE_CHARS_MAX);
    if text.is_empty() {
        return Err(Error::terminal("there is nothing to say: send `message` with a text"));
    }
    let asked = event.data.to.as_deref();
    // The numbers themselves stay out of the stored result.
    let check = async {
        telnyx.check_settings().await?;
        number(asked, &environment).map(drop)
    };
    step.run("load-config", check).await?;

    let place = async { telnyx.call(&number(asked, &environment)?, &text).await };
    let call = match step.run("place-call", place).retries(1).await {
        Err(error) => Call { call_sid: None, answered: false, failure: Some(error.message) },
        Ok(call_sid) => {
            step.sleep("wait-for-answer", RINGING).await;
            let answered = step.run("check-call-status", telnyx.is_answered(&call_sid)).retries(1).await;
            let failure = answered.as_ref().err().map(|error| error.message.clone());
            Call { call_sid: Some(call_sid), answered: answered.unwrap_or(false), failure }
        }
    };
    if call.answered {
        return Ok(Reached { call, message: None });
    }

    // Only what a refusal may come from: the message is tried whatever this says.
    let sms_enabled = step.run("check-sms-enabled", telnyx.can_send_messages()).retries(0).await.ok();
    let write = async { telnyx.send_message(&number(asked, &environment)?, &text).await };
    match step.run("send-sms", write).await {
        Ok(id) => Ok(Reached { call, message: Some(Message { id, sms_enabled }) }),
        Err(error) => {
            let called = call.failure.as_deref().unwrap_or("nobody answered");
            let enabled = sms_enabled.map_or("unknown", |enabled| if enabled { "yes" } else { "no" });
            Err(Error::terminal(format!(
                "the operator was not reached: call: {called}; text message: {error} (number set up for it: {enabled})"
            )))
        }
    }
}

/// Whom to reach: who was asked for, or else the operator.
fn number(asked: Option<&str>, environment: &Environment) -> Result<String> {
    match asked.map(str::trim).filter(|asked| !asked.is_empty()) {
        Some(asked) => Ok(asked.to_owned()),
        None => environment.require(OPERATOR_NUMBER).map(|number| number.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;
    use system_bus_runtime::testing::Harness;

    use super::*;
    use crate::clients::vendor::{Answer, Request, Vendor, secrets};

    const VARIABLES: [(&str, &str); 4] = [
        ("TELNYX_CONNECTION_ID", "149"),
        ("TELNYX_PHONE_NUMBER", "+15555550100"),
        ("TELNYX_ACCOUNT_SID", "61bf923e"),
        (OPERATOR_NUMBER, "+15555550199"),
    ];

    const CALL: &str = "POST /texml/calls/149";
    const STATUS: &str = "GET /texml/Accounts/61bf923e/Calls/v3:1";
    const NUMBERS: &str = "GET /phone_numbers/messaging?filter%5Bphone_number%5D=%2B15555550100";
    const MESSAGE: &str = "POST /messages";

    /// Telnyx, where each call comes to this, and where what `refused` names is refused.
    fn answer(request: &Request, status: &str, refused: &[&str]) -> Answer {
        match request.line().as_str() {
            line if refused.contains(&line) => {
                Answer::json(&json!({ "errors": [{ "code": "10015" }] })).status(StatusCode::UNPROCESSABLE_ENTITY)
            }
            CALL => Answer::json(&json!({ "call_sid": "v3:1", "status": "queued" })),
            STATUS => Answer::json(&json!({ "sid": "v3:1", "status": status })),
            NUMBERS => Answer::json(&json!({ "data": [{ "messaging_profile_id": "p-1" }] })),
            MESSAGE => Answer::json(&json!({ "data": { "id": "m-1" } })),
            _ => Answer::empty(StatusCode::NOT_FOUND),
        }
    }

    async fn vendor(status: &'static str, refused: &'static [&'static str]) -> Vendor {
        Vendor::start(move |request| answer(request, status, refused)).await
    }

    fn telnyx(vendor: &Vendor) -> Telnyx {
        Telnyx::new(vendor.base(), secrets([("TELNYX_API_KEY", "KEY1")]), Environment::of(VARIABLES))
    }

    fn harness(vendor: &Vendor) -> Harness {
        Harness::of::<telnyx_notify>()
            .event(NotificationCallRequested { message: "the house\nis on fire".to_owned(), to: None })
            .service(telnyx(vendor))
            .service(Environment::of(VARIABLES))
    }

    #[tokio::test]
    async fn an_answered_call_is_enough() {
        let vendor = vendor("in-progress", &[]).await;
        let report = harness(&vendor).run().await;
        assert_eq!(report.steps, ["load-config", "place-call", "wait-for-answer", "check-call-status"]);
        assert_eq!(vendor.lines(), [CALL, STATUS]);
        let call = &vendor.requests()[0].body;
        assert_eq!(call["To"], "+15555550199");
        assert!(call["Texml"].as_str().is_some_and(|texml| texml.contains(">the house is on fire</Say>")));
        let call = Call { call_sid: Some("v3:1".to_owned()), answered: true, failure: None };
        assert_eq!(report.value::<Reached>(), Ok(Reached { call, message: None }));
    }

    #[tokio::test]
    async fn a_call_that_nobody_answers_becomes_a_text_message() {
        let vendor = vendor("no-answer", &[]).await;
        let report = harness(&vendor).run().await;
        assert_eq!(vendor.lines(), [CALL, STATUS, NUMBERS, MESSAGE]);
        let expected =
            json!({ "from": "+15555550100", "to": "+15555550199", "text": "the house is on fire", "type": "SMS" });
        assert_eq!(vendor.requests()[3].body, expected);
        let reached = report.value::<Reached>().expect("is reached");
        assert!(!reached.call.answered);
        assert_eq!(reached.message, Some(Message { id: "m-1".to_owned(), sms_enabled: Some(true) }));
    }

    #[tokio::test]
    async fn a_call_that_cannot_be_placed_becomes_a_text_message_at_once() {
        let vendor = vendor("ringing", &[CALL]).await;
        let report = harness(&vendor).run().await;
        assert_eq!(report.steps, ["load-config", "place-call", "check-sms-enabled", "send-sms"]);
        let reached = report.value::<Reached>().expect("is reached");
        assert!(reached.call.failure.is_some_and(|failure| failure.starts_with("`telnyx` answered 422")));
        assert!(reached.message.is_some());
    }

    #[tokio::test]
    async fn a_call_of_which_nobody_knows_becomes_a_text_message() {
        let vendor = vendor("ringing", &[STATUS]).await;
        let reached = harness(&vendor).run().await.value::<Reached>().expect("is reached");
        assert_eq!((reached.call.call_sid.as_deref(), reached.call.answered), (Some("v3:1"), false));
        assert!(reached.call.failure.is_some() && reached.message.is_some());
    }

    #[tokio::test]
    async fn what_is_known_of_our_number_stops_no_message() {
        let vendor = vendor("busy", &[NUMBERS]).await;
        let reached = harness(&vendor).run().await.value::<Reached>().expect("is reached");
        assert_eq!(reached.message, Some(Message { id: "m-1".to_owned(), sms_enabled: None }));
    }

    #[tokio::test]
    async fn an_operator_who_was_not_reached_is_a_failure() {
        let vendor = vendor("busy", &[MESSAGE]).await;
        let error = harness(&vendor).run().await.output.expect_err("nobody was reached");
        assert!(!error.is_retryable());
        let start = "the operator was not reached: call: nobody answered; text message: `telnyx` answered 422";
        assert!(error.message().starts_with(start), "{error}");
        assert!(error.message().ends_with("(number set up for it: yes)"), "{error}");
        assert!(!error.message().contains("+1555"), "{error}");
    }

    #[tokio::test]
    async fn another_number_is_called_instead() {
        let vendor = vendor("completed", &[]).await;
        let to = Some(" +15555550123 ".to_owned());
        let harness = Harness::of::<telnyx_notify>()
            .event(NotificationCallRequested { message: "hello".to_owned(), to })
            .service(telnyx(&vendor))
            .service(Environment::of::<String, String>([]));
        assert!(harness.run().await.output.is_ok());
        assert_eq!(vendor.requests()[0].body["To"], "+15555550123");
    }

    #[tokio::test]
    async fn what_is_missing_is_said_before_anything_rings() {
        let vendor = vendor("ringing", &[]).await;
        let bare = Harness::of::<telnyx_notify>()
            .event(NotificationCallRequested { message: "hello".to_owned(), to: None })
            .service(telnyx(&vendor))
            .service(Environment::of::<String, String>([]));
        let error = bare.run().await.output.expect_err("no number");
        assert_eq!(error.message(), "the environment variable `JOEL_PHONE_NUMBER` is not set");
        let silent = Harness::of::<telnyx_notify>()
            .event(NotificationCallRequested { message: " \n".to_owned(), to: None })
            .service(telnyx(&vendor))
            .service(Environment::of(VARIABLES));
        assert!(silent.run().await.output.is_err());
        assert!(vendor.requests().is_empty());
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness(&vendor("in-progress", &[]).await).check_all().await;
        harness(&vendor("no-answer", &[]).await).check_all().await;
    }
}
