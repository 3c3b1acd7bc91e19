//! Requests without a socket.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower_service::Service;

use super::super::limits;
use super::*;
use crate::registry::Registry;
use crate::service::Secrets;
use crate::testing::WebhookHarness;

const SECRET: &str = "new-secret";

struct Bench {
    gateway: WebhookGateway,
    inbox: Arc<MemoryInbox>,
}

struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Bench {
    fn new(variables: &'static [(&'static str, &'static str)]) -> Self {
        let inbox = Arc::new(MemoryInbox::default());
        let find =
            move |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let gateway = WebhookGateway::new(WebhookConfig {
            registry: Registry::linked(),
            secrets: Secrets::new(find, None),
            inbox: shared(&inbox),
            trusted_hops: TrustedHops(1),
        });
        Self { gateway, inbox }
    }

    async fn ask(&self, mut request: Request<Body>, client: &str) -> Answer {
        request.headers_mut().insert("x-forwarded-for", client.parse().expect("is a header"));
        let peer: SocketAddr = "127.0.0.1:4711".parse().expect("is an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut router = self.gateway.router();
        let response = Service::call(&mut router, request).await.expect("never fails");
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        Answer { status, retry_after, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    async fn deliver(&self, client: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::post("/webhooks/shop");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Body::from(body.to_owned())).expect("a request"), client).await
    }

    /// A delivery with a good signature.
    async fn signed(&self, secret: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let signed = WebhookHarness::of("shop").secret("SHOP_SECRET", secret).signed(body);
        let signed = signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(signed).collect();
        self.deliver("192.0.2.1", &headers, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).expect("a request"), "192.0.2.1").await
    }
}

fn open() -> Bench {
    Bench::new(&[("SHOP_SECRET", SECRET), ("SHOP_OLD_SECRET", "old-secret"), ("BANK_SECRET", "b")])
}

#[tokio::test]
async fn a_delivery_is_kept_with_what_it_becomes() {
    let bench = open();
    let headers = [("x-shop-delivery", "d-1"), ("x-shop-event", "order"), ("x-other", "not kept")];
    let answer = bench.signed(SECRET, &headers, r#"{"count":7}"#).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(
        answer.json(),
        json!({ "ok": true, "delivery": 0, "state": "handled", "events": 1, "ids": ["shop-d-1-0"] })
    );
    let kept = bench.inbox.kept();
    assert_eq!((kept[0].provider, kept[0].key.as_str(), &kept[0].body[..]), ("shop", "d-1", &br#"{"count":7}"#[..]));
    assert_eq!(serde_json::to_value(&kept[0].headers).expect("JSON"), json!({ "x-shop-event": "order" }));
    let again = bench.signed(SECRET, &headers, r#"{"count":7}"#).await;
    assert_eq!((again.status, &again.json()["duplicate"]), (StatusCode::OK, &json!(true)));
    assert_eq!(bench.inbox.kept().len(), 1);
}

#[tokio::test]
async fn the_id_is_the_vendors_or_the_bodys_hash() {
    let bench = open();
    let long = "x".repeat(limits::DELIVERY_ID_BYTES_MAX + 1);
    for (headers, body, expected) in [
        (vec![("x-shop-delivery", "d-1")], r#"{"count":1,"order":{"id":"o-1"}}"#, "d-1"),
        (vec![], r#"{"count":1,"order":{"id":"o-1"}}"#, "o-1"),
        (vec![("x-shop-delivery", " ")], r#"{"count":2,"order":{"id":9007199254740993}}"#, "body-"),
        (vec![], r#"{"count":1,"order":{"id":9007199254740993}}"#, "9007199254740993"),
        (vec![], r#"{"count":1,"order":{"id":null}}"#, "body-"),
        (vec![], r#"{"count":1,"order":[]}"#, "body-"),
        (vec![("x-shop-delivery", long.as_str())], r#"{"count":3}"#, "id-"),
    ] {
        bench.signed(SECRET, &headers, body).await;
        let kept = bench.inbox.kept();
        let key = &kept.last().expect("was kept").key;
        assert!(key.starts_with(expected), "{body}: {key}");
    }
}

#[tokio::test]
async fn every_secret_that_is_set_counts() {
    let bench = open();
    for (secret, status) in
        [(SECRET, StatusCode::OK), ("old-secret", StatusCode::OK), ("older-secret", StatusCode::UNAUTHORIZED)]
    {
        assert_eq!(bench.signed(secret, &[], r#"{"count":1}"#).await.status, status, "{secret}");
    }
}

#[tokio::test]
async fn nothing_of_a_body_is_looked_at_before_its_signature() {
    let bench = open();
    let unsigned = bench.deliver("192.0.2.1", &[], "not JSON").await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bench.signed(SECRET, &[], "not JSON").await.status, StatusCode::BAD_REQUEST);
    assert!(bench.inbox.kept().is_empty());
}

#[tokio::test]
async fn only_declared_events_get_through() {
    let bench = open();
    let other = bench.signed(SECRET, &[("x-shop-event", "other")], r#"{"n":1}"#).await;
    assert_eq!((other.status, &other.json()["note"]), (StatusCode::OK, &json!("no matching events")));
    for (event, body, problem) in [
        ("foreign", r#"{"n":2}"#, "`shop` may not send `bank/account.emptied`: add it to `emits`"),
        ("order", r#"{"count":"many"}"#, "the data of `shop/order.placed` does not fit its schema: `count`"),
        ("order", "[1]", "the body is not a JSON object"),
    ] {
        let answer = bench.signed(SECRET, &[("x-shop-event", event)], body).await;
        assert_eq!((answer.status, &answer.json()["state"]), (StatusCode::OK, &json!("failed")), "{body}");
        let kept = bench.inbox.kept();
        let Some(NewDelivery { outcome: Outcome::Problem(text), .. }) = kept.last() else { panic!("is kept: {body}") };
        assert!(text.starts_with(problem), "{text}");
    }
}

#[tokio::test]
async fn wrong_signatures_are_limited_for_each_client_and_hold_up_no_right_one() {
    let bench = open();
    let wrong = [("x-shop-signature", "d3Jvbmc=")];
    for _ in 0..limits::FAILURES_PER_MINUTE {
        assert_eq!(bench.deliver("192.0.2.1", &wrong, "{}").await.status, StatusCode::UNAUTHORIZED);
    }
    let limited = bench.deliver("192.0.2.1", &wrong, "{}").await;
    assert_eq!((limited.status, limited.retry_after.as_deref()), (StatusCode::TOO_MANY_REQUESTS, Some("60")));
    assert_eq!(bench.signed(SECRET, &[], r#"{"count":1}"#).await.status, StatusCode::OK, "the same client");
    assert_eq!(bench.deliver("192.0.2.2", &wrong, "{}").await.status, StatusCode::UNAUTHORIZED, "another client");
    let claimed = "6.6.6.6, 192.0.2.1";
    let answer = bench.deliver(claimed, &wrong, "{}").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "what a client claims of itself does not count");
}

#[tokio::test]
async fn a_provider_without_its_secret_is_closed() {
    let bench = Bench::new(&[]);
    let answer = bench.signed(SECRET, &[], r#"{"count":1}"#).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["error"], "the webhook `shop` is closed: its secret is not set");
    assert_eq!(bench.get("/webhooks/bank?word=foo").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_blank_secret_opens_nothing() {
    let bench = Bench::new(&[("SHOP_SECRET", "")]);
    assert_ne!(bench.signed("", &[], r#"{"count":1}"#).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_challenge_is_answered_when_it_is_signed_and_leaves_nothing() {
    let bench = open();
    let challenge = [("x-shop-challenge", "say this")];
    let answer = bench.signed(SECRET, &challenge, r#"{"type":"sync"}"#).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "say this"));
    let unsigned = bench.deliver("192.0.2.1", &challenge, r#"{"type":"sync"}"#).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
    assert!(bench.inbox.kept().is_empty());
}

#[tokio::test]
async fn a_token_is_answered_once_for_each_request_and_not_too_often() {
    let bench = open();
    assert_eq!(bench.get("/webhooks/bank?word=f%6fo").await.json(), json!({ "word": "foo", "bytes": 1 }));
    for query in ["", "?word=", "?word=a&word=b", "?word=%7B%7D", &format!("?word={}", "x".repeat(257))] {
        let answer = bench.get(&format!("/webhooks/bank{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.json()["error"].as_str().is_some_and(|error| error.contains("`word`")), "{}", answer.text);
    }
    for _ in 6..limits::CHALLENGES_PER_MINUTE {
        assert_eq!(bench.get("/webhooks/bank?word=foo").await.status, StatusCode::OK);
    }
    assert_eq!(bench.get("/webhooks/bank?word=foo").await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let bench = open();
    assert_eq!(bench.get("/webhooks/nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.get("/webhooks/shop").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        bench.get("/webhooks").await.json()["providers"],
        json!(["bank", "kit-careful", "kit-careless", "shop"])
    );
}
