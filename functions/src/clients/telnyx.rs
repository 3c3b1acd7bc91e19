//! Calls and text messages through the telephone company Telnyx (developers.telnyx.com, API v2).

use system_bus_runtime::function::Context;
use system_bus_runtime::prelude::*;

use super::api::{Api, secrets};
use crate::environment::Environment;

const BASE: &str = "https://api.telnyx.com/v2";

/// The account's key.
const KEY: SecretSource = SecretSource { variables: &["TELNYX_API_KEY"], lease: Some("telnyx_api_key") };

/// The environment variable with the id of the TeXML application that calls.
const CONNECTION: &str = "TELNYX_CONNECTION_ID";

/// The environment variable with the account's id; without it nobody knows whether a call was answered.
const ACCOUNT: &str = "TELNYX_ACCOUNT_SID";

/// The environment variable with the number that calls and writes, such as `+15555550100`.
const NUMBER: &str = "TELNYX_PHONE_NUMBER";

/// Calls and writes. Call it inside a step.
#[derive(Clone)]
pub struct Telnyx {
    api: Api,
    environment: Environment,
}

/// A call that was placed.
#[derive(Deserialize)]
struct Placed {
    call_sid: String,
}

#[derive(Deserialize)]
struct CallStatus {
    #[serde(default)]
    status: Option<String>,
}

/// Most answers are wrapped so.
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct SentMessage {
    id: String,
}

#[derive(Deserialize)]
struct NumberSettings {
    #[serde(default)]
    messaging_profile_id: Option<String>,
}

impl Telnyx {
    /// Telnyx at another address, with the key among these secrets and the numbers of this environment.
    pub fn new(base: impl Into<String>, secrets: Secrets, environment: Environment) -> Self {
        Self { api: Api::new("telnyx", base, KEY, secrets), environment }
    }

    /// Fails, and says what is missing, when neither a call nor a message can be sent.
    pub async fn check_settings(&self) -> Result<()> {
        self.api.check_token().await?;
        [CONNECTION, NUMBER].into_iter().try_for_each(|name| self.environment.require(name).map(drop))
    }

    /// Calls `to` and says `text` once; the id of the call, which is only queued then
    /// (`POST /texml/calls/{connection_id}`). Telnyx knows no key that makes it idempotent.
    pub async fn call(&self, to: &str, text: &str) -> Result<String> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct NewCall<'a> {
            from: &'a str,
            to: &'a str,
            texml: String,
        }
        let connection = self.environment.require(CONNECTION)?;
        let from = self.environment.require(NUMBER)?;
        let texml = format!(r#"<Response><Say voice="alice">{}</Say><Hangup/></Response>"#, escaped(text));
        let call = NewCall { from: from.trim(), to, texml };
        let placed: Placed = self.api.post(&["texml", "calls", connection.trim()], &call).await?;
        Ok(placed.call_sid)
    }

    /// Whether somebody has answered the call; false also when the account's id is not set, because only the account's
    /// list of calls tells (`GET /texml/Accounts/{account_sid}/Calls/{call_sid}`).
    pub async fn is_answered(&self, call_sid: &str) -> Result<bool> {
        let Some(account) = self.environment.find(ACCOUNT) else { return Ok(false) };
        let path = ["texml", "Accounts", account.trim(), "Calls", call_sid];
        let call: CallStatus = self.api.get(&path, &[]).await?;
        // `ringing`, `canceled`, `failed`, `busy` and `no-answer` are the others.
        Ok(matches!(call.status.as_deref(), Some("in-progress" | "completed")))
    }

    /// Whether our number can send text messages (`GET /phone_numbers/messaging`).
    pub async fn can_send_messages(&self) -> Result<bool> {
        let number = self.environment.require(NUMBER)?;
        let query = [("filter[phone_number]", number.trim())];
        let numbers: Data<Vec<NumberSettings>> = self.api.get(&["phone_numbers", "messaging"], &query).await?;
        Ok(numbers.data.iter().any(|number| number.messaging_profile_id.is_some()))
    }

    /// Sends a text message; its id (`POST /messages`). Telnyx knows no key that makes it idempotent.
    pub async fn send_message(&self, to: &str, text: &str) -> Result<String> {
        #[derive(Serialize)]
        struct NewMessage<'a> {
            from: &'a str,
            to: &'a str,
            text: &'a str,
            #[serde(rename = "type")]
            kind: &'static str,
        }
        let from = self.environment.require(NUMBER)?;
        let message = NewMessage { from: from.trim(), to, text, kind: "SMS" };
        let sent: Data<SentMessage> = self.api.post(&["messages"], &message).await?;
        Ok(sent.data.id)
    }
}

impl FromContext for Telnyx {
    fn from_context(context: &Context) -> Result<Self> {
        let own = || Ok(Self::new(BASE, secrets(context)?, Environment::from_context(context)?));
        context.service().or_else(|_: Error| own())
    }
}

/// Text within an XML element.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // XML has no way to write these.
            control if control.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::clients::vendor::{Answer, Vendor, secrets};

    const VARIABLES: [(&str, &str); 3] =
        [(CONNECTION, "1494404757140276705"), (NUMBER, "+15555550100\n"), (ACCOUNT, "61bf923e")];

    const KEY: [(&str, &str); 1] = [("TELNYX_API_KEY", "KEY1")];

    fn telnyx(vendor: &Vendor) -> Telnyx {
        Telnyx::new(format!("{}/v2", vendor.base()), secrets(KEY), Environment::of(VARIABLES))
    }

    #[tokio::test]
    async fn a_call_says_its_text_and_hangs_up() {
        let vendor = Vendor::start(|_| {
            Answer::json(&json!({
                "call_sid": "v3:call-control-id",
                "from": "+15555550100",
                "to": "+15555550199",
                "status": "queued",
            }))
        })
        .await;
        let sid = telnyx(&vendor).call("+15555550199", "5 < 6 & \"so\"\u{7} on").await.expect("is placed");
        assert_eq!(sid, "v3:call-control-id");
        let [request] = &vendor.requests()[..] else { panic!("one request") };
        assert_eq!(request.line(), "POST /v2/texml/calls/1494404757140276705");
        assert_eq!(request.header("authorization"), "Bearer KEY1");
        assert_eq!(request.header("content-type"), "application/json");
        let expected = json!({
            "From": "+15555550100",
            "To": "+15555550199",
            "Texml": "<Response><Say voice=\"alice\">5 &lt; 6 &amp; \"so\"  on</Say><Hangup/></Response>",
        });
        assert_eq!(request.body, expected);
    }

    #[tokio::test]
    async fn a_call_is_answered_once_somebody_talks_or_has_talked() {
        for (status, answered) in [
            ("ringing", false),
            ("in-progress", true),
            ("completed", true),
            ("no-answer", false),
            ("busy", false),
            ("failed", false),
            ("canceled", false),
        ] {
            let vendor = Vendor::start(move |_| {
                Answer::json(&json!({ "account_sid": "61bf923e", "sid": "v3:x", "status": status, "duration": "11" }))
            })
            .await;
            assert_eq!(telnyx(&vendor).is_answered("v3:x").await.expect("is answered"), answered, "{status}");
            assert_eq!(vendor.lines(), ["GET /v2/texml/Accounts/61bf923e/Calls/v3:x"]);
        }
    }

    #[tokio::test]
    async fn without_the_account_nobody_knows_and_nobody_is_asked() {
        let vendor = Vendor::start(|_| Answer::empty(StatusCode::NOT_FOUND)).await;
        let telnyx = Telnyx::new(vendor.base(), secrets(KEY), Environment::of(VARIABLES[..2].iter().copied()));
        assert!(!telnyx.is_answered("v3:x").await.expect("is no failure"));
        assert!(vendor.requests().is_empty());
    }

    #[tokio::test]
    async fn a_number_with_a_messaging_profile_can_send_messages() {
        for (profile, able) in [(json!("3fa85f64-5717-4562-b3fc-2c963f66afa6"), true), (json!(null), false)] {
            let vendor = Vendor::start(move |_| {
                let number = json!({ "phone_number": "+15555550100", "messaging_profile_id": profile });
                Answer::json(&json!({ "data": [number], "meta": { "total_pages": 1 } }))
            })
            .await;
            assert_eq!(telnyx(&vendor).can_send_messages().await.expect("is answered"), able);
            assert_eq!(vendor.lines(), ["GET /v2/phone_numbers/messaging?filter%5Bphone_number%5D=%2B15555550100"]);
        }
        let vendor = Vendor::start(|_| Answer::json(&json!({ "data": [] }))).await;
        assert!(!telnyx(&vendor).can_send_messages().await.expect("is answered"));
    }

    #[tokio::test]
    async fn a_message_goes_from_our_number() {
        let vendor = Vendor::start(|_| {
            Answer::json(&json!({
                "data": {
                    "record_type": "message",
                    "direction": "outbound",
                    "id": "40385f64-5717-4562-b3fc-2c963f66afa6",
                    "type": "SMS",
                    "to": [{ "phone_number": "+15555550199", "status": "queued" }],
                },
            }))
        })
        .await;
        let id = telnyx(&vendor).send_message("+15555550199", "hello").await.expect("is sent");
        assert_eq!(id, "40385f64-5717-4562-b3fc-2c963f66afa6");
        let [request] = &vendor.requests()[..] else { panic!("one request") };
        assert_eq!(request.line(), "POST /v2/messages");
        let expected = json!({ "from": "+15555550100", "to": "+15555550199", "text": "hello", "type": "SMS" });
        assert_eq!(request.body, expected);
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let with = |variables: &[(&'static str, &'static str)]| {
            Telnyx::new("http://localhost", secrets(KEY), Environment::of(variables.iter().copied()))
        };
        assert!(with(&VARIABLES).check_settings().await.is_ok());
        for missing in [CONNECTION, NUMBER] {
            let rest: Vec<_> = VARIABLES.into_iter().filter(|(name, _)| *name != missing).collect();
            let error = with(&rest).check_settings().await.expect_err("is incomplete");
            assert!(!error.is_retryable());
            assert_eq!(error.message(), format!("the environment variable `{missing}` is not set"));
        }
        let keyless = Telnyx::new("http://localhost", secrets([]), Environment::of(VARIABLES));
        let error = keyless.check_settings().await.expect_err("has no key");
        assert!(error.message().starts_with("`TELNYX_API_KEY` (lease `telnyx_api_key`) is not set"), "{error}");
    }
}
