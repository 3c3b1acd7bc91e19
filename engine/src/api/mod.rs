//! The engine's HTTP routes, under an Inngest server's own paths.

mod error;
mod events;
mod extract;
mod notifications;
mod runs;
mod signals;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use subtle::ConstantTimeEq;
use system_bus_runtime::rejection::Rejection;
use tokio::sync::Semaphore;

use crate::handle::Engine;
use crate::limits;

/// Who may use the routes. Without keys anybody who reaches them may: that is for loopback only.
#[derive(Clone, Default)]
pub struct Keys {
    /// The key in the path of `POST /e/{key}`.
    pub event: Option<String>,
    /// The bearer token of `/v1`.
    pub signing: Option<String>,
}

#[derive(Clone)]
struct Api {
    engine: Engine,
    keys: Arc<Keys>,
    /// Places of requests that wait for the next message.
    followers: Arc<Semaphore>,
}

impl Api {
    fn new(engine: Engine, keys: Keys) -> Self {
        Self { engine, keys: Arc::new(keys), followers: Arc::new(Semaphore::new(limits::FOLLOWERS_MAX)) }
    }
}

/// The routes of one engine.
pub fn router(engine: Engine, keys: Keys) -> Router {
    let api = Api::new(engine, keys);
    let guarded = Router::new()
        .route("/v1/events", get(events::list))
        .route("/v1/events/{id}", get(events::show))
        .route("/v1/events/{id}/runs", get(events::runs))
        .route("/v1/events/{id}/fates", get(events::fates))
        .route("/v1/runs", get(runs::list))
        .route("/v1/runs/{id}", get(runs::show).delete(runs::cancel))
        .route("/v1/runs/{id}/jobs", get(runs::jobs))
        .route("/v1/signals", post(signals::receive))
        .route("/v1/notifications", get(notifications::list))
        .route_layer(from_fn_with_state(api.keys.clone(), require_signing_key));
    Router::new()
        .route("/e/{key}", post(events::receive))
        .route("/e/", post(events::receive_without_key))
        .merge(guarded)
        .layer(DefaultBodyLimit::max(limits::REQUEST_BYTES_MAX))
        .with_state(api)
}

/// The routes of an engine that only keeps notifications and state, because a server runs the functions.
pub fn keeping_router(engine: Engine, keys: Keys) -> Router {
    let api = Api::new(engine, keys);
    Router::new()
        .route("/v1/notifications", get(notifications::list))
        .route_layer(from_fn_with_state(api.keys.clone(), require_signing_key))
        .with_state(api)
}

/// Routes of others that need the signing key as the engine's own do.
pub fn guarded(routes: Router, keys: Keys) -> Router {
    routes.route_layer(from_fn_with_state(Arc::new(keys), require_signing_key))
}

async fn require_signing_key(State(keys): State<Arc<Keys>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match &keys.signing {
        Some(key) if !is_same(key, given) => {
            Rejection::unauthorized("the signing key is missing or wrong").into_response()
        }
        _ => next.run(request).await,
    }
}

/// Compares secrets without telling by the time it takes where they differ.
fn is_same(secret: &str, given: &str) -> bool {
    secret.as_bytes().ct_eq(given.as_bytes()).into()
}
