//! Telnyx's webhook: calls and text messages on our numbers.
//!
//! A delivery is signed with Ed25519 over a time and the raw body (developers.telnyx.com, webhook signing); the secret is
//! the account's public key, raw or as a SubjectPublicKeyInfo. Telnyx repeats what was not accepted, also at a second
//! address, in any order and side by side; `data.id` stays the same.

use std::collections::BTreeMap;

use events::telnyx::{TelnyxCallAnswered, TelnyxCallHangup, TelnyxCallInitiated, TelnyxMessageReceived};
use serde_json::value::{RawValue, to_raw_value};
use system_bus_runtime::prelude::*;

/// Turns Telnyx's deliveries into events.
#[webhook_provider(
    id = "telnyx",
    signature(
        ed25519,
        header = "telnyx-signature-ed25519",
        encoding = base64,
        timestamp(header = "telnyx-timestamp", join = "|", tolerance = "5m"),
        secret = "TELNYX_PUBLIC_KEY",
        lease = "telnyx_public_key",
    ),
    delivery_id(body = "/data/id"),
    emits(TelnyxCallInitiated, TelnyxCallAnswered, TelnyxCallHangup, TelnyxMessageReceived),
)]
fn telnyx(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let report = delivery.json::<Body>()?.data.unwrap_or_default();
    let kind = report.event_type.unwrap_or_default();
    let name = match kind.as_str() {
        "call.initiated" => TelnyxCallInitiated::NAME,
        "call.answered" => TelnyxCallAnswered::NAME,
        "call.hangup" => TelnyxCallHangup::NAME,
        "message.received" => TelnyxMessageReceived::NAME,
        _ => return Ok(Vec::new()),
    };
    // To every reader a member that is null is one that is missing.
    let mut data = report.payload.unwrap_or_default();
    data.retain(|_, member| member.get() != "null");
    for (member, text) in [("eventId", report.id), ("occurredAt", report.occurred_at)] {
        match text {
            Some(text) => data.insert(member.to_owned(), to_raw_value(&text)?),
            None => data.remove(member),
        };
    }
    let event = NewEvent::named(name, to_raw_value(&data)?);
    Ok(vec![event.with_id(format!("telnyx-{kind}-{}", delivery.id))])
}

#[derive(Deserialize)]
struct Body {
    data: Option<Report>,
}

#[derive(Default, Deserialize)]
struct Report {
    event_type: Option<String>,
    id: Option<String>,
    occurred_at: Option<String>,
    payload: Option<BTreeMap<String, Box<RawValue>>>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use system_bus_runtime::testing::WebhookHarness;

    /// RFC 8032 §7.1, test 1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const SPKI: &str = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    const NOW: i64 = 1_735_787_045_000;
    const HEADERS: [(&str, &str); 2] = [
        ("telnyx-timestamp", "1735787045"),
        (
            "telnyx-signature-ed25519",
            "1H4COGhHyvvVqqcG9Pf59Y2UIaPJjeyYJqD4sHWvBLff8qOqVGlhn1syyzyunbqVHm6wLLvl/a4ZkQezoZPqBA==",
        ),
    ];
    const BODY: &str = concat!(
        r#"{"data":{"event_type":"message.received","id":"b301ed3f-1490-491f-995f-6e64e69674d4","#,
        r#""occurred_at":"2025-01-02T03:04:05.000+00:00","payload":{"id":"84cca175-9755-4859-b67f-4730d7f58aa3","#,
        r#""direction":"inbound","from":{"phone_number":"+15555550100"},"to":[{"phone_number":"+15555550101"}],"#,
        r#""text":"hello"},"record_type":"event"},"meta":{"attempt":1,"#,
        r#""delivered_to":"https://example.com/webhooks/telnyx"}}"#
    );

    fn telnyx() -> WebhookHarness {
        let mut seed = [0; 32];
        hex::decode_to_slice(SEED, &mut seed).expect("is a seed");
        WebhookHarness::of("telnyx").key_pair("TELNYX_PUBLIC_KEY", seed).at(NOW)
    }

    #[test]
    fn a_message_becomes_its_event() {
        assert!(telnyx().deliver(&HEADERS, BODY).is_ok());
        let (name, key, data) = telnyx().event(&[], BODY);
        assert_eq!(name, "telnyx/message.received");
        assert_eq!(key, "telnyx-message.received-b301ed3f-1490-491f-995f-6e64e69674d4");
        let expected = json!({
            "eventId": "b301ed3f-1490-491f-995f-6e64e69674d4",
            "occurredAt": "2025-01-02T03:04:05.000+00:00",
            "id": "84cca175-9755-4859-b67f-4730d7f58aa3",
            "direction": "inbound",
            "from": { "phone_number": "+15555550100" },
            "to": [{ "phone_number": "+15555550101" }],
            "text": "hello",
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn what_only_resembles_a_delivery_is_refused() {
        telnyx().check_refusals(&HEADERS, BODY);
    }

    #[test]
    fn a_public_key_has_two_forms() {
        let verified = |key: &str| telnyx().secret("TELNYX_PUBLIC_KEY", key).deliver(&HEADERS, BODY).is_ok();
        assert!(verified(KEY));
        assert!(verified(SPKI));
        for key in
            [&KEY[1..], &KEY[..43], &SPKI[4..], "AAAA", "not base64", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
        {
            assert!(!verified(key), "{key}");
        }
    }

    #[test]
    fn each_kind_of_interest_has_its_event() {
        for kind in ["call.initiated", "call.answered", "call.hangup"] {
            let body = json!({
                "data": {
                    "event_type": kind,
                    "id": "e-1",
                    "payload": {
                        "call_session_id": "s-1",
                        "call_control_id": "v3:abc",
                        "direction": "incoming",
                        "from": "+15555550100",
                        "to": "+15555550101",
                        "client_state": null,
                        "hangup_cause": "normal_clearing",
                        "custom_headers": [{ "name": "X-Id", "value": "1" }],
                        "connection_id": "7267xxxxxxxxxxxxxx",
                    },
                },
            });
            let (name, key, data) = telnyx().event(&[], body.to_string());
            assert_eq!(name, format!("telnyx/{kind}"));
            assert_eq!(key, format!("telnyx-{kind}-e-1"));
            let expected = json!({
                "eventId": "e-1",
                "call_session_id": "s-1",
                "call_control_id": "v3:abc",
                "direction": "incoming",
                "from": "+15555550100",
                "to": "+15555550101",
                "hangup_cause": "normal_clearing",
                "custom_headers": [{ "name": "X-Id", "value": "1" }],
                "connection_id": "7267xxxxxxxxxxxxxx",
            });
            assert_eq!(data, expected);
        }
    }

    #[test]
    fn other_kinds_become_nothing() {
        for kind in ["message.sent", "message.finalized", "call.bridged", "call", "", "constructor", "CALL.HANGUP"] {
            let body = json!({ "data": { "event_type": kind, "id": "e-1", "payload": {} } }).to_string();
            assert!(telnyx().events(&[], &body).is_empty(), "{body}");
        }
        for body in ["{}", r#"{"data":null}"#, r#"{"data":{}}"#, r#"{"data":{"event_type":null}}"#] {
            assert!(telnyx().events(&[], body).is_empty(), "{body}");
        }
    }

    #[test]
    fn missing_and_null_members_are_left_out() {
        for body in [
            r#"{"data":{"event_type":"call.hangup","id":"e-1"}}"#,
            r#"{"data":{"event_type":"call.hangup","id":"e-1","occurred_at":null,"payload":null}}"#,
            r#"{"data":{"event_type":"call.hangup","id":"e-1","payload":{"from":null,"eventId":"forged"}}}"#,
        ] {
            assert_eq!(telnyx().event(&[], body).2, json!({ "eventId": "e-1" }), "{body}");
        }
        let media =
            r#"{"data":{"event_type":"message.received","payload":{"to":null,"media":null,"eventId":"forged"}}}"#;
        assert_eq!(telnyx().event(&[], media).2, json!({}));
    }

    #[test]
    fn numbers_and_order_of_a_payload_stay_as_they_are() {
        let body = r#"{"data":{"event_type":"call.hangup","payload":{"big":12345678901234567890123,"small":1.0}}}"#;
        let events = telnyx().events(&[], body);
        assert_eq!(events[0].data.get(), r#"{"big":12345678901234567890123,"small":1.0}"#);
    }

    #[test]
    fn a_report_without_an_id_is_known_by_its_body() {
        let key = |text: &str| {
            let body = json!({ "data": { "event_type": "message.received", "payload": { "text": text } } });
            telnyx().event(&[], body.to_string()).1
        };
        assert!(key("a").starts_with("telnyx-message.received-body-"));
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("b"));
    }

    #[test]
    fn a_payload_that_does_not_fit_is_refused_with_the_reason() {
        let problem = |payload: Value| {
            telnyx().problem(&[], json!({ "data": { "event_type": "call.hangup", "payload": payload } }).to_string())
        };
        let unfit = problem(json!({ "from": 7 }));
        assert!(unfit.contains("`telnyx/call.hangup` does not fit its schema: invalid type"), "{unfit}");
        assert!(problem(json!([1])).contains("data.payload"));
    }
}
