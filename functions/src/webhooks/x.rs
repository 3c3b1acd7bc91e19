//! X's webhook: activity on accounts, and what was subscribed to.
//!
//! A delivery is signed with HMAC-SHA256 over its raw body, with the secret of the app; X also tests the address with
//! a token that is to be signed by the same secret (docs.x.com, webhooks). Deliveries have no id, so that the hash of the
//! body is taken for one.
//!
//! Three products deliver here: Account Activity (`for_user_id` and lists such as `favorite_events`), X Activity (`data`
//! with an `event_type` and the `filter` that matched), and the filtered stream (`data` and `matching_rules`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::x::XAccountActivityReceived;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use system_bus_runtime::prelude::*;

/// What Account Activity may report, in the order in which it is told.
const ACTIVITIES: [&str; 14] = [
    "tweet_create_events",
    "tweet_delete_events",
    "favorite_events",
    "follow_events",
    "unfollow_events",
    "block_events",
    "unblock_events",
    "mute_events",
    "unmute_events",
    "user_event",
    "direct_message_events",
    "direct_message_indicate_typing_events",
    "direct_message_mark_read_events",
    "replay_event",
];

/// Bytes of the part of a key that is for people.
const KEY_BYTES_MAX: usize = 200;

/// Turns X's deliveries into events.
#[webhook_provider(
    id = "x",
    signature(
        hmac_sha256,
        header = "x-twitter-webhooks-signature",
        prefix = "sha256=",
        encoding = base64,
        secret("X_CONSUMER_SECRET", "TWITTER_CONSUMER_SECRET"),
        lease = "x_consumer_secret",
    ),
    headers("x-twitter-webhooks-webhook-id", "x-webhook-id"),
    emits(XAccountActivityReceived),
    challenge(query = "crc_token", answer = crc),
)]
fn x(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let payload: Map<String, Value> = delivery.json()?;
    let payload_hash = hex::encode(&Sha256::digest(delivery.body)[..12]);
    let for_user_id = for_user_id(&payload);
    let event_types = event_types(&payload);
    // The hash alone keeps two activities apart; the rest is for people.
    let user = for_user_id.as_deref().unwrap_or("unknown-user");
    let key = format!("x-account-activity-{user}-{}", event_types.join("+"));
    let key = format!("{}-{payload_hash}", &key[..key.floor_char_boundary(KEY_BYTES_MAX)]);
    let header = |name| delivery.header(name).map(str::to_owned);
    let data = XAccountActivityReceived {
        source: "x-webhook".to_owned(),
        for_user_id,
        event_types,
        webhook_id: header("x-twitter-webhooks-webhook-id").or_else(|| header("x-webhook-id")),
        payload_hash,
        payload,
    };
    Ok(vec![NewEvent::new(&data)?.with_id(key)])
}

/// The account that it is about, or for which it was subscribed to.
fn for_user_id(payload: &Map<String, Value>) -> Option<String> {
    let filtered = || payload.get("data")?.get("filter")?.get("user_id");
    match payload.get("for_user_id").or_else(filtered)? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn event_types(payload: &Map<String, Value>) -> Vec<String> {
    let known: Vec<_> = ACTIVITIES.into_iter().filter(|name| payload.contains_key(*name)).collect();
    let activity = || payload.get("data")?.get("event_type")?.as_str().filter(|name| !name.is_empty());
    let other = || match activity() {
        Some(name) => name,
        None if payload.contains_key("matching_rules") => "filtered_stream",
        None => "account_activity",
    };
    let names = if known.is_empty() { vec![other()] } else { known };
    names.into_iter().map(str::to_owned).collect()
}

/// Answers X's challenge, which anybody can send: with a token that could be a delivery's body, the answer would be a
/// signature for it. X's tokens are some fifty letters and digits.
fn crc(token: &str, secret: &[u8]) -> Result<Value, &'static str> {
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-._~+/=".contains(&letter);
    if !token.bytes().all(is_plain) {
        return Err("has letters that no token has");
    }
    // Of such letters a number or a word can be made.
    if serde_json::from_str::<IgnoredAny>(token).is_ok() {
        return Err("could be the body of a delivery");
    }
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).map_err(|_| "cannot be signed")?;
    let signature = STANDARD.encode(mac.chain_update(token).finalize().into_bytes());
    Ok(json!({ "response_token": format!("sha256={signature}") }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use system_bus_runtime::registry::Registry;
    use system_bus_runtime::testing::WebhookHarness;
    use system_bus_runtime::webhook::Challenge;

    use super::*;

    const SECRET: &str = "test-secret";
    const SIGNATURE: (&str, &str) =
        ("x-twitter-webhooks-signature", "sha256=/XsyPH+W2k+bRkdYJzFR4nNUxO271EikEF66X2+O/nM=");
    const BODY: &str = r#"{"for_user_id":"123","favorite_events":[{"id":"fav-1"}]}"#;

    fn x() -> WebhookHarness {
        WebhookHarness::of("x").secret("X_CONSUMER_SECRET", SECRET)
    }

    #[test]
    fn an_activity_becomes_its_event() {
        assert!(x().deliver(&[SIGNATURE], BODY).is_ok());
        let (name, key, data) = x().event(&[("x-twitter-webhooks-webhook-id", "42")], BODY);
        assert_eq!(name, "x/account_activity.received");
        assert_eq!(key, "x-account-activity-123-favorite_events-74008fe4211e55a4cb2dacc0");
        let expected = json!({
            "source": "x-webhook",
            "forUserId": "123",
            "eventTypes": ["favorite_events"],
            "webhookId": "42",
            "payloadHash": "74008fe4211e55a4cb2dacc0",
            "payload": { "for_user_id": "123", "favorite_events": [{ "id": "fav-1" }] },
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn what_only_resembles_a_delivery_is_refused() {
        x().check_refusals(&[SIGNATURE], BODY);
        let older = WebhookHarness::of("x").secret("TWITTER_CONSUMER_SECRET", SECRET);
        assert!(older.deliver(&[SIGNATURE], BODY).is_ok());
    }

    #[test]
    fn a_delivery_and_its_event_are_known_by_the_whole_body() {
        let known_by = |body: &str| (x().outcome(&[], body).0, x().event(&[], body).1);
        let bodies = [
            r#"{"for_user_id":"1","favorite_events":[{"id":"5"}]}"#,
            r#"{"for_user_id":"2","favorite_events":[{"id":"5"}]}"#,
            r#"{"for_user_id":"1","favorite_events":[{"id":"6"}]}"#,
            // What a key of ids would take for the same.
            r#"{"for_user_id":"1","follow_events":[{"type":"follow","target":{"id":"5"}}]}"#,
            r#"{"for_user_id":"1","follow_events":[{"type":"unfollow","target":{"id":"5"}}]}"#,
            r#"{"for_user_id":"1","tweet_delete_events":[{"status":{"id":9007199254740992}}]}"#,
            r#"{"for_user_id":"1","tweet_delete_events":[{"status":{"id":9007199254740993}}]}"#,
            r#"{"for_user_id":"1-favorite_events","a":1}"#,
        ];
        let (deliveries, keys): (HashSet<_>, HashSet<_>) = bodies.iter().map(|body| known_by(body)).unzip();
        assert_eq!((deliveries.len(), keys.len()), (bodies.len(), bodies.len()));
        for (delivery, key) in bodies.iter().map(|body| known_by(body)) {
            let hash = key.rsplit('-').next().expect("ends with the hash");
            assert!(delivery.starts_with(&format!("body-{hash}")), "{delivery} {key}");
        }
    }

    #[test]
    fn large_numbers_keep_all_digits() {
        let body = r#"{"for_user_id":1234567890123456789,"user_event":{"id":18446744073709551615,"share":0.1}}"#;
        let (_, _, data) = x().event(&[], body);
        assert_eq!(data["forUserId"], "1234567890123456789");
        assert_eq!(
            data["payload"].to_string(),
            r#"{"for_user_id":1234567890123456789,"user_event":{"id":18446744073709551615,"share":0.1}}"#
        );
    }

    #[test]
    fn the_kinds_of_activity_have_an_order() {
        let types = |body: Value| x().event(&[], body.to_string()).2["eventTypes"].clone();
        let all: Map<String, Value> = ACTIVITIES.iter().rev().map(|name| ((*name).to_owned(), json!([]))).collect();
        assert_eq!(types(Value::Object(all)), json!(ACTIVITIES));
        assert_eq!(
            types(json!({ "follow_events": null, "tweet_create_events": [] })),
            json!(["tweet_create_events", "follow_events"])
        );
        assert_eq!(types(json!({ "constructor": 1 })), json!(["account_activity"]));
        assert_eq!(types(json!({})), json!(["account_activity"]));
        assert_eq!(types(json!({ "data": { "event_type": 7 } })), json!(["account_activity"]));
        assert_eq!(types(json!({ "data": null })), json!(["account_activity"]));
    }

    #[test]
    fn newer_products_are_told_apart() {
        let body = json!({
            "data": {
                "event_uuid": "2080761390344937796",
                "filter": { "user_id": "1716450569358098432" },
                "event_type": "profile.update.bio",
                "tag": "bio",
                "payload": { "before": "a", "after": "b" },
            },
        });
        let (_, key, data) = x().event(&[("x-webhook-id", "42")], body.to_string());
        assert_eq!(data["eventTypes"], json!(["profile.update.bio"]));
        assert_eq!((&data["forUserId"], &data["webhookId"]), (&json!("1716450569358098432"), &json!("42")));
        assert_eq!(data["payload"], body);
        assert!(key.starts_with("x-account-activity-1716450569358098432-profile.update.bio-"), "{key}");

        let stream = json!({ "data": { "id": "1", "text": "a" }, "matching_rules": [{ "id": "2", "tag": "cats" }] });
        let (_, key, data) = x().event(&[], stream.to_string());
        assert_eq!(data["eventTypes"], json!(["filtered_stream"]));
        assert!(data.get("forUserId").is_none() && data.get("webhookId").is_none());
        assert!(key.starts_with("x-account-activity-unknown-user-filtered_stream-"), "{key}");
    }

    #[test]
    fn a_key_stays_short_whatever_x_sends() {
        let body = json!({ "for_user_id": "é".repeat(5_000), "data": { "event_type": "a".repeat(5_000) } });
        let (_, key, data) = x().event(&[], body.to_string());
        assert!(key.len() <= KEY_BYTES_MAX + 25, "{key}");
        assert!(key.ends_with(data["payloadHash"].as_str().expect("is a text")), "{key}");
    }

    #[test]
    fn a_challenge_is_answered() {
        let expected = json!({ "response_token": "sha256=0WNI0oBzj9Xf2dWTp1NvioYW6UF33tTIympYC8jpXok=" });
        assert_eq!(crc("foo", SECRET.as_bytes()), Ok(expected));
        for token in
            ["MTE3NzM5ZWMtMDJkZi00NTI1LThjNzctMmQyOTg4MzAzZjky", "117739ec-02df-4525-8c77-2d2988303f92", "a+/=_~."]
        {
            assert!(crc(token, SECRET.as_bytes()).is_ok(), "{token}");
        }
        let registry = Registry::linked();
        let provider = registry.providers().iter().find(|provider| provider.id == "x").expect("is linked");
        assert!(matches!(provider.challenge, Some(Challenge::Query { parameter: "crc_token", .. })));
    }

    #[test]
    fn no_challenge_signs_what_could_be_a_delivery() {
        for token in [
            BODY,
            "{}",
            "[]",
            "[1]",
            "{",
            "\"text\"",
            "\"",
            "null",
            "true",
            "false",
            "0",
            "7",
            "-1.5",
            "1e5",
            "1E+5",
            " null",
            "null ",
            "nul\u{0}",
            "a b",
            "é",
            "\u{feff}{}",
            "%7B%7D",
        ] {
            assert!(crc(token, SECRET.as_bytes()).is_err(), "{token}");
        }
    }
}
