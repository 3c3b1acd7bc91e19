//! `/`: what this worker is and holds, all of it from the registry.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, VARY};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{Worker, page};
use crate::config::WorkerRole;

pub(super) async fn show(State(worker): State<Worker>, headers: HeaderMap) -> Response {
    let status = status(&worker);
    if wants_html(&headers) { page::page(&status) } else { ([(VARY, "accept")], Json(status)).into_response() }
}

/// Browsers name `text/html` first; everything else gets JSON.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let place = |kind: &str| accepted.find(kind);
    match (place("text/html"), place("application/json")) {
        (Some(html), Some(json)) => html < json,
        (html, _) => html.is_some(),
    }
}

fn status(worker: &Worker) -> Value {
    let served = worker.served();
    let registry = served.engine.registry();
    let functions: Vec<&str> = registry.functions().iter().map(|function| function.config.id).collect();
    let (host, cluster) = served.role_counts;
    let mut duplicates: Vec<&str> =
        functions.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    duplicates.dedup();
    let providers: Vec<Value> = served
        .providers
        .iter()
        .map(|provider| {
            json!({
                "id": provider.id,
                "endpoint": format!("/webhooks/{}", provider.id),
                "secretSet": served.secrets.of(provider).is_some(),
                "secretVariables": provider.secrets,
            })
        })
        .collect();
    let events: Map<String, Value> =
        registry.events().iter().map(|event| (event.name.to_owned(), json!(event.doc.trim()))).collect();
    json!({
        "service": "system-bus",
        "version": env!("CARGO_PKG_VERSION"),
        "status": if worker.is_draining() { "stopping" } else { "running" },
        "count": functions.len(),
        "functions": functions,
        "worker": {
            "role": served.role.map_or("all", WorkerRole::name),
            "startedAt": worker.0.started_at.to_string(),
            // The embedded engine knows the functions without being told.
            "lastRegistrationAt": null,
            "roleCounts": { "host": host, "cluster": cluster, "active": registry.functions().len() },
            "duplicateFunctionIds": duplicates,
            "hasDuplicateFunctionIds": !duplicates.is_empty(),
        },
        "runtime": {
            "mode": "embedded",
            "deploymentModel": "single-source",
            "runsEnded": served.engine.stats().runs_ended(),
        },
        "webhooks": { "endpoint": "/webhooks/:provider", "providers": providers },
        "events": events,
    })
}
