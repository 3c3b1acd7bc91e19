//! `POST /internal/queue/enqueue`. Who may is decided by a token; without one it is closed.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::{MessageProblem, Queue, QueueMessage};
use crate::event::EVENT_BYTES_MAX;
use crate::registry::Registry;
use crate::rejection::Rejection;
use crate::service::{SecretSource, Secrets};

/// Bytes of a request: an event, and what stands around it.
const REQUEST_BYTES_MAX: usize = EVENT_BYTES_MAX + 64 * 1024;

/// The token of programs beside the worker; the second name is the one that callers have today.
pub(super) const TOKEN: SecretSource =
    SecretSource { variables: &["SYSTEM_BUS_INTERNAL_TOKEN", "OTEL_EMIT_TOKEN"], lease: None };

/// The headers that may hold it.
const TOKEN_HEADERS: [&str; 2] = ["x-internal-token", "x-otel-emit-token"];

/// What the route works with.
#[derive(Clone)]
pub struct Admission {
    /// The events that may be queued.
    pub registry: Registry,
    /// Where messages go.
    pub queue: Arc<dyn Queue>,
    /// Where the token is.
    pub secrets: Secrets,
}

impl Admission {
    /// Whether there is a token, so that the route is open.
    pub fn is_open(&self) -> bool {
        !self.secrets.current(&TOKEN).is_empty()
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let tokens = self.secrets.current(&TOKEN);
        if tokens.is_empty() {
            let text = format!("the queue is closed: set `{}`", TOKEN.variables[0]);
            return Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
        let given = TOKEN_HEADERS.iter().find_map(|name| headers.get(*name)).map(|value| value.as_bytes());
        let given = given.unwrap_or_default();
        let is_right = tokens.iter().any(|token| token.as_bytes().ct_eq(given).into());
        if is_right { Ok(()) } else { Err(Rejection::unauthorized("Unauthorized")) }
    }
}

/// The route.
pub fn router(admission: Admission) -> Router {
    Router::new()
        .route("/internal/queue/enqueue", post(enqueue))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(admission)
}

async fn enqueue(
    State(admission): State<Admission>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Rejection> {
    admission.check_token(&headers)?;
    let body = body.map_err(|problem| match problem.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {REQUEST_BYTES_MAX} bytes"))
        }
        _ => Rejection::bad_request("the body could not be read"),
    })?;
    let message = QueueMessage::parse(&body, &admission.registry).map_err(|problem| match problem {
        MessageProblem::Event(problem) => problem.into(),
        problem => Rejection::bad_request(problem.to_string()),
    })?;
    let (event_id, priority, name) = (message.id.clone(), message.priority, message.rule.name);
    let admitted = admission.queue.admit(message).await.map_err(|error| {
        tracing::error!(%error, event = name, "a message could not be queued");
        Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "the message cannot be queued now: try again").retry_after(1)
    })?;
    let mut result = json!({
        "streamId": admitted.stream_id,
        "eventId": event_id,
        "priority": priority,
        "triageMode": "off",
    });
    if admitted.duplicate {
        result["duplicate"] = json!(true);
    }
    Ok(Json(json!({ "ok": true, "result": result })))
}
