//! What operators ask of the inbox: `GET /v1/inbox…`, `POST /v1/inbox/{id}/replay`. Who may is decided around it.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::delivery::KeptHeaders;
use super::gateway::WebhookGateway;
use super::inbox::{DeliverySummary, InboxFilter};
use crate::error::Error;
use crate::rejection::Rejection;

type Result<T> = std::result::Result<T, Rejection>;

impl WebhookGateway {
    /// The routes for operators.
    pub fn admin_router(&self) -> Router {
        Router::new()
            .route("/v1/inbox", get(list))
            .route("/v1/inbox/{id}", get(show))
            .route("/v1/inbox/{id}/replay", post(replay))
            .with_state(self.clone())
    }
}

#[derive(Deserialize)]
struct ListQuery {
    provider: Option<String>,
    state: Option<String>,
    before: Option<i64>,
    #[serde(default = "default_count")]
    limit: u32,
}

fn default_count() -> u32 {
    20
}

async fn list(
    State(gateway): State<WebhookGateway>,
    query: std::result::Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>> {
    let Query(query) = query.map_err(|problem| Rejection::bad_request(problem.body_text()))?;
    let state = query.state.map(|state| state.parse()).transpose().map_err(Rejection::bad_request)?;
    let filter = InboxFilter { provider: query.provider, state, before: query.before, count: query.limit };
    let deliveries = gateway.inbox().list(filter).await.map_err(unavailable)?;
    Ok(Json(json!({ "data": deliveries })))
}

async fn show(
    State(gateway): State<WebhookGateway>,
    id: std::result::Result<Path<i64>, PathRejection>,
) -> Result<Json<Shown>> {
    let id = number(id)?;
    let kept = gateway.inbox().delivery(id).await.map_err(unavailable)?.ok_or_else(|| unknown(id))?;
    // A body that is JSON is shown as it came, to the last digit.
    let body = match serde_json::from_slice::<&RawValue>(&kept.body) {
        Ok(body) => body.to_owned(),
        Err(_) => to_raw_value(&String::from_utf8_lossy(&kept.body)).unwrap_or_default(),
    };
    Ok(Json(Shown { data: ShownDelivery { summary: kept.summary, headers: kept.headers, body } }))
}

#[derive(Serialize)]
struct Shown {
    data: ShownDelivery,
}

#[derive(Serialize)]
struct ShownDelivery {
    #[serde(flatten)]
    summary: DeliverySummary,
    headers: KeptHeaders,
    body: Box<RawValue>,
}

async fn replay(
    State(gateway): State<WebhookGateway>,
    id: std::result::Result<Path<i64>, PathRejection>,
) -> Result<Json<Value>> {
    let id = number(id)?;
    let receipt = gateway.replay(id).await.map_err(|error| match error.is_retryable() {
        true => unavailable(error),
        false => Rejection::new(StatusCode::CONFLICT, error.message().to_owned()),
    })?;
    receipt.ok_or_else(|| unknown(id))?;
    let kept = gateway.inbox().delivery(id).await.map_err(unavailable)?.ok_or_else(|| unknown(id))?;
    Ok(Json(json!({ "data": kept.summary })))
}

fn number(id: std::result::Result<Path<i64>, PathRejection>) -> Result<i64> {
    id.map(|Path(id)| id).map_err(|_| Rejection::bad_request("a delivery has a number: see `/v1/inbox`"))
}

fn unknown(id: i64) -> Rejection {
    Rejection::not_found(format!("no delivery has the number {id}"))
}

fn unavailable(error: Error) -> Rejection {
    tracing::error!(%error, "the inbox does not answer");
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "the inbox does not answer: try again")
}
