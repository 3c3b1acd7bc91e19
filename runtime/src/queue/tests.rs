//! The route over a real Redis and over events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::cmd;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower_service::Service;

use super::*;
use crate::error::{Error, Result};
use crate::event::NewEvent;
use crate::registry::Registry;
use crate::service::{Redis, Secrets};
use crate::testing::RedisServer;

/// Something was found.
#[crate::event("queuetest/thing.found", queued(priority = 2, dedup = "60s"))]
struct ThingFound {
    /// Where.
    url: String,
}

/// Work was asked for.
#[crate::event("queuetest/work.requested", queued(priority = 1, name = "queuetest/workload"))]
struct WorkRequested {
    /// Which.
    task: String,
}

/// Nobody queues it.
#[crate::event("queuetest/secret.shared")]
struct SecretTold {}

const TOKEN: (&str, &str) = ("x-internal-token", "t");

struct Bench {
    admission: Admission,
}

impl Bench {
    fn over(queue: impl Queue) -> Self {
        Self::with(queue, Secrets::new(|name| (name == "SYSTEM_BUS_INTERNAL_TOKEN").then(|| "t".to_owned()), None))
    }

    fn with(queue: impl Queue, secrets: Secrets) -> Self {
        Self { admission: Admission { registry: Registry::linked(), queue: Arc::new(queue), secrets } }
    }

    async fn post(&self, headers: &[(&str, &str)], body: &str) -> (StatusCode, Value) {
        let mut request = Request::post("/internal/queue/enqueue");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = Service::call(&mut router(self.admission.clone()), request).await.expect("never fails");
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn enqueue(&self, body: &Value) -> Value {
        let (status, answer) = self.post(&[TOKEN], &body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["result"].clone()
    }
}

#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<NewEvent>>>);

impl Sent {
    fn events(&self) -> Vec<NewEvent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes events in as an engine does: the same id is the same event.
    fn queue(&self) -> DirectQueue {
        let sent = self.clone();
        DirectQueue::new(Arc::new(move |event: NewEvent| {
            let sent = sent.clone();
            Box::pin(async move {
                let known = sent.events().iter().position(|known| known.id == event.id);
                let mut events = sent.0.lock().unwrap_or_else(PoisonError::into_inner);
                let place = known.unwrap_or(events.len());
                if known.is_none() {
                    events.push(event);
                }
                Ok((format!("e-{place}"), known.is_some()))
            })
        }))
    }
}

fn found(url: &str) -> Value {
    json!({ "name": "queuetest/thing.found", "source": "test", "data": { "url": url } })
}

struct Away;

impl Queue for Away {
    fn admit(&self, _message: QueueMessage) -> crate::service::ServiceFuture<'_, Admitted> {
        Box::pin(async { Err(Error::retryable("redis://:password@host is away")) })
    }
}

#[tokio::test]
async fn without_a_token_it_is_closed_and_with_one_it_asks_for_it() {
    let closed = Bench::with(Sent::default().queue(), Secrets::new(|_| None, None));
    assert!(!closed.admission.is_open());
    assert_eq!(closed.post(&[TOKEN], &found("a").to_string()).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let sent = Sent::default();
    let bench = Bench::over(sent.queue());
    for headers in [&[][..], &[("x-internal-token", "T")], &[("x-otel-emit-token", "")]] {
        let (status, answer) = bench.post(headers, &found("a").to_string()).await;
        assert_eq!((status, &answer["error"]), (StatusCode::UNAUTHORIZED, &json!("Unauthorized")));
    }
    assert_eq!(bench.post(&[("x-otel-emit-token", "t")], &found("a").to_string()).await.0, StatusCode::OK);
    assert_eq!(sent.events().len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_reason() {
    let sent = Sent::default();
    let bench = Bench::over(sent.queue());
    for (body, reason) in [
        ("[]", "Invalid payload"),
        ("null", "Invalid payload"),
        ("{", "Invalid payload"),
        ("{}", "Missing required fields: name, source"),
        (r#"{"name":" ","source":"s","data":{}}"#, "Missing required fields: name, source"),
        (r#"{"name":"queuetest/thing.found","source":7,"data":{}}"#, "Missing required fields: name, source"),
        (r#"{"name":"queuetest/thing.found","source":"s"}"#, "data must be a JSON object"),
        (r#"{"name":"queuetest/thing.found","source":"s","data":[]}"#, "data must be a JSON object"),
        (
            r#"{"name":"queuetest/thing.found","source":"s","data":{"url":"a"},"metadata":7}"#,
            "metadata must be a JSON object when provided",
        ),
        (
            r#"{"name":"queuetest/secret.shared","source":"s","data":{}}"#,
            "queue registry has no entry for queuetest/secret.shared",
        ),
        (
            r#"{"name":"queuetest/thing.found","source":"s","data":{}}"#,
            "the data of `queuetest/thing.found` does not fit its schema: missing field `url`",
        ),
    ] {
        let (status, answer) = bench.post(&[TOKEN], body).await;
        assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some(reason)), "{body}");
    }
    let long = json!({ "name": "queuetest/thing.found", "source": "s".repeat(257), "data": { "url": "a" } });
    assert_eq!(bench.post(&[TOKEN], &long.to_string()).await.0, StatusCode::BAD_REQUEST);
    assert!(sent.events().is_empty());
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable_and_tells_nothing() {
    let (status, answer) = Bench::over(Away).post(&[TOKEN], &found("a").to_string()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.to_string().contains("password"), "{answer}");
}

#[tokio::test]
async fn without_a_queue_a_message_is_its_event() {
    let sent = Sent::default();
    let bench = Bench::over(sent.queue());
    let work = json!({ "name": "queuetest/workload", "source": "cli", "data": { "task": "t" }, "eventId": "w-1" });
    let result = bench.enqueue(&work).await;
    assert_eq!(result, json!({ "streamId": "e-0", "eventId": "w-1", "priority": 1, "triageMode": "off" }));
    let event = &sent.events()[0];
    assert_eq!((event.name.as_str(), event.id.as_deref()), ("queuetest/work.requested", Some("w-1")));
    assert_eq!(bench.enqueue(&work).await["duplicate"], true, "the same id is the same message");
    for (priority, expected) in [(json!("p0"), 0), (json!(3), 3), (json!(4), 2), (json!("urgent"), 2), (json!(-1), 2)] {
        let mut message = found(&priority.to_string());
        message["priority"] = priority;
        assert_eq!(bench.enqueue(&message).await["priority"], expected);
    }
}

#[tokio::test]
async fn a_message_is_in_stream_and_index_and_once_in_its_window() {
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).expect("a URL");
    let bench = Bench::over(RedisQueue::new(redis.clone()));
    let mut message = found("a");
    message["metadata"] = json!({ "note": "n", "source": "forged" });
    message["priority"] = json!("P0");
    let first = bench.enqueue(&message).await;
    assert_eq!((&first["priority"], &first["triageMode"]), (&json!(0), &json!("off")));
    let again = bench.enqueue(&found("a")).await;
    assert_eq!((&again["streamId"], &again["duplicate"]), (&first["streamId"], &json!(true)));
    bench.enqueue(&found("b")).await;
    let own = json!({ "name": "queuetest/workload", "source": "cli", "data": { "task": "t" }, "eventId": "w-1" });
    let by_id = bench.enqueue(&own).await;
    assert_eq!(bench.enqueue(&own).await["streamId"], by_id["streamId"]);

    let entries: Vec<(String, Vec<(String, String)>)> =
        redis.query(cmd("XRANGE").arg("joelclaw:queue:events").arg("-").arg("+")).await.expect("an answer");
    assert_eq!(entries.len(), 3);
    let fields: std::collections::BTreeMap<_, _> = entries[0].1.iter().cloned().collect();
    let payload: Value = serde_json::from_str(&fields["payload"]).expect("JSON");
    assert_eq!((&payload["name"], &payload["data"]), (&json!("queuetest/thing.found"), &json!({ "url": "a" })));
    assert_eq!((&payload["id"], &payload["trace"]["correlationId"]), (&first["eventId"], &first["eventId"]));
    let metadata: Value = serde_json::from_str(&fields["metadata"]).expect("JSON");
    assert_eq!((&metadata["note"], &metadata["source"]), (&json!("n"), &json!("test")));
    assert_eq!(fields["priority"], "0");
    let index: Vec<String> =
        redis.query(cmd("ZRANGE").arg("joelclaw:queue:priority").arg(0).arg(-1)).await.expect("an answer");
    assert_eq!(index, [&entries[0].0, &entries[2].0, &entries[1].0].map(Clone::clone), "by priority, then time");
}

#[tokio::test]
async fn redis_that_goes_away_is_unavailable_within_a_bounded_time() {
    let mut server = RedisServer::start();
    let bench = Bench::over(RedisQueue::new(Redis::open(&server.url()).expect("a URL")));
    bench.enqueue(&found("a")).await;
    server.kill();
    let answer = tokio::time::timeout(Duration::from_secs(30), bench.post(&[TOKEN], &found("b").to_string())).await;
    assert_eq!(answer.expect("is bounded").0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_sink_that_fails_takes_nothing_in() -> Result<()> {
    let sink: EventSink = Arc::new(|_| Box::pin(async { Err(Error::retryable("no")) }));
    let (status, _) = Bench::over(DirectQueue::new(sink)).post(&[TOKEN], &found("a").to_string()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    Ok(())
}
