//! Tells the operator of a call that nobody answered.
//!
//! Starts on `telnyx/call.initiated` and waits 45 s for the same call's `telnyx/call.answered`. The vendor's event id
//! makes the event idempotent; the telephone page is sent once, and the gateway keeps the same notice once, so that
//! steps may be repeated.

use events::notification::NotificationCallRequested;
use events::telnyx::{TelnyxCall, TelnyxCallAnswered, TelnyxCallInitiated};
use system_bus_runtime::prelude::*;

use crate::environment::Environment;
use crate::text::or_unknown;

/// How long the voice worker has to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(45);

/// The number that callers use, as the vendor writes it: `+15555550100`.
const SERVICE_NUMBER: &str = "TELNYX_PHONE_NUMBER";

/// What became of the call.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Call {
    /// Not a call from outside to the service number, or one without a session by which an answer could be known.
    Skipped,
    /// Somebody answered.
    Answered,
    /// Nobody did, and the operator was told.
    Missed {
        /// The caller's number, empty when it is withheld.
        from: String,
        /// The call's session.
        call_session_id: String,
    },
}

/// Tells the operator of a call that nobody answered.
#[inngest_fn(id = "voice-missed-call", event = TelnyxCallInitiated, role = host)]
pub async fn voice_missed_call(
    event: Event<TelnyxCallInitiated>,
    step: Step,
    gateway: Gateway,
    environment: Environment,
) -> Result<Call> {
    let call = &event.data.call;
    // Without a session the wait's condition would compare null with null, and any answered call would do.
    let session = call.call_session_id.as_deref().filter(|session| !session.is_empty());
    let (Some(session), Some("incoming")) = (session, call.direction.as_deref()) else {
        return Ok(Call::Skipped);
    };
    // The number itself stays out of the stored result.
    let is_for_us = step.run("lease-voice-did", async { is_for_service(call, &environment) }).await?;
    if !is_for_us {
        return Ok(Call::Skipped);
    }

    let answer = step
        .wait_for_event::<TelnyxCallAnswered>("wait-for-answer")
        .matching("event.data.call_session_id == async.data.call_session_id")
        .timeout(ANSWER_TIMEOUT)
        .await;
    match answer {
        Ok(Some(_)) => return Ok(Call::Answered),
        // The session matched, so the call was answered, whatever else the event holds.
        Err(error) if error.is_decode() => return Ok(Call::Answered),
        Err(error) => return Err(error.into()),
        Ok(None) => {}
    }

    let from = call.from.clone().unwrap_or_default();
    let message = format!("missed call from {}: not answered within {} s", or_unknown(&from), ANSWER_TIMEOUT.as_secs());
    step.send_event("page-joel", NotificationCallRequested { message: message.clone(), to: None }).await?;
    let notice = Notice { prompt: &message, priority: "urgent" };
    step.run("notify-gateway-urgent", gateway.notify("voice.call.missed", notice)).await?;
    Ok(Call::Missed { from, call_session_id: session.to_owned() })
}

/// What the gateway shows.
#[derive(Serialize)]
struct Notice<'a> {
    prompt: &'a str,
    priority: &'static str,
}

/// Whether the call goes to the service number, and does not come from there.
fn is_for_service(call: &TelnyxCall, environment: &Environment) -> Result<bool> {
    let number = environment.require(SERVICE_NUMBER)?;
    let number = Some(number.trim());
    Ok(call.to.as_deref() == number && call.from.as_deref() != number)
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::testing::Harness;

    use super::*;

    const NUMBER: &str = "+15555550100";

    fn call() -> TelnyxCall {
        TelnyxCall {
            call_session_id: Some("s-1".to_owned()),
            direction: Some("incoming".to_owned()),
            from: Some("+15555550199".to_owned()),
            to: Some(NUMBER.to_owned()),
            ..TelnyxCall::default()
        }
    }

    fn initiated(call: TelnyxCall) -> TelnyxCallInitiated {
        TelnyxCallInitiated { call, ..TelnyxCallInitiated::default() }
    }

    fn harness(call: TelnyxCall) -> Harness {
        Harness::of::<voice_missed_call>().event(initiated(call)).service(Environment::of([(SERVICE_NUMBER, NUMBER)]))
    }

    fn answered() -> TelnyxCallAnswered {
        let call = TelnyxCall { call_session_id: Some("s-1".to_owned()), ..TelnyxCall::default() };
        TelnyxCallAnswered { call, ..TelnyxCallAnswered::default() }
    }

    #[tokio::test]
    async fn a_missed_call_pages_the_operator_and_tells_the_gateway() {
        let report = harness(call()).time_out("wait-for-answer").run().await;
        assert_eq!(report.steps, ["lease-voice-did", "wait-for-answer", "page-joel", "notify-gateway-urgent"]);
        let message = "missed call from +15555550199: not answered within 45 s".to_owned();
        let expected = NotificationCallRequested { message: message.clone(), to: None };
        assert_eq!(report.sent::<NotificationCallRequested>(), [expected]);
        assert_eq!(report.notified(), ["voice.call.missed"]);
        assert_eq!(report.notifications[0].payload, serde_json::json!({ "prompt": message, "priority": "urgent" }));
        let missed = Call::Missed { from: "+15555550199".to_owned(), call_session_id: "s-1".to_owned() };
        assert_eq!(report.value::<Call>(), Ok(missed));
    }

    #[tokio::test]
    async fn an_answered_call_is_nobody_s_business() {
        let report = harness(call()).answer_wait("wait-for-answer", Some(answered())).run().await;
        assert_eq!(report.value::<Call>(), Ok(Call::Answered));
        assert!(report.sent_events.is_empty() && report.notifications.is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_does_not_decode_is_still_an_answer() {
        let odd = serde_json::json!({ "call_session_id": "s-1", "to": ["+15555550100"] });
        let report = harness(call()).answer_wait_with("wait-for-answer", odd).run().await;
        assert_eq!(report.value::<Call>(), Ok(Call::Answered));
    }

    #[tokio::test]
    async fn other_calls_are_skipped_without_waiting() {
        let skipped = |call, steps: &'static [&'static str]| async move {
            let report = harness(call).run().await;
            assert_eq!(report.value::<Call>(), Ok(Call::Skipped));
            assert_eq!(report.steps, steps);
        };
        skipped(TelnyxCall { call_session_id: None, ..call() }, &[]).await;
        skipped(TelnyxCall { call_session_id: Some(String::new()), ..call() }, &[]).await;
        skipped(TelnyxCall { direction: Some("outgoing".to_owned()), ..call() }, &[]).await;
        skipped(TelnyxCall { direction: None, ..call() }, &[]).await;
        skipped(TelnyxCall { to: Some("+15555550111".to_owned()), ..call() }, &["lease-voice-did"]).await;
        skipped(TelnyxCall { to: None, ..call() }, &["lease-voice-did"]).await;
        skipped(TelnyxCall { from: Some(NUMBER.to_owned()), ..call() }, &["lease-voice-did"]).await;
    }

    #[tokio::test]
    async fn a_withheld_number_is_called_unknown() {
        let call = TelnyxCall { from: None, ..call() };
        let report = harness(call).time_out("wait-for-answer").run().await;
        let [page] = &report.sent::<NotificationCallRequested>()[..] else { panic!("one page") };
        assert_eq!(page.message, "missed call from unknown: not answered within 45 s");
    }

    #[tokio::test]
    async fn without_a_service_number_the_run_fails_and_says_why() {
        let nothing = Environment::of::<String, String>([]);
        let report = Harness::of::<voice_missed_call>().event(initiated(call())).service(nothing).run().await;
        let error = report.output.expect_err("fails");
        assert_eq!(error.message(), "the environment variable `TELNYX_PHONE_NUMBER` is not set");
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness(call()).time_out("wait-for-answer").check_all().await;
        harness(call()).answer_wait("wait-for-answer", Some(answered())).check_all().await;
    }
}
