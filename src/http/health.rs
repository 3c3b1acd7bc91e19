//! `/healthz` and `/readyz`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use system_bus_runtime::server::Serving;

use super::Worker;

/// The process lives. Touches nothing else, so that a slow disk does not get the process killed.
pub(super) async fn lives() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Whether events can come in.
pub(super) async fn ready(State(worker): State<Worker>) -> Response {
    let served = worker.served();
    let redis = async {
        match &served.redis {
            Some(redis) => Some(redis.ping().await.is_ok()),
            None => None,
        }
    };
    let (is_open, redis) = tokio::join!(served.engine.is_ready(), redis);
    let registration = served.server.as_ref().map(Serving::problem);
    let is_registered = registration.as_ref().is_none_or(Option::is_none);
    let mut checks = json!({
        "store": if is_open { "open" } else { "unavailable" },
        "worker": if worker.is_draining() { "stopping" } else { "running" },
    });
    // Events and webhooks come in without it, and steps that need it are tried again: it makes no worker unready.
    if let Some(answers) = redis {
        checks["redis"] = json!(if answers { "connected" } else { "unavailable" });
    }
    if let Some(problem) = registration {
        checks["registration"] = json!(problem.as_deref().unwrap_or("registered"));
    }
    let problem = match (worker.is_draining(), is_open, is_registered) {
        (false, true, true) => return Json(json!({ "status": "ready", "checks": checks })).into_response(),
        (true, _, _) => "not ready: the worker is stopping",
        (false, false, _) => "not ready: the store does not answer",
        (false, true, false) => "not ready: the server cannot call this worker's functions",
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": problem, "checks": checks }))).into_response()
}
