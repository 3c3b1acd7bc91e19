//! `/`: what this worker is and holds, all of it from the registry.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, VARY};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use system_bus_runtime::server::{Serving, Transport};

use super::{Worker, page};

use crate::config::WorkerRole;

pub(super) async fn show(State(worker): State<Worker>, headers: HeaderMap) -> Response {
    let status = status(&worker).await;
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

async fn status(worker: &Worker) -> Value {
    let served = worker.served();
    let registry = &served.registry;
    let registration = served.server.as_ref().map(|server| server.keeper().state());
    let functions: Vec<&str> = registry.functions().iter().map(|function| function.config.id).collect();
    let (host, cluster) = served.role_counts;
    let mut duplicates: Vec<&str> =
        functions.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    duplicates.dedup();
    let providers: Vec<Value> = served
        .webhooks
        .providers()
        .iter()
        .map(|provider| {
            json!({
                "id": provider.id,
                "endpoint": format!("/webhooks/{}", provider.id),
                "secretSet": served.webhooks.is_open(provider),
                "secretVariables": provider.variables(),
            })
        })
        .collect();
    // What the store does not tell is not known, which the page must survive.
    let inbox = served.webhooks.inbox().counts().await.ok();
    let inbox = inbox.map(|counts| json!({ "waiting": counts.waiting, "failed": counts.failed }));
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
            "lastRegistrationAt": registration.as_ref().and_then(|state| state.registered_at).map(|at| at.to_string()),
            "roleCounts": { "host": host, "cluster": cluster, "active": registry.functions().len() },
            "duplicateFunctionIds": duplicates,
            "hasDuplicateFunctionIds": !duplicates.is_empty(),
        },
        "runtime": {
            "mode": mode(served.server.as_ref()),
            "deploymentModel": "single-source",
            "runsEnded": served.engine.stats().runs_ended(),
        },
        "server": served.server.as_ref().map(server),
        "webhooks": { "endpoint": "/webhooks/:provider", "providers": providers, "inbox": inbox },
        "events": events,
        "queue": { "admissionEndpoint": "/internal/queue/enqueue", "open": served.admission.is_open() },
    })
}

fn mode(server: Option<&Serving>) -> &'static str {
    match server.map(|server| &server.worker().settings().transport) {
        None => "embedded",
        Some(Transport::Serve) => "serve",
        Some(Transport::Connect(_)) => "connect",
    }
}

/// The server that this worker works for, and what it knows of the functions.
fn server(server: &Serving) -> Value {
    let settings = server.worker().settings();
    let state = server.keeper().state();
    json!({
        "origin": settings.api_origin.as_str(),
        "kind": settings.mode.name(),
        "app": server.worker().app_ids().app(),
        "url": server.keeper().url().as_str(),
        "environment": settings.env,
        "registration": {
            "status": if server.problem().is_none() { "registered" } else { "unregistered" },
            "lastSuccessAt": state.registered_at.map(|at| at.to_string()),
            "lastChangeAt": state.changed_at.map(|at| at.to_string()),
            "forgottenTimes": state.forgotten,
            "error": server.problem(),
        },
        "connection": server.connection().map(|connection| json!({
            "state": connection.state.name(),
            "connectionId": connection.connection_id,
            "gatewayGroup": connection.gateway_group,
            "failedAttempts": connection.failed_attempts,
            "running": connection.running,
            "waiting": connection.waiting,
            "unconfirmedReplies": connection.unconfirmed_replies,
            "lostReplies": connection.lost_replies,
        })),
    })
}
