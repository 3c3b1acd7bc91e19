//! The routes without a socket, with an engine of their own.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};
use system_bus_engine::Config;
use system_bus_runtime::Error;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::registry::Registry;
use tempfile::TempDir;
use tower_service::Service;

use super::*;
use crate::config::Environment;

/// Signs with the secret itself; the body says what it becomes.
static VENDOR: Provider = Provider {
    id: "vendor",
    secrets: &["VENDOR_SECRET"],
    verify: |delivery, secret| delivery.header("x-signature").is_some_and(|given| given.as_bytes() == secret),
    events: |delivery| match delivery.json::<Value>()? {
        Value::Null => Ok(Vec::new()),
        Value::String(name) => Ok(vec![NewEvent::named(name, Default::default())]),
        _ => Err(Error::terminal("`kind` is missing")),
    },
};

struct Bench {
    worker: Worker,
    engine: Engine,
    _directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = Config { directory: directory.path().to_owned() };
        let engine = Engine::open(&config, &Registry::default(), Services::default()).expect("an engine");
        let worker = Worker::new(Served {
            engine: engine.clone(),
            server: None,
            redis: None,
            registry: Registry::default(),
            keys: Keys::default(),
            providers: vec![&VENDOR],
            secrets: Environment::of([("VENDOR_SECRET", "secret")]).webhook_secrets(&[&VENDOR]),
            role: None,
            role_counts: (0, 0),
            address: std::net::Ipv4Addr::LOCALHOST.into(),
        });
        Self { worker, engine, _directory: directory }
    }

    async fn ask(&self, request: Request) -> (StatusCode, Value) {
        let answer = app(self.worker.clone()).call(request).await.expect("never fails");
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    async fn deliver(&self, signature: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post("/webhooks/vendor").header("x-signature", signature);
        self.ask(request.body(body.into()).expect("a request")).await
    }
}

fn get(path: &str) -> Request {
    Request::get(path).body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn a_worker_that_stops_is_alive_but_not_ready() {
    let bench = Bench::new();
    assert_eq!(bench.ask(get("/readyz")).await.0, StatusCode::OK);
    bench.worker.drain();
    let (status, answer) = bench.ask(get("/readyz")).await;
    assert_eq!((status, &answer["checks"]["worker"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("stopping")));
    assert_eq!(bench.ask(get("/healthz")).await.0, StatusCode::OK);
    assert_eq!(bench.ask(get("/")).await.1["status"], "stopping");
}

#[tokio::test]
async fn a_worker_without_its_engine_takes_nothing_in() {
    let bench = Bench::new();
    bench.engine.stop(Duration::ZERO).await;
    let (status, answer) = bench.ask(get("/readyz")).await;
    assert_eq!((status, &answer["checks"]["store"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
    let event = Request::post("/e/key?allow_unhandled=true").body(Body::from(r#"{"name":"a/b.happened"}"#));
    let (status, answer) = bench.ask(event.expect("a request")).await;
    assert_eq!((status, &answer["error"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("the engine is not available")));
}

#[tokio::test]
async fn nothing_of_a_delivery_is_looked_at_before_its_signature() {
    let bench = Bench::new();
    assert_eq!(bench.deliver("wrong", "not JSON").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(bench.deliver("secret", "not JSON").await.0, StatusCode::BAD_REQUEST);
    let (status, answer) = bench.deliver("secret", "{}").await;
    assert_eq!((status, &answer["error"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("`kind` is missing")));
    let (status, answer) = bench.deliver("secret", r#""never/declared.happened""#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert_eq!(bench.deliver("secret", "null").await.1["note"], "no matching events");
}

#[tokio::test]
async fn a_body_is_bounded_also_when_nothing_announces_its_size() {
    let bench = Bench::new();
    let chunks = |count: usize| {
        Body::from_stream(futures::stream::iter(
            (0..count).map(|_| Ok::<_, std::convert::Infallible>(vec![b' '; 64 * 1024])),
        ))
    };
    assert_eq!(bench.deliver("secret", chunks(17)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(bench.deliver("secret", chunks(16)).await.0, StatusCode::BAD_REQUEST, "1 MiB of spaces is no JSON");
    // More bodies at the same time than there is room for wait nowhere: the vendor is told to come again.
    let open: Vec<_> = (0..128)
        .map(|_| {
            let body = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::convert::Infallible>>());
            Box::pin(bench.deliver("secret", body))
        })
        .collect();
    let mut open = futures::future::join_all(open);
    assert!(futures::poll!(&mut open).is_pending());
    assert_eq!(bench.deliver("secret", chunks(1)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    drop(open);
    assert_eq!(bench.deliver("secret", "null").await.0, StatusCode::OK);
}
