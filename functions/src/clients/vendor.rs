//! A vendor for tests: a server on a free port that answers what it is told to and keeps what it was asked.
#![cfg(test)]

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use system_bus_runtime::service::Secrets;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Secrets of these variables alone.
pub(crate) fn secrets<const N: usize>(variables: [(&'static str, &'static str); N]) -> Secrets {
    let value = move |name: &str| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    };
    Secrets::new(value, None)
}

/// A server that lives as long as the value does.
pub(crate) struct Vendor {
    base: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// The body, null when there is none.
    pub(crate) body: Value,
}

impl Request {
    /// Method, path and query, such as `GET /tasks/1`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }

    /// A header, empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header's text"))
    }
}

/// What it answers.
#[derive(Clone)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// 200 with JSON.
    pub(crate) fn json(body: &Value) -> Self {
        Self::text("application/json", &body.to_string())
    }

    /// 200 with a text of this media type.
    pub(crate) fn text(kind: &'static str, body: &str) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        Self { status: StatusCode::OK, headers, body: body.to_owned() }
    }

    /// A refusal without words.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: String::new() }
    }

    /// The same with another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with a header.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}

impl Vendor {
    /// Starts a server whose every answer `answer` makes.
    pub(crate) async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&requests), Arc::new(answer));
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            async move {
                let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("is JSON") };
                let request = Request { method, uri, headers, body };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                answer(&request)
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let server = axum::serve(listener, Router::new().fallback(handler));
        let task = tokio::spawn(async move { server.await.expect("serves") });
        Self { base, requests, task }
    }

    /// Its address, without a `/` at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What it was asked, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Methods, paths and queries of all that it was asked, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }

    /// Stops it; when this returns, nobody listens at its address.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        // Aborted tasks end with an error, which is what is waited for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.task.abort();
    }
}
