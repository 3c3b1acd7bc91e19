//! What Front's deliveries become.

use serde_json::{Value, json};
use system_bus_runtime::testing::WebhookHarness;
use system_bus_runtime::webhook::{Outcome, Received, Refusal};

use super::{HTML_BYTES_MAX, PREVIEW_BYTES_MAX, TEXT_BYTES_MAX};

const NOW: i64 = 1_735_787_045_123;

const RULE_SIGNATURE: (&str, &str) = ("x-front-signature", "SWUddTRZPJpcHekpDnWPI48nGXk=");
const RULE_BODY: &str = concat!(
    r#"{"type":"inbound","id":"evt_55c8c149","emitted_at":1735787045.123,"#,
    r#""conversation":{"id":"cnv_1a2b3c","subject":"Hello"},"target":{"data":{"id":"msg_1q15qmtq","#,
    r#""recipients":[{"role":"from","handle":"ada@example.com","name":"Ada"},"#,
    r#"{"role":"to","handle":"support@example.com"}],"text":"Café / tea?"}}}"#
);
/// The same in another spelling, for which the same signature holds.
const RULE_BODY_SPACED: &str = concat!(
    r#"{ "type": "inbound", "id": "evt_55c8c149", "emitted_at": 1735787045.123, "#,
    r#""conversation": { "id": "cnv_1a2b3c", "subject": "Hello" }, "target": { "data": { "id": "msg_1q15qmtq", "#,
    r#""recipients": [ { "role": "from", "handle": "ada@example.com", "name": "Ada" }, "#,
    r#"{ "role": "to", "handle": "support@example.com" } ], "text": "Caf\u00e9 \/ tea?" } } }"#
);

const TIMESTAMP: (&str, &str) = ("x-front-request-timestamp", "1735787045123");
const APPLICATION_SIGNATURE: (&str, &str) = ("x-front-signature", "Vp3YBKJWoS7Pyr0IHdnBex8TlJiJBdAWCuLc/qTq0yU=");
const APPLICATION_BODY: &str = concat!(
    r#"{"type":"inbound_received","authorization":{"id":"cmp_abc"},"payload":{"id":"evt_77aa","#,
    r#""emitted_at":1735787045.123,"conversation":{"id":"cnv_77aa","subject":"Hi"},"#,
    r#""target":{"data":{"id":"msg_77aa","is_inbound":true,"#,
    r#""recipients":[{"role":"from","handle":"ada@example.com"}],"text":"Hello"}}}}"#
);
const CHALLENGE_SIGNATURE: (&str, &str) = ("x-front-signature", "B6DTVXeogQN2y+oKj25sRZnQsWlLzIIJwPRaQ3g0LkY=");
const CHALLENGE_BODY: &str = r#"{"type":"sync","authorization":{"id":"cmp_abc"}}"#;

fn rule() -> WebhookHarness {
    WebhookHarness::of("front").secret("FRONT_RULES_WEBHOOK_SECRET", "front-rule-secret").at(NOW)
}

fn application() -> WebhookHarness {
    WebhookHarness::of("front").secret("FRONT_APPLICATION_SECRET", "front-app-secret").at(NOW)
}

fn both() -> WebhookHarness {
    rule().secret("FRONT_APPLICATION_SECRET", "front-app-secret")
}

/// The name and data of what a rule's delivery becomes.
fn of_rule(body: &Value) -> (String, Value) {
    let (name, _, data) = rule().event(&[], body.to_string());
    (name, data)
}

/// The name and data of what an application's delivery becomes.
fn of_application(kind: &str, payload: &Value) -> (String, Value) {
    let (name, _, data) = application().event(&[], json!({ "type": kind, "payload": payload }).to_string());
    (name, data)
}

/// The data of a message with these members.
fn message(data: &Value) -> Value {
    let body =
        json!({ "type": "inbound", "id": "evt_1", "conversation": { "id": "cnv_1" }, "target": { "data": data } });
    of_rule(&body).1
}

#[test]
fn a_rules_message_becomes_its_event() {
    for body in [RULE_BODY, RULE_BODY_SPACED] {
        let received = both().deliver(&[RULE_SIGNATURE], body);
        let Ok(Received::Delivery { id, outcome: Outcome::Events(events), .. }) = received else {
            panic!("{received:?}")
        };
        assert_eq!(id, "evt_55c8c149");
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!(event.name, "front/message.received");
        assert_eq!(event.id.as_deref(), Some("front-inbound-evt_55c8c149-1735787045.123"));
        let data: Value = serde_json::from_str(event.data.get()).expect("is JSON");
        let expected = json!({
            "conversationId": "cnv_1a2b3c",
            "messageId": "msg_1q15qmtq",
            "from": "ada@example.com",
            "fromName": "Ada",
            "to": ["support@example.com"],
            "subject": "Hello",
            "body": "",
            "bodyPlain": "Café / tea?",
            "preview": "Café / tea?",
            "isInbound": true,
            "attachmentCount": 0,
        });
        assert_eq!(data, expected);
    }
}

#[test]
fn an_applications_message_becomes_its_event() {
    let received = both().deliver(&[TIMESTAMP, APPLICATION_SIGNATURE], APPLICATION_BODY);
    assert!(matches!(&received, Ok(Received::Delivery { id, .. }) if id == "evt_77aa"), "{received:?}");
    let (name, key, data) = application().event(&[], APPLICATION_BODY);
    assert_eq!(
        (name.as_str(), key.as_str()),
        ("front/message.received", "front-inbound_received-evt_77aa-1735787045.123")
    );
    assert_eq!((&data["conversationId"], &data["messageId"]), (&json!("cnv_77aa"), &json!("msg_77aa")));
    assert_eq!(
        (&data["bodyPlain"], &data["subject"], &data["isInbound"]),
        (&json!("Hello"), &json!("Hi"), &json!(true))
    );
    // Delivered again, it is signed at another time and stays the same.
    assert_eq!(application().at(NOW + 3_600_000).event(&[], APPLICATION_BODY).1, key);
}

#[test]
fn what_only_resembles_a_delivery_is_refused() {
    rule().check_refusals(&[RULE_SIGNATURE], RULE_BODY);
    application().check_refusals(&[TIMESTAMP, APPLICATION_SIGNATURE], APPLICATION_BODY);
}

#[test]
fn only_the_same_json_has_the_signature_of_a_rule() {
    let verified = |body: &str| rule().deliver(&[RULE_SIGNATURE], body).is_ok();
    assert!(verified(&RULE_BODY_SPACED.replace("1735787045.123", "1735787045.12300")));
    assert!(verified(&RULE_BODY.replacen('{', r#"{"type":1,"#, 1)), "the last of equal members counts");
    for other in [
        RULE_BODY_SPACED.replace("\\u00e9", "e"),
        RULE_BODY.replacen('{', r#"{"added":1,"#, 1),
        RULE_BODY.replace(r#""type":"inbound","id":"evt_55c8c149""#, r#""id":"evt_55c8c149","type":"inbound""#),
        RULE_BODY.replace("1735787045.123", r#""1735787045.123""#),
        format!("[{RULE_BODY}]"),
        format!("\u{feff}{RULE_BODY}"),
    ] {
        assert!(!verified(&other), "{other}");
    }
    let older = WebhookHarness::of("front").secret("FRONT_WEBHOOK_SECRET", "front-rule-secret");
    assert!(older.deliver(&[RULE_SIGNATURE], RULE_BODY).is_ok());
}

#[test]
fn neither_kind_of_delivery_passes_for_the_other() {
    let refused = |harness: &WebhookHarness, headers: &[(&str, &str)], body: &str, expected: Refusal| {
        assert_eq!(harness.deliver(headers, body).map(drop), Err(expected), "{headers:?} {body}");
    };
    refused(&both(), &[TIMESTAMP, RULE_SIGNATURE], RULE_BODY, Refusal::Signature);
    refused(&both(), &[("x-front-request-timestamp", ""), RULE_SIGNATURE], RULE_BODY, Refusal::Signature);
    refused(&both(), &[TIMESTAMP, TIMESTAMP, RULE_SIGNATURE], RULE_BODY, Refusal::Signature);
    refused(&both(), &[APPLICATION_SIGNATURE], APPLICATION_BODY, Refusal::Signature);
    refused(&application(), &[RULE_SIGNATURE], RULE_BODY, Refusal::Closed);
    refused(&rule(), &[TIMESTAMP, APPLICATION_SIGNATURE], APPLICATION_BODY, Refusal::Closed);
    // With one secret for both, the signatures still differ.
    let same = both().secret("FRONT_APPLICATION_SECRET", "front-rule-secret");
    refused(&same, &[TIMESTAMP, RULE_SIGNATURE], RULE_BODY, Refusal::Signature);
    // A name of the other kind is of no interest.
    assert!(rule().events(&[], APPLICATION_BODY).is_empty());
    assert!(application().events(&[], RULE_BODY).is_empty());
    assert!(application().events(&[], r#"{"type":"inbound","payload":{"id":"evt_1"}}"#).is_empty());
}

#[test]
fn a_challenge_is_answered_once_it_is_verified() {
    let challenge = ("x-front-challenge", "any-string");
    let answer = application().deliver(&[TIMESTAMP, CHALLENGE_SIGNATURE, challenge], CHALLENGE_BODY);
    assert!(matches!(&answer, Ok(Received::Challenge(text)) if text == "any-string"), "{answer:?}");
    let forged = application().deliver(&[TIMESTAMP, APPLICATION_SIGNATURE, challenge], CHALLENGE_BODY);
    assert_eq!(forged.map(drop), Err(Refusal::Signature));
    let late = application().at(NOW + 300_001).deliver(&[TIMESTAMP, CHALLENGE_SIGNATURE, challenge], CHALLENGE_BODY);
    assert_eq!(late.map(drop), Err(Refusal::Signature));
    assert!(application().events(&[], CHALLENGE_BODY).is_empty());
}

#[test]
fn every_name_has_its_event() {
    for (rule, application, event) in [
        ("inbound", "inbound_received", "message.received"),
        ("outbound", "outbound_sent", "message.sent"),
        ("", "message_delivery_failed", "message.failed"),
        ("move", "conversation_moved", "conversation.moved"),
        ("archive", "conversation_archived", "conversation.archived"),
        ("reopen", "conversation_reopened", "conversation.reopened"),
        ("trash", "conversation_deleted", "conversation.deleted"),
        ("restore", "conversation_restored", "conversation.restored"),
        ("", "conversation_snoozed", "conversation.snoozed"),
        ("", "conversation_snooze_expired", "conversation.unsnoozed"),
        ("assign", "assignee_changed", "assignee.changed"),
        ("unassign", "assignee_changed", "assignee.changed"),
        ("tag", "tag_added", "tag.added"),
        ("untag", "tag_removed", "tag.removed"),
        ("link_added", "link_added", "link.added"),
        ("link_removed", "link_removed", "link.removed"),
        ("comment", "new_comment_added", "comment.added"),
    ] {
        let mut report = json!({
            "id": "evt_1",
            "conversation": { "id": "cnv_1", "subject": "Hello" },
            "target": { "data": { "id": "it_1", "text": "text" } },
        });
        let name = format!("front/{event}");
        assert_eq!(of_application(application, &report).0, name, "{application}");
        if !rule.is_empty() {
            report["type"] = json!(rule);
            let (found, data) = of_rule(&report);
            assert_eq!((found, &data["conversationId"]), (name, &json!("cnv_1")), "{rule}");
        }
    }
}

#[test]
fn a_conversations_fate_has_its_subject() {
    let conversation = json!({ "conversationId": "cnv_1", "subject": "Hello" });
    // The target of a move is a list, and of no concern.
    let moved = json!({
        "type": "move",
        "conversation": { "id": "cnv_1", "subject": "Hello" },
        "target": { "_meta": { "type": "inboxes" }, "data": [{ "id": "inb_1" }] },
    });
    assert_eq!(of_rule(&moved), ("front/conversation.moved".to_owned(), conversation.clone()));
    // An application's payload may be the conversation.
    let payload = json!({ "id": "cnv_1", "subject": "Hello" });
    assert_eq!(of_application("conversation_restored", &payload).1, conversation);
    let empty = json!({ "conversationId": "", "subject": "" });
    assert_eq!(of_rule(&json!({ "type": "archive", "id": "evt_1", "subject": "Hello" })).1, empty);
}

#[test]
fn names_of_no_interest_become_nothing() {
    for kind in ["out_reply", "forward", "mention", "reminder", "conversations_merged", "constructor", "", "INBOUND"] {
        assert!(rule().events(&[], json!({ "type": kind, "id": "evt_1" }).to_string()).is_empty(), "{kind}");
        assert!(application().events(&[], json!({ "type": kind, "payload": {} }).to_string()).is_empty(), "{kind}");
    }
    for body in ["{}", r#"{"type":null}"#, r#"{"payload":{"type":"inbound"}}"#] {
        assert!(rule().events(&[], body).is_empty(), "{body}");
        assert!(application().events(&[], body).is_empty(), "{body}");
    }
}

#[test]
fn missing_and_null_fields_have_defaults() {
    let empty = json!({
        "conversationId": "", "messageId": "", "from": "", "fromName": "", "to": [], "subject": "", "body": "",
        "bodyPlain": "text", "preview": "text", "isInbound": false, "attachmentCount": 0,
    });
    for body in [
        json!({ "type": "outbound", "target": { "data": { "text": "text" } } }),
        json!({
            "type": "outbound", "id": null, "emitted_at": null, "subject": null,
            "conversation": { "id": null, "subject": null },
            "target": { "data": {
                "id": null, "text": "text", "blurb": null, "body": null, "subject": null, "recipients": null,
                "author": null, "attachments": null, "created_at": null,
            } },
        }),
        json!({
            "type": "outbound", "conversation": null,
            "target": { "data": {
                "text": "text", "recipients": [{}, { "role": null, "handle": null }], "author": { "email": null },
                "attachments": [],
            } },
        }),
    ] {
        assert_eq!(of_rule(&body).1, empty, "{body}");
    }
    for payload in [json!(null), json!({}), json!({ "target": null }), json!({ "target": { "data": null } })] {
        let (_, data) = of_application("tag_added", &payload);
        assert_eq!(data, json!({ "conversationId": "", "tagName": "", "tagId": "" }), "{payload}");
    }
}

#[test]
fn the_text_of_a_message_is_the_first_that_is_there() {
    let text = |data: Value| (message(&data)["bodyPlain"].clone(), message(&data)["preview"].clone());
    let both = |text: &str| (json!(text), json!(text));
    assert_eq!(text(json!({ "text": " a\n\tb ", "blurb": "c", "body": "d" })), (json!("a b"), json!("c")));
    assert_eq!(text(json!({ "text": "\u{a0}\u{feff}", "blurb": " c\n", "body": "d" })), both("c"));
    assert_eq!(text(json!({ "body": "<p>Hi&nbsp;&amp;lt;Ada&gt;</p><script>no()</script>" })), both("Hi &lt;Ada>"));
    assert_eq!(text(json!({ "body": "<br>", "attachments": [{}] })), both("[Attachment-only message: 1 attachment]"));
    assert_eq!(text(json!({ "attachments": [{}, 2] })), both("[Attachment-only message: 2 attachments]"));
}

#[test]
fn a_message_without_text_is_set_aside() {
    let target =
        json!({ "data": { "subject": "Hello", "id": "msg_1", "text": " ", "body": "<br>", "attachments": [] } });
    let (name, data) = of_application("outbound_sent", &json!({ "conversation": { "id": "cnv_1" }, "target": target }));
    assert_eq!(name, "front/message.quarantined");
    let expected = json!({
        "conversationId": "cnv_1",
        "messageId": "msg_1",
        "eventType": "outbound_sent",
        "reason": "missing-message-text",
        "payloadKeys": ["attachments", "body", "id", "subject", "text"],
    });
    assert_eq!(data, expected);
    let nothing = of_rule(&json!({ "type": "inbound" }));
    assert_eq!((nothing.0.as_str(), &nothing.1["payloadKeys"]), ("front/message.quarantined", &json!([])));
}

#[test]
fn the_sender_is_a_recipient_or_the_author() {
    let sender = |data: Value| {
        let message = message(&data);
        (message["from"].clone(), message["fromName"].clone(), message["to"].clone())
    };
    let author = json!({ "email": "eve@example.com" });
    let recipients = json!([
        { "role": "to", "handle": "a@example.com" },
        { "role": "cc", "handle": "b@example.com" },
        { "role": "from", "handle": "ada@example.com", "name": "Ada" },
        { "role": "from", "handle": "other@example.com" },
        { "role": "to", "handle": "c@example.com" },
    ]);
    let expected = (json!("ada@example.com"), json!("Ada"), json!(["a@example.com", "c@example.com"]));
    assert_eq!(sender(json!({ "text": "t", "recipients": recipients, "author": author })), expected);
    assert_eq!(sender(json!({ "text": "t", "author": author })), (json!("eve@example.com"), json!(""), json!([])));
}

#[test]
fn a_message_has_its_own_subject_or_the_conversations() {
    let subject = |own: Value| {
        let target = json!({ "data": { "text": "t", "subject": own } });
        let conversation = json!({ "id": "cnv_1", "subject": "Theirs" });
        of_rule(&json!({ "type": "inbound", "conversation": conversation, "target": target })).1["subject"].clone()
    };
    assert_eq!(subject(json!("Ours")), "Ours");
    assert_eq!(subject(json!(null)), "Theirs");
}

#[test]
fn the_time_of_a_message_is_in_milliseconds() {
    for (member, value, expected) in [
        ("created_at", json!(1_735_787_045.123), json!(1_735_787_045_123_i64)),
        ("created_at", json!(1_735_787_045), json!(1_735_787_045_000_i64)),
        ("created_at", json!(1_735_787_045_123_i64), json!(1_735_787_045_123_i64)),
        ("createdAt", json!("1735787045.5"), json!(1_735_787_045_500_i64)),
        ("received_at", json!(" 1735787045123 "), json!(1_735_787_045_123_i64)),
        ("created_at", json!("2025-01-02T03:04:05.123Z"), json!(1_735_787_045_123_i64)),
        ("created_at", json!("2025-01-02T04:04:05+01:00"), json!(1_735_787_045_000_i64)),
        ("created_at", json!(0), json!(null)),
        ("created_at", json!(-5), json!(null)),
        ("created_at", json!("soon"), json!(null)),
        ("created_at", json!(""), json!(null)),
        ("created_at", json!("NaN"), json!(null)),
        ("created_at", json!("inf"), json!(null)),
        ("created_at", json!(true), json!(null)),
        ("created_at", json!({ "at": 1 }), json!(null)),
    ] {
        let mut data = json!({ "text": "t" });
        data[member] = value.clone();
        assert_eq!(message(&data)["createdAt"], expected, "{member} {value}");
    }
    let all = json!({ "text": "t", "created_at": null, "createdAt": 2_000_000_000, "received_at": 1 });
    assert_eq!(message(&all)["createdAt"], 2_000_000_000_000_i64);
}

#[test]
fn a_long_message_is_cut() {
    let data = message(&json!({ "body": format!("<p>{}</p>", "é".repeat(1_000_000)) }));
    let length = |member: &str| data[member].as_str().map_or(0, str::len);
    assert_eq!(length("body"), HTML_BYTES_MAX - 1, "it ends between two characters");
    assert_eq!((length("bodyPlain"), length("preview")), (TEXT_BYTES_MAX, PREVIEW_BYTES_MAX));
    let comment = json!({ "type": "comment", "target": { "data": { "body": "a".repeat(1_000_000) } } });
    assert_eq!(of_rule(&comment).1["commentBody"].as_str().map(str::len), Some(HTML_BYTES_MAX));
}

#[test]
fn half_a_character_does_not_make_a_message_unreadable() {
    let body = r#"{"type":"inbound","target":{"data":{"blurb":"cut \ud83d"}}}"#;
    assert_eq!(rule().event(&[], body).2["bodyPlain"], "cut \u{fffd}");
}

#[test]
fn a_failed_message_says_why() {
    let target = json!({ "data": { "id": "msg_1", "subject": "Hello", "error_type": "bounce" } });
    let (_, data) =
        of_application("message_delivery_failed", &json!({ "conversation": { "id": "cnv_1" }, "target": target }));
    let expected = json!({ "conversationId": "cnv_1", "messageId": "msg_1", "subject": "Hello", "error": "bounce" });
    assert_eq!(data, expected);
}

#[test]
fn an_assignee_is_known_by_address_and_name() {
    let teammate = json!({ "data": { "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace" } });
    let conversation = json!({ "id": "cnv_1", "status": "assigned" });
    let (_, data) = of_rule(&json!({ "type": "assign", "conversation": conversation, "target": teammate }));
    let expected = json!({
        "conversationId": "cnv_1",
        "assigneeEmail": "ada@example.com",
        "assigneeName": "Ada Lovelace",
        "isUnassign": false,
    });
    assert_eq!(data, expected);
    let first = json!({ "type": "assign", "target": { "data": { "first_name": "Ada", "last_name": "" } } });
    assert_eq!(of_rule(&first).1["assigneeName"], "Ada");
}

#[test]
fn nobody_may_be_the_assignee() {
    let of_rule = |kind: &str| of_rule(&json!({ "type": kind, "conversation": { "status": "unassigned" } })).1;
    assert_eq!(of_rule("unassign")["isUnassign"], true);
    assert_eq!(of_rule("assign")["isUnassign"], false);
    let nobody = json!({ "status": "unassigned" });
    let somebody = json!({ "data": { "email": "ada@example.com" } });
    for (payload, expected) in [
        (json!({ "type": "unassign" }), true),
        (json!({ "type": "assign", "conversation": nobody }), false),
        (json!({ "conversation": nobody }), true),
        (json!({ "type": "assignee_changed", "conversation": nobody, "target": null }), true),
        (json!({ "conversation": nobody, "target": somebody }), false),
        (json!({ "conversation": { "status": "archived" } }), false),
        (json!({}), false),
    ] {
        assert_eq!(of_application("assignee_changed", &payload).1["isUnassign"], expected, "{payload}");
    }
}

#[test]
fn tags_links_and_comments_are_told_whole() {
    let with = |kind: &str, data: Value| {
        of_rule(&json!({ "type": kind, "conversation": { "id": "cnv_1" }, "target": { "data": data } })).1
    };
    let tag = json!({ "conversationId": "cnv_1", "tagName": "Urgent", "tagId": "tag_1" });
    assert_eq!(with("untag", json!({ "id": "tag_1", "name": "Urgent", "highlight": null })), tag);
    let link = json!({
        "conversationId": "cnv_1",
        "linkName": "Issue 7",
        "linkId": "top_1",
        "linkUrl": "https://example.com/7",
    });
    let target = json!({ "id": "top_1", "name": "Issue 7", "external_url": "https://example.com/7", "type": "web" });
    assert_eq!(with("link_added", target), link);
    let comment = json!({ "conversationId": "cnv_1", "commentBody": "@ada look", "authorEmail": "eve@example.com" });
    let target = json!({ "id": "com_1", "body": "@ada look", "author": { "email": "eve@example.com" } });
    assert_eq!(with("comment", target), comment);
}

#[test]
fn the_key_needs_no_clock() {
    let key = |body: Value| rule().event(&[], body.to_string()).1;
    assert_eq!(key(json!({ "type": "archive", "id": "evt_1" })), "front-archive-evt_1");
    assert_eq!(key(json!({ "type": "archive", "id": "evt_1", "emitted_at": 1.0 })), "front-archive-evt_1-1");
    assert_eq!(key(json!({ "type": "archive", "id": "evt_1", "emitted_at": "now" })), "front-archive-evt_1");
    let without = key(json!({ "type": "archive", "id": "cnv_1", "emitted_at": 1 }));
    assert!(without.starts_with("front-archive-body-") && without.ends_with("-1"), "{without}");
    assert_ne!(without, key(json!({ "type": "archive", "id": "cnv_1", "emitted_at": 2 })));
    assert_ne!(without, key(json!({ "type": "reopen", "id": "cnv_1", "emitted_at": 1 })));
}

#[test]
fn a_conversations_id_is_not_the_deliverys() {
    let id = |kind: &str| {
        let body = json!({ "type": kind, "payload": { "id": "cnv_1", "subject": "Hello" } });
        application().outcome(&[], body.to_string()).0
    };
    let (archived, reopened) = (id("conversation_archived"), id("conversation_reopened"));
    assert!(archived.starts_with("body-") && reopened.starts_with("body-") && archived != reopened);
}

#[test]
fn a_body_that_does_not_fit_is_refused_with_the_reason() {
    let check = |harness: WebhookHarness, body: &str, expected: &str| {
        let problem = harness.problem(&[], body);
        assert!(problem.contains(expected), "{body}: {problem}");
    };
    for body in ["null", "[]", "7", r#""inbound""#, "true"] {
        check(rule(), body, "the body is not a JSON object");
        check(application(), body, "the body is not a JSON object");
    }
    check(rule(), r#"{"type":7}"#, "type");
    check(
        rule(),
        r#"{"type":"inbound","target":{"data":{"recipients":[{"handle":7}]}}}"#,
        "target.data.recipients[0].handle",
    );
    check(application(), r#"{"type":"tag_added","payload":{"target":{"data":{"id":7}}}}"#, "payload.target.data.id");
    check(application(), r#"{"type":"tag_added","payload":[]}"#, "payload");
}
