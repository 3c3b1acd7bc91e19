//! `POST /webhooks/{provider}`: verify, normalize, make durable, and only then say yes.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use system_bus_engine::api::{ApiError, EventProblem, check_event};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::server::Serving;
use system_bus_runtime::service::Secret;
use system_bus_runtime::webhook::{self, Delivery, Provider, Rejection};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Worker;

/// Bytes of one delivery; vendors send small ones.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// GitHub's own cap; it does not send a refused delivery again.
const GITHUB_BODY_BYTES_MAX: usize = 25 * 1024 * 1024;

/// How long a delivery's body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// Bytes of all deliveries that are being read and verified, because nobody is known before the signature is.
const BODIES_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Larger bodies are verified and parsed beside the threads that serve requests.
const BODY_BYTES_INLINE: usize = 256 * 1024;

/// Room for the bodies that are being read, in units of 1 KiB.
pub(super) struct Bodies(Semaphore);

impl Default for Bodies {
    fn default() -> Self {
        Self(Semaphore::new(BODIES_BYTES_MAX / 1024))
    }
}

impl Bodies {
    fn room(&self, bytes: usize) -> Result<SemaphorePermit<'_>, ApiError> {
        let units = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let busy =
            |_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too many deliveries at the same time: try again");
        self.0.try_acquire_many(units).map_err(busy)
    }
}

/// The providers and where they deliver to.
pub(super) async fn list(State(worker): State<Worker>) -> Json<Value> {
    let providers: Vec<_> = worker.served().providers.iter().map(|provider| provider.id).collect();
    Json(json!({
        "service": "webhook-gateway",
        "status": if worker.is_draining() { "stopping" } else { "running" },
        "providers": providers,
        "endpoint": "POST /webhooks/:provider",
    }))
}

/// Takes one delivery in.
pub(super) async fn receive(
    State(worker): State<Worker>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let served = worker.served();
    let provider = served.providers.iter().find(|provider| provider.id == id).ok_or_else(|| unknown(&id))?;
    let secret = served.secrets.of(provider).ok_or_else(|| closed(provider))?;
    let (head, body) = request.into_parts();
    let (_room, body) = read(&worker, provider, &head.headers, body).await?;
    let outcome = verified(provider, secret, head.headers, body).await?;
    let mut events = outcome.map_err(|rejection| refusal(provider, rejection))?;
    for event in &mut events {
        check_event(&served.registry, event, false).map_err(|problem| unusable(provider, problem))?;
    }
    if events.is_empty() {
        return Ok(Json(json!({ "ok": true, "events": 0, "ids": [], "note": "no matching events" })));
    }
    if let Some(server) = &served.server {
        let ids = forwarded(server, events).await?;
        tracing::info!(provider = provider.id, events = ids.len(), "webhook handed to the server");
        return Ok(Json(json!({ "ok": true, "events": ids.len(), "ids": ids })));
    }
    let accepted = served.engine.send(events).await?;
    let repeated = accepted.iter().filter(|event| event.repeated).count();
    tracing::info!(provider = provider.id, events = accepted.len(), repeated, "webhook taken in");
    let ids: Vec<String> = accepted.iter().map(|event| event.id.to_string()).collect();
    Ok(Json(json!({ "ok": true, "events": ids.len(), "ids": ids })))
}

/// Hands events to the server; the vendor delivers again when that fails.
async fn forwarded(server: &Serving, events: Vec<NewEvent>) -> Result<Vec<String>, ApiError> {
    server.worker().send(events).await.map_err(|error| {
        tracing::error!(%error, "the server did not take the events of a webhook");
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the server does not take events: try again")
    })
}

/// Reads the body within the provider's bounds.
async fn read<'w>(
    worker: &'w Worker,
    provider: &Provider,
    headers: &HeaderMap,
    body: Body,
) -> Result<(SemaphorePermit<'w>, Bytes), ApiError> {
    let limit = if provider.id == "github" { GITHUB_BODY_BYTES_MAX } else { BODY_BYTES_MAX };
    let too_large = || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    let room = worker.0.bodies.room(announced.unwrap_or(limit))?;
    let late = |_| ApiError::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive");
    let bytes = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, limit)).await.map_err(late)?;
    // Reading fails at the limit, or when the sender goes away, who then sees no answer.
    Ok((room, bytes.map_err(|_| too_large())?))
}

async fn verified(
    provider: &'static Provider,
    secret: &Secret,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Result<Vec<NewEvent>, Rejection>, ApiError> {
    let is_large = body.len() > BODY_BYTES_INLINE;
    let receive = move |secret: &Secret| {
        webhook::receive(provider, secret.as_bytes(), &Delivery { headers: &headers, body: &body })
    };
    if !is_large {
        return Ok(receive(secret));
    }
    let secret = secret.clone();
    tokio::task::spawn_blocking(move || receive(&secret)).await.map_err(|error| {
        tracing::error!(provider = provider.id, %error, "a delivery could not be handled");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the delivery could not be handled")
    })
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("there is no webhook provider `{id}`: see `/`"))
}

fn closed(provider: &Provider) -> ApiError {
    let text = format!("the webhook `{}` is closed: its secret is not set", provider.id);
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

fn refusal(provider: &Provider, rejection: Rejection) -> ApiError {
    tracing::warn!(provider = provider.id, reason = kind(&rejection), "webhook refused");
    let status = match rejection {
        Rejection::Signature => StatusCode::UNAUTHORIZED,
        Rejection::NotJson => StatusCode::BAD_REQUEST,
        Rejection::Payload(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    ApiError::new(status, rejection.to_string())
}

/// The reason without the payload's text, which must not be logged.
fn kind(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Signature => "signature",
        Rejection::NotJson => "not JSON",
        Rejection::Payload(_) => "payload",
    }
}

/// A provider's event that its own type does not allow; the vendor can do nothing about it, unless it is too large.
fn unusable(provider: &Provider, problem: EventProblem) -> ApiError {
    tracing::error!(provider = provider.id, %problem, "a provider made an event that cannot be sent");
    match problem {
        EventProblem::TooLarge { .. } => problem.into(),
        _ => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "the delivery does not become a valid event"),
    }
}
