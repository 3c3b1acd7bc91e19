//! Calls recorded from a real server, given to the endpoint again: the answers must be the same byte for byte, but for
//! times. See `tests/wire/serve/README.md`.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use system_bus_runtime::function::Services;
use system_bus_runtime::middleware::MiddlewareStack;
use system_bus_runtime::registry::Registry;
use system_bus_runtime::server::{AppIds, ServerSettings, Serving};
use tokio::net::TcpListener;
use tower_service::Service;

#[derive(Deserialize)]
struct Exchange {
    #[serde(default)]
    name: String,
    request: Asked,
    response: Answered,
    /// The answer to a race: `select!` polls its branches in random order.
    #[serde(default)]
    unordered: bool,
    /// What the worker asked the server meanwhile.
    #[serde(default)]
    server: Vec<Exchange>,
}

#[derive(Clone, Deserialize)]
struct Asked {
    method: String,
    path: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

#[derive(Clone, Deserialize)]
struct Answered {
    status: u16,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

/// The server of one recorded call: it takes what was asked then, in that order, and gives the same answers.
#[derive(Clone, Default)]
struct Server {
    expected: Arc<Mutex<VecDeque<(Asked, Answered)>>>,
    problems: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await.expect("a body")).into_owned();
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let expected = server.expected.lock().expect("whole").pop_front();
    let problem = |text: String| server.problems.lock().expect("whole").push(text);
    let Some((asked, answered)) = expected else {
        problem(format!("asked for `{path}`, which was not asked for then"));
        return Response::builder().status(500).body(Body::empty()).expect("a response");
    };
    if (head.method.as_str(), path.as_str()) != (&asked.method, &asked.path) {
        problem(format!("asked for `{} {path}` in place of `{} {}`", head.method, asked.method, asked.path));
    }
    for name in ["x-inngest-sdk", "x-inngest-req-version", "x-inngest-event-id-seed", "content-type"] {
        let (now, then) = (head.headers.get(name).and_then(|value| value.to_str().ok()), asked.headers.get(name));
        if then.is_some() && now != then.map(String::as_str) {
            problem(format!("`{path}`: `{name}` is {now:?} in place of {then:?}"));
        }
    }
    if timeless(&body) != timeless(&asked.body) {
        problem(format!("`{path}` got\n{}\nin place of\n{}", timeless(&body), timeless(&asked.body)));
    }
    Response::builder().status(answered.status).body(Body::from(answered.body)).expect("a response")
}

/// A body without the times at which something happened: the numbers behind these names are all zero.
fn timeless(body: &str) -> String {
    let mut text = body.to_owned();
    for name in ["\"a\":", "\"b\":", "\"request_started_at\":", "\"ts\":"] {
        let mut from = 0;
        while let Some(found) = text[from..].find(name) {
            let start = from + found + name.len();
            let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
            // Times have many digits; a result of the same name has few.
            if digits > 3 || text[..start].ends_with("\"b\":") {
                text.replace_range(start..start + digits, "0");
            }
            from = start;
        }
    }
    text
}

async fn replay(exchange: &Exchange, checkpointing: &str) -> Vec<String> {
    let server = Server::default();
    let expected = exchange.server.iter().map(|inner| (inner.request.clone(), inner.response.clone()));
    server.expected.lock().expect("whole").extend(expected);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let listening = tokio::spawn({
        let router = Router::new().fallback(answer).with_state(server.clone());
        async move { axum::serve(listener, router).await }
    });
    let variable = |name: &str| match name {
        "INNGEST_DEV" => Some("1".to_owned()),
        "INNGEST_BASE_URL" => Some(origin.clone()),
        "INNGEST_CHECKPOINTING" => Some(checkpointing.to_owned()),
        _ => None,
    };
    let settings = ServerSettings::read(variable, "server").expect("is fine").expect("names a server");
    let registry = Registry::linked();
    let app_ids = AppIds::new("server", "server", None, &registry);
    let address = (Ipv4Addr::LOCALHOST, 3000).into();
    let serving = Serving::new(settings, app_ids, registry, Services::default(), MiddlewareStack::default(), address);
    let mut request = Request::builder().method(exchange.request.method.as_str()).uri(&exchange.request.path);
    for (name, value) in &exchange.request.headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(exchange.request.body.clone())).expect("a request");
    let answer = serving.router().call(request).await.expect("never fails");
    let (head, body) = answer.into_parts();
    let body = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await.expect("a body")).into_owned();
    listening.abort();
    let mut problems = std::mem::take(&mut *server.problems.lock().expect("whole"));
    let left = server.expected.lock().expect("whole").len();
    if left > 0 {
        problems.push(format!("{left} requests to the server were not made"));
    }
    let then = &exchange.response;
    if head.status.as_u16() != then.status {
        problems.push(format!("the status is {} in place of {}", head.status, then.status));
    }
    for (name, value) in &then.headers {
        let now = head.headers.get(name).and_then(|value| value.to_str().ok());
        // The time of a retry depends on when it was asked for.
        if now != Some(value) && !(name == "retry-after" && now.is_some()) {
            problems.push(format!("`{name}` is {now:?} in place of `{value}`"));
        }
    }
    let (now, then) = (timeless(&body), timeless(&then.body));
    if now != then && !(exchange.unordered && same_set(&now, &then)) {
        problems.push(format!("the body is\n{now}\nin place of\n{then}"));
    }
    problems
}

fn same_set(one: &str, other: &str) -> bool {
    let sorted = |text: &str| {
        let list: Vec<Value> = serde_json::from_str(text).expect("is a list");
        let mut texts: Vec<String> = list.iter().map(ToString::to_string).collect();
        texts.sort();
        texts
    };
    sorted(one) == sorted(other)
}

async fn replay_all(recorded: &str, checkpointing: &str) {
    let exchanges: Vec<Exchange> = serde_json::from_str(recorded).expect("are exchanges");
    assert!(!exchanges.is_empty());
    let mut problems = Vec::new();
    for exchange in &exchanges {
        let found = replay(exchange, checkpointing).await;
        problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", exchange.name)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[tokio::test]
async fn every_kind_of_step_is_answered_as_it_was() {
    replay_all(include_str!("serve/steps.json"), "off").await;
}

#[tokio::test]
async fn checkpoints_signals_and_events_are_sent_as_they_were() {
    replay_all(include_str!("serve/checkpoints.json"), "safe").await;
}
