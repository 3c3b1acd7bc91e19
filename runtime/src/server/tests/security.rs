//! Signatures of requests and answers (`SDK_SPEC.md` §4.1.3, §4.5).

use super::*;
use crate::server::signature::verify;

const QUERY: &str = "?fnId=app-plain&stepId=step";

#[track_caller]
fn is_signed_by(answer: &Answer, key: &str) -> bool {
    let keys = crate::server::SigningKeys { current: SigningKey::parse(key).ok(), fallback: None };
    verify(answer.header("x-inngest-signature"), &answer.body, &keys, jiff::Timestamp::now().as_second()).is_ok()
}

#[tokio::test]
async fn a_signed_call_is_answered_and_the_answer_is_signed_with_the_same_key() {
    let bench = Bench::cloud().await;
    let text = first().json().to_string();
    for key in [KEY, OLD_KEY] {
        let answer = bench.post(QUERY, &[("x-inngest-signature", &signed(key, &text))], &text).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!(1)));
        assert!(is_signed_by(&answer, key));
    }
}

#[tokio::test]
async fn everything_else_is_refused_and_no_function_runs() {
    let bench = Bench::cloud().await;
    let text = first().json().to_string();
    let good = signed(KEY, &text);
    let stranger = signed("signkey-test-ffff", &text);
    let now = jiff::Timestamp::now().as_second();
    let key = SigningKey::parse(KEY).expect("is a key");
    let old = sign(&key, text.as_bytes(), now - 301);
    let ahead = sign(&key, text.as_bytes(), now + 60);
    let wrong: [&[(&str, &str)]; 7] = [
        &[],
        &[("x-inngest-signature", &stranger)],
        &[("x-inngest-signature", &old)],
        &[("x-inngest-signature", &ahead)],
        &[("x-inngest-signature", "nonsense")],
        &[("x-inngest-signature", &good), ("x-inngest-signature", &good)],
        // What the other side claims to be does not matter (§4.1.1).
        &[("x-inngest-server-kind", "dev")],
    ];
    for headers in wrong {
        let answer = bench.post(QUERY, headers, &text).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{headers:?}");
        assert_eq!(answer.json()["name"], "SignatureError");
        assert_eq!(answer.header("x-inngest-signature"), None);
    }
    let answer = bench.post(QUERY, &[("x-inngest-signature", &good)], format!("{text} ")).await;
    assert_eq!(answer.status, StatusCode::OK, "the canonical form of the body is the same");
    let answer = bench.post(QUERY, &[("x-inngest-signature", &good)], text.replace("e1", "e2")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_dev_server_need_not_sign_but_what_is_signed_must_fit() {
    let bench = Bench::with(&[("INNGEST_DEV", "1"), ("INNGEST_SIGNING_KEY", KEY)]).await;
    let text = first().json().to_string();
    assert_eq!(bench.post(QUERY, &[], &text).await.status, StatusCode::OK);
    let wrong = signed(OLD_KEY, &text);
    assert_eq!(bench.post(QUERY, &[("x-inngest-signature", &wrong)], &text).await.status.as_u16(), 500);
    let without_key = Bench::dev().await;
    assert_eq!(without_key.post(QUERY, &[("x-inngest-signature", &wrong)], &text).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_trust_probe_is_answered_with_a_signature() {
    let bench = Bench::cloud().await;
    let answer = bench.post("?probe=trust", &[("x-inngest-signature", &signed(KEY, "x"))], "x").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({})));
    assert!(is_signed_by(&answer, KEY));
    assert_eq!(bench.post("?probe=trust", &[], "x").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_stranger_learns_no_more_than_the_specification_has() {
    let bench = Bench::cloud().await;
    let answer = bench.get(&[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json(),
        json!({
            "authentication_succeeded": null,
            "capabilities": { "connect": "v1", "in_band_sync": "v1", "trust_probe": "v1" },
            "function_count": functions::registry().functions().len(),
            "has_event_key": true,
            "has_signing_key": true,
            "has_signing_key_fallback": true,
            "mode": "cloud",
            "schema_version": "2024-05-24",
        })
    );
    let answer = bench.get(&[("x-inngest-signature", &signed("signkey-test-ffff", ""))]).await;
    assert_eq!(answer.json()["authentication_succeeded"], false);
    assert_eq!(answer.json().get("app_id"), None);
}

#[tokio::test]
async fn the_server_learns_the_rest_and_no_key() {
    let bench = Bench::cloud().await;
    let answer = bench.get(&[("x-inngest-signature", &signed(KEY, ""))]).await;
    let body = answer.json();
    assert_eq!((&body["authentication_succeeded"], &body["app_id"]), (&json!(true), &json!("app")));
    assert_eq!(body["signing_key_hash"], SigningKey::parse(KEY).expect("is a key").hash());
    assert_eq!(body["sdk_language"], "system-bus");
    let mut keys: Vec<&String> = body.as_object().expect("is an object").keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "api_origin",
            "app_id",
            "authentication_succeeded",
            "capabilities",
            "env",
            "event_api_origin",
            "event_key_hash",
            "framework",
            "function_count",
            "has_event_key",
            "has_signing_key",
            "has_signing_key_fallback",
            "mode",
            "schema_version",
            "sdk_language",
            "sdk_version",
            "serve_origin",
            "serve_path",
            "signing_key_fallback_hash",
            "signing_key_hash"
        ]
    );
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains("aabbcc") && !text.contains("112233") && !text.contains("\"events\""), "{text}");
    assert!(is_signed_by(&answer, KEY));
}
