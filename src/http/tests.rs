//! The routes without a socket, with an engine of their own.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};
use system_bus_engine::{Config, HandOn};
use system_bus_runtime::Error;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::queue::DirectQueue;
use system_bus_runtime::registry::{Registry, Site};
use system_bus_runtime::service::{SecretSource, Secrets};
use system_bus_runtime::webhook::{
    Emitted, ProviderRegistration, Scheme, Signature, TrustedHops, WebhookConfig, limits,
};
use tempfile::TempDir;
use tower_service::Service;

use super::*;

/// Signs with the secret itself; the body says what it becomes.
static VENDOR: ProviderRegistration = ProviderRegistration {
    id: "vendor",
    sender: "webhook:vendor",
    doc: "",
    signatures: &[Signature {
        scheme: Scheme::Custom(|request, secret| {
            request.header("x-signature").is_some_and(|given| given.as_bytes() == secret)
        }),
        secret: SecretSource { variables: &["VENDOR_SECRET"], lease: None },
    }],
    delivery_id: &[],
    headers: &[],
    emits: &[Emitted::Event("never/declared.happened")],
    body_bytes_max: limits::BODY_BYTES_MAX,
    challenge: None,
    normalize: |delivery| match &delivery.json::<Value>()?["kind"] {
        Value::Null => Err(Error::terminal("`kind` is missing")),
        Value::String(name) => Ok(vec![NewEvent::named(name, Default::default())]),
        _ => Ok(Vec::new()),
    },
    site: Site { file: "", line: 0, manifest_dir: "" },
};

struct Bench {
    worker: Worker,
    engine: Engine,
    webhooks: WebhookGateway,
    _directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = Config { directory: directory.path().to_owned() };
        let engine = Engine::open(&config, &Registry::default(), Services::default()).expect("an engine");
        let webhooks = WebhookGateway::new(WebhookConfig {
            registry: Registry::default().with_providers(vec![&VENDOR]),
            secrets: Secrets::new(|name| (name == "VENDOR_SECRET").then(|| "secret".to_owned()), None),
            inbox: engine.inbox(HandOn::Here),
            trusted_hops: TrustedHops::default(),
        });
        let worker = worker(&engine, webhooks.clone(), Keys::default());
        Self { worker, engine, webhooks, _directory: directory }
    }

    fn worker_with(&self, keys: Keys) -> Worker {
        worker(&self.engine, self.webhooks.clone(), keys)
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

fn worker(engine: &Engine, webhooks: WebhookGateway, keys: Keys) -> Worker {
    Worker::new(Served {
        engine: engine.clone(),
        server: None,
        redis: None,
        registry: Registry::default(),
        keys,
        webhooks,
        admission: Admission {
            registry: Registry::default(),
            queue: Arc::new(DirectQueue::new(Arc::new(|_| Box::pin(async { Ok(Default::default()) })))),
            secrets: Secrets::new(|_| None, None),
        },
        role: None,
        role_counts: (0, 0),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
    })
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
async fn what_verifies_and_becomes_no_event_is_kept_and_shown() {
    let bench = Bench::new();
    for (body, problem) in [
        ("{}", "`kind` is missing"),
        (r#"{"kind":"other/thing.happened"}"#, "`vendor` may not send `other/thing.happened`: add it to `emits`"),
        (r#"{"kind":"never/declared.happened"}"#, "unknown event `never/declared.happened`"),
    ] {
        let (status, answer) = bench.deliver("secret", body).await;
        assert_eq!((status, &answer["state"]), (StatusCode::OK, &json!("failed")), "{body}");
        let shown = bench.ask(get(&format!("/v1/inbox/{}", answer["delivery"]))).await.1;
        assert_eq!(shown["data"]["problem"], problem);
        assert_eq!(shown["data"]["body"].to_string(), body);
    }
    let (_, failed) = bench.ask(get("/v1/inbox?state=failed&limit=2")).await;
    assert_eq!(failed["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(bench.ask(get("/")).await.1["webhooks"]["inbox"], json!({ "waiting": 0, "failed": 3 }));
}

#[tokio::test]
async fn a_delivery_that_cannot_be_kept_is_not_accepted() {
    let bench = Bench::new();
    assert_eq!(bench.deliver("secret", r#"{"kind":7}"#).await.1["note"], "no matching events");
    bench.engine.stop(Duration::ZERO).await;
    let (status, answer) = bench.deliver("secret", r#"{"kind":8}"#).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    let (status, _) = bench.deliver("secret", r#"{"kind":7}"#).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "nor is a repeat of which nobody knows");
}

#[tokio::test]
async fn operators_need_the_key_of_the_engine() {
    let mut bench = Bench::new();
    bench.worker = bench.worker_with(Keys { event: None, signing: Some("key".to_owned()) });
    for request in [
        get("/v1/inbox"),
        get("/v1/inbox/1"),
        Request::post("/v1/inbox/1/replay").body(Body::empty()).expect("a request"),
    ] {
        assert_eq!(bench.ask(request).await.0, StatusCode::UNAUTHORIZED);
    }
    let request = Request::get("/v1/inbox/1").header("authorization", "Bearer key").body(Body::empty());
    assert_eq!(bench.ask(request.expect("a request")).await.0, StatusCode::NOT_FOUND);
}
