//! The endpoint that a server calls: introspection, sync and calls at one address (`SDK_SPEC.md` §4).

mod introspection;
mod request;
mod stream;
mod sync;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::LengthLimitError;

use self::request::{CallQuery, Signed};
use super::headers;
use super::key::SigningKey;
use super::registration::Keeper;
use super::reply::Reply;
use super::serving::Connection;
use super::settings::Mode;
use super::worker::{IncomingCall, Worker};

/// The largest body of a call request. Servers send at most 4 MiB and let the worker fetch what is beyond.
pub const CALL_BYTES_MAX: usize = 10 * 1024 * 1024;

/// What the endpoint needs.
#[derive(Clone)]
pub(super) struct Endpoint {
    worker: Worker,
    keeper: Keeper,
    connection: Connection,
}

impl Endpoint {
    /// The endpoint of a worker.
    pub(super) fn new(worker: Worker, keeper: Keeper, connection: Connection) -> Self {
        Self { worker, keeper, connection }
    }

    /// Its route, at `path`.
    pub(super) fn router(self, path: &str) -> Router {
        let methods = get(introspection::get).put(sync::put).post(post);
        Router::new().route(path, methods).with_state(self)
    }
}

/// Executes a function, or proves who this is.
async fn post(State(endpoint): State<Endpoint>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = CallQuery::of(&parts.uri);
    let body = match read(body).await {
        Ok(body) => body,
        Err((status, message)) => return refusal(status, "RequestError", message),
    };
    let signed = match Signed::check(endpoint.worker.settings(), &parts.headers, &body) {
        Ok(signed) => signed,
        // A server that is misconfigured is to try again once it is not: 500, not 401 (`SDK_SPEC.md` §4.1.3).
        Err(error) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, "SignatureError", error.to_string()),
    };
    if query.probe.as_deref() == Some("trust") {
        return respond(StatusCode::OK, Bytes::from_static(b"{}"), signed.key);
    }
    let Some(function) = query.function else {
        return refusal(StatusCode::BAD_REQUEST, "RequestError", "the query has no `fnId`".to_owned());
    };
    let key = signed.key.cloned();
    let call = IncomingCall { function, step: query.step, body, request: Some(parts) };
    if endpoint.worker.settings().streaming {
        return stream::respond(endpoint.worker.clone(), call);
    }
    answer(endpoint.worker.call(call).await, key.as_ref())
}

/// Reads a body within the bounds.
async fn read(body: Body) -> Result<Bytes, (StatusCode, String)> {
    to_bytes(body, CALL_BYTES_MAX).await.map_err(|error| {
        if error.into_inner().is::<LengthLimitError>() {
            (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {CALL_BYTES_MAX} bytes"))
        } else {
            (StatusCode::BAD_REQUEST, "the body broke off".to_owned())
        }
    })
}

/// A reply as an HTTP response (`SDK_SPEC.md` §4.1.2).
fn answer(reply: Reply, key: Option<&SigningKey>) -> Response {
    let mut response = respond(reply.status, reply.body, key);
    if let Some(no_retry) = reply.no_retry {
        let value = if no_retry { "true" } else { "false" };
        response.headers_mut().insert(headers::NO_RETRY, http::HeaderValue::from_static(value));
    }
    if let Some(time) = reply.retry_after.and_then(|time| time.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, time);
    }
    response
}

fn refusal(status: StatusCode, name: &str, message: String) -> Response {
    answer(Reply::refused(status, name, message), None)
}

/// A response with the headers that each one must have, signed with the key of the request.
fn respond(status: StatusCode, body: Bytes, key: Option<&SigningKey>) -> Response {
    let signature = key.map(|key| super::signature::sign(key, &body, jiff::Timestamp::now().as_second()));
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let values = response.headers_mut();
    values.insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    values.insert(headers::SDK, headers::SDK_VALUE);
    values.insert(headers::REQ_VERSION, headers::REQ_VERSION_VALUE);
    values.insert(headers::FRAMEWORK, http::HeaderValue::from_static(headers::FRAMEWORK_NAME));
    values.insert(headers::SDK_HANDLED, http::HeaderValue::from_static("true"));
    if let Some(signature) = signature.and_then(|signature| signature.parse().ok()) {
        values.insert(headers::SIGNATURE, signature);
    }
    response
}

/// Whether a Dev Server is expected.
fn is_dev(endpoint: &Endpoint) -> bool {
    endpoint.worker.settings().mode == Mode::Dev
}
