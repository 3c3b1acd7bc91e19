//! `/healthz` and `/readyz`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Worker;

/// The process lives. Touches nothing else, so that a slow disk does not get the process killed.
pub(super) async fn lives() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Whether events can come in.
pub(super) async fn ready(State(worker): State<Worker>) -> Response {
    let is_open = worker.served().engine.is_ready().await;
    let checks = json!({
        "store": if is_open { "open" } else { "unavailable" },
        "worker": if worker.is_draining() { "stopping" } else { "running" },
    });
    let problem = match (is_open, worker.is_draining()) {
        (true, false) => return Json(json!({ "status": "ready", "checks": checks })).into_response(),
        (_, true) => "not ready: the worker is stopping",
        (false, false) => "not ready: the store does not answer",
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": problem, "checks": checks }))).into_response()
}
