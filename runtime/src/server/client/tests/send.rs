//! Sending events, and the keys under which anything is asked.

use serde_json::value::RawValue;

use super::super::{EVENT_BYTES_MAX, EVENTS_MAX, requests};
use super::stub::Stub;
use crate::event::NewEvent;
use crate::server::ApiError;

const SENT: &str = include_str!("../../../../../tests/wire/api/send.json");
const PARTIAL: &str = include_str!("../../../../../tests/wire/api/send-partial.json");
const WRONG_KEY: &str = include_str!("../../../../../tests/wire/api/send-wrong-key.json");
const EVENTS: &str = include_str!("../../../../../tests/wire/api/events-none.json");
const UNAUTHORIZED: &str = "Authentication failed\n";

const CURRENT: &str = "signkey-prod-aa";
const FALLBACK: &str = "signkey-prod-bb";
/// `printf '\xaa' | sha256sum`
const CURRENT_BEARER: &str = "Bearer signkey-prod-bceef655b5a034911f1c3718ce056531b45ef03b4c7b1f15629e867294011a7d";
/// `printf '\xbb' | sha256sum`
const FALLBACK_BEARER: &str = "Bearer signkey-prod-cbecda1c7d37d4c0aa5466243bb4a0018c31bf06d74fa7338290dd3068db4fed";

fn events(count: usize) -> Vec<NewEvent> {
    let data = || RawValue::from_string(r#"{"n":1}"#.to_owned()).expect("is JSON");
    (0..count).map(|_| NewEvent::named("test/nobody", data())).collect()
}

#[tokio::test]
async fn events_go_to_the_event_key_with_a_seed_and_the_environment() {
    let stub = Stub::start([(200, SENT)]).await;
    let client =
        stub.client(&[("INNGEST_EVENT_KEY", "my/key"), ("INNGEST_ENV", "branch"), ("INNGEST_SIGNING_KEY", CURRENT)]);
    let ids = client.send(&events(2)).await.expect("is taken");
    assert_eq!(ids, ["01M85TXHB3A525VYYYYS7QT95E", "01M85TXHB38GD0480439FRAEKZ"]);
    let asked = stub.only();
    assert_eq!((asked.method.as_str(), asked.uri.path()), ("POST", "/e/my%2Fkey"));
    assert_eq!(asked.header("x-inngest-env"), Some("branch"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert!(asked.header("x-inngest-sdk").is_some_and(|sdk| sdk.starts_with("system-bus:v")));
    assert_eq!(asked.header("authorization"), None, "the signing key is for the API");
    let (millis, entropy) =
        asked.header("x-inngest-event-id-seed").and_then(|seed| seed.split_once(',')).expect("a seed");
    assert!(millis.parse::<u64>().is_ok_and(|millis| millis > 1_700_000_000_000), "{millis}");
    assert!(entropy.len() == 16 && entropy.ends_with("=="), "ten bytes: {entropy}");
    let body = asked.json();
    assert_eq!(body[1], serde_json::json!({ "name": "test/nobody", "data": { "n": 1 } }));
}

#[tokio::test]
async fn a_repeated_send_has_the_same_seed_and_another_send_another_one() {
    let stub = Stub::start([(500, ""), (429, "{}"), (200, SENT), (200, SENT)]).await;
    let client = stub.client(&[]);
    for _ in 0..2 {
        assert_eq!(client.send(&events(2)).await.map(|ids| ids.len()), Ok(2));
    }
    let asked = stub.asked();
    let seeds: Vec<_> = asked.iter().map(|asked| asked.header("x-inngest-event-id-seed").expect("a seed")).collect();
    assert_eq!(seeds.len(), 4);
    assert!(seeds[0] == seeds[1] && seeds[1] == seeds[2] && seeds[2] != seeds[3], "{seeds:?}");
    assert!(asked.iter().all(|one| one.body == asked[0].body));
}

#[tokio::test]
async fn what_the_server_refuses_is_not_repeated() {
    let stub = Stub::start([(400, r#"{"ids":[""],"status":400,"error":"event name is empty"}"#)]).await;
    let error = stub.client(&[]).send(&events(1)).await.expect_err("is refused");
    assert!(error.to_string().ends_with("answered 400: event name is empty"), "{error}");
    stub.only();
}

#[tokio::test]
async fn events_that_were_taken_before_a_refusal_are_told() {
    let stub = Stub::start([(400, PARTIAL)]).await;
    let error = stub.client(&[]).send(&events(3)).await.expect_err("is refused");
    assert!(error.to_string().starts_with("only 1 of 3 events were taken: "), "{error}");
    let ApiError::Partial { ids, total: 3, error } = error else { panic!("{error}") };
    assert_eq!((ids, error.status()), (vec!["01M85TXHB6CXAD18Y2JSJKGNQP".to_owned()], Some(400)));
    stub.only();
}

#[tokio::test]
async fn a_wrong_event_key_is_named_and_not_shown() {
    let stub = Stub::start([(401, WRONG_KEY)]).await;
    let client = stub.client(&[("INNGEST_EVENT_KEY", "hunter2"), ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK)]);
    let text = client.send(&events(1)).await.expect_err("is refused").to_string();
    assert!(text.contains("`INNGEST_EVENT_KEY`") && !text.contains("hunter2"), "{text}");
    stub.only();
}

#[tokio::test]
async fn no_events_are_no_request() {
    let stub = Stub::start([]).await;
    assert_eq!(stub.client(&[]).send(&[]).await, Ok(Vec::new()));
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn an_event_that_no_server_takes_is_not_sent() {
    let stub = Stub::start([]).await;
    let mut events = events(2);
    let text = "x".repeat(EVENT_BYTES_MAX);
    events[1].data = serde_json::value::to_raw_value(&serde_json::json!({ "text": text })).expect("is JSON");
    let error = stub.client(&[]).send(&events).await.expect_err("is too large");
    assert!(matches!(error, ApiError::EventTooLarge { limit: EVENT_BYTES_MAX, .. }), "{error}");
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn many_events_go_in_several_requests_and_a_later_failure_tells_the_first_ids() {
    let ids: Vec<_> = (0..EVENTS_MAX).map(|number| number.to_string()).collect();
    let first = serde_json::json!({ "ids": ids, "status": 200 }).to_string();
    let stub = Stub::start([(200, first.as_str()), (400, "no")]).await;
    let error = stub.client(&[]).send(&events(EVENTS_MAX + 1)).await.expect_err("the second one fails");
    let ApiError::Partial { ids: taken, total, .. } = error else { panic!("{error}") };
    assert_eq!((taken.len(), total), (EVENTS_MAX, EVENTS_MAX + 1));
    let lengths: Vec<_> = stub.asked().iter().map(|asked| asked.json().as_array().map(Vec::len)).collect();
    assert_eq!(lengths, [Some(EVENTS_MAX), Some(1)]);
}

#[test]
fn requests_stay_below_the_limits() {
    assert_eq!(requests(&[]), [0; 0]);
    assert_eq!(requests(&vec![1; EVENTS_MAX * 2 + 1]), [EVENTS_MAX, EVENTS_MAX, 1]);
    let half = EVENT_BYTES_MAX / 2 - 2;
    assert_eq!(requests(&[half, half, 1]), [2, 1]);
    assert_eq!(requests(&[EVENT_BYTES_MAX, 1]), [1, 1]);
}

#[tokio::test]
async fn the_fallback_key_is_tried_on_401_and_kept_when_it_fits() {
    let stub = Stub::start([(401, UNAUTHORIZED), (200, EVENTS), (200, EVENTS)]).await;
    let client = stub.client(&[("INNGEST_SIGNING_KEY", CURRENT), ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK)]);
    for _ in 0..2 {
        assert!(client.events(None, None, 3).await.is_ok_and(|events| events.is_empty()));
    }
    let asked = stub.asked();
    let bearers: Vec<_> = asked.iter().map(|asked| asked.header("authorization")).collect();
    assert_eq!(bearers, [Some(CURRENT_BEARER), Some(FALLBACK_BEARER), Some(FALLBACK_BEARER)]);
}

#[tokio::test]
async fn requests_at_the_same_time_do_not_undo_the_switch() {
    let stub =
        Stub::start([(401, UNAUTHORIZED), (401, UNAUTHORIZED), (200, EVENTS), (200, EVENTS), (200, EVENTS)]).await;
    let client = stub.client(&[("INNGEST_SIGNING_KEY", CURRENT), ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK)]);
    let both = futures::join!(client.events(None, None, 3), client.events(None, None, 3));
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert!(client.events(None, None, 3).await.is_ok());
    assert_eq!(stub.asked().last().and_then(|asked| asked.header("authorization")), Some(FALLBACK_BEARER));
}

#[tokio::test]
async fn two_wrong_keys_are_one_error_without_them() {
    let stub = Stub::start([(401, UNAUTHORIZED), (401, UNAUTHORIZED)]).await;
    let client = stub.client(&[("INNGEST_SIGNING_KEY", CURRENT), ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK)]);
    let error = client.events(None, None, 3).await.expect_err("is refused");
    assert!(matches!(error, ApiError::Unauthorized { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("`INNGEST_SIGNING_KEY`") && !text.contains("prod"), "{text}");
    assert_eq!(stub.asked().len(), 2);
}
