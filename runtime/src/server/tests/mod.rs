//! The endpoint and what it asks of the server, against a server of this test: real sockets for what we send, the
//! router itself for what we answer.

mod call;
mod checkpoint;
mod functions;
mod registration;
mod security;
mod sync;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower_service::Service;

use super::key::SigningKey;
use super::signature::sign;
use super::{AppIds, ServerSettings, Serving};
use crate::function::Services;
use crate::middleware::MiddlewareStack;
use crate::protocol::StepId;

const KEY: &str = "signkey-test-aabbcc";
const OLD_KEY: &str = "signkey-test-112233";
const RUN: &str = "01M85SND76GCJSYQQ4TQBKSF4E";

/// One request that the server of the test has got.
#[derive(Clone, Debug)]
struct Got {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("is JSON")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("is text"))
    }
}

/// The server of a test: it records what it gets and answers what it was told to, or 200 with `{}`.
#[derive(Clone, Default)]
struct FakeServer(Arc<FakeState>);

#[derive(Default)]
struct FakeState {
    got: Mutex<Vec<Got>>,
    answers: Mutex<HashMap<String, VecDeque<(u16, String)>>>,
    arrived: Notify,
}

impl FakeServer {
    /// The next answer at a path; later ones follow in order, and the last one stays.
    fn answers(&self, path: &str, status: u16, body: impl ToString) -> &Self {
        let mut answers = self.0.answers.lock().unwrap();
        answers.entry(path.to_owned()).or_default().push_back((status, body.to_string()));
        self
    }

    fn got(&self, path: &str) -> Vec<Got> {
        let got = self.0.got.lock().unwrap();
        got.iter().filter(|got| got.path.split('?').next() == Some(path)).cloned().collect()
    }

    /// Waits until that many requests have come to a path.
    async fn waits_for(&self, path: &str, count: usize) -> Vec<Got> {
        loop {
            let arrived = self.0.arrived.notified();
            let got = self.got(path);
            if got.len() >= count {
                return got;
            }
            arrived.await;
        }
    }

    async fn starts(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

async fn take(State(server): State<FakeServer>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path_and_query().unwrap().to_string();
    let place = head.uri.path().to_owned();
    server.0.got.lock().unwrap().push(Got { method: head.method, path, headers: head.headers, body });
    server.0.arrived.notify_waiters();
    let mut answers = server.0.answers.lock().unwrap();
    let (status, body) = match answers.get_mut(&place) {
        Some(queue) if queue.len() > 1 => queue.pop_front().unwrap(),
        Some(queue) => queue.front().cloned().unwrap(),
        None => (200, "{}".to_owned()),
    };
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

/// An app whose server is the test's.
struct Bench {
    serving: Serving,
    server: FakeServer,
}

/// An answer of the endpoint.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("is text"))
    }

    /// What is reported of steps, without what changes from one call to the next.
    #[track_caller]
    fn reports(&self) -> Vec<Value> {
        assert_eq!(self.status, StatusCode::PARTIAL_CONTENT, "{:?}", self.body);
        let mut reports: Vec<Value> = serde_json::from_slice(&self.body).expect("is a list");
        for report in &mut reports {
            report.as_object_mut().unwrap().remove("timing");
        }
        reports
    }

    /// The operations and names of the reports.
    #[track_caller]
    fn operations(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.reports().iter().map(|report| (text(&report["op"]), text(&report["name"]))).collect()
    }
}

impl Bench {
    /// For a Dev Server, without checkpoints.
    async fn dev() -> Self {
        Self::with(&[("INNGEST_DEV", "1"), ("INNGEST_CHECKPOINTING", "off")]).await
    }

    /// For a server that signs, with a key and the one before it.
    async fn cloud() -> Self {
        Self::with(&[
            ("INNGEST_DEV", "0"),
            ("INNGEST_SIGNING_KEY", KEY),
            ("INNGEST_SIGNING_KEY_FALLBACK", OLD_KEY),
            ("INNGEST_EVENT_KEY", "events"),
            ("INNGEST_CHECKPOINTING", "off"),
        ])
        .await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let server = FakeServer::default();
        let origin = format!("http://{}", server.starts().await);
        let find = |name: &str| match name {
            "INNGEST_BASE_URL" => Some(origin.clone()),
            _ => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let settings = ServerSettings::read(find, "app").expect("is fine").expect("names a server");
        let registry = functions::registry();
        let app_ids = AppIds::new("app", "app", None, &registry);
        let address = "127.0.0.1:3111".parse().unwrap();
        Self {
            serving: Serving::new(
                settings,
                app_ids,
                registry,
                Services::default(),
                MiddlewareStack::default(),
                address,
            ),
            server,
        }
    }

    async fn ask(&self, request: Request) -> Answer {
        let answer = self.serving.router().call(request).await.expect("never fails");
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        Answer { status: head.status, headers: head.headers, body }
    }

    async fn get(&self, headers: &[(&str, &str)]) -> Answer {
        self.ask(request(Method::GET, "/api/inngest", headers, String::new())).await
    }

    async fn put(&self, query: &str, headers: &[(&str, &str)], body: impl ToString) -> Answer {
        self.ask(request(Method::PUT, &format!("/api/inngest{query}"), headers, body.to_string())).await
    }

    async fn post(&self, query: &str, headers: &[(&str, &str)], body: impl ToString) -> Answer {
        self.ask(request(Method::POST, &format!("/api/inngest{query}"), headers, body.to_string())).await
    }

    /// Calls a function of the app as a server does.
    async fn calls(&self, function: &str, call: CallBody) -> Answer {
        let step = call.target.as_deref().map_or("step".to_owned(), |name| StepId::of(name).to_string());
        let query = format!("?fnId=app-{function}&stepId={step}");
        self.post(&query, &[], call.json()).await
    }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Request {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).expect("a request")
}

/// The header of a body that is signed now with this key.
fn signed(key: &str, body: &str) -> String {
    sign(&SigningKey::parse(key).expect("is a key"), body.as_bytes(), jiff::Timestamp::now().as_second())
}

/// What a call request holds.
#[derive(Clone, Default)]
struct CallBody {
    data: Value,
    steps: Vec<(String, Value)>,
    context: serde_json::Map<String, Value>,
    target: Option<String>,
}

/// The first call of a run.
fn first() -> CallBody {
    CallBody::default()
}

impl CallBody {
    fn data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }

    /// A step that has completed, after those that were named before.
    fn remembers(mut self, step: &str, memo: Value) -> Self {
        self.steps.push((step.to_owned(), memo));
        self
    }

    fn context(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.context.insert(name.to_owned(), value.into());
        self
    }

    fn targets(mut self, step: &str) -> Self {
        self.target = Some(step.to_owned());
        self
    }

    /// What a server sends that takes checkpoints.
    fn checkpointed(self) -> Self {
        self.context("fn_id", "f1").context("qi_id", "q1").context("request_id", "r1").context("generation_id", 3)
    }

    fn json(&self) -> Value {
        let stack: Vec<String> = self.steps.iter().map(|(name, _)| StepId::of(name).to_string()).collect();
        let steps: serde_json::Map<String, Value> =
            self.steps.iter().map(|(name, memo)| (StepId::of(name).to_string(), memo.clone())).collect();
        let data = if self.data.is_null() { json!({}) } else { self.data.clone() };
        let event = json!({ "id": "e1", "name": "test/work.requested", "data": data, "ts": 7, "user": {} });
        let mut context = json!({
            "run_id": RUN, "attempt": 0, "max_attempts": 4, "disable_immediate_execution": false, "use_api": false,
            "stack": { "stack": stack, "current": stack.len() },
        });
        for (name, value) in &self.context {
            context[name] = value.clone();
        }
        json!({ "event": event, "events": [event], "steps": steps, "ctx": context, "version": 2, "use_api": false })
    }
}
