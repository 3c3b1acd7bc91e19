//! `GET /v1/notifications`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use system_bus_runtime::service::Notification;

use super::Api;
use super::events::Data;
use super::extract::Query;
use system_bus_runtime::rejection::Rejection;

#[derive(Deserialize)]
pub(super) struct NotificationsQuery {
    #[serde(default = "default_count")]
    limit: u32,
}

fn default_count() -> u32 {
    20
}

pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<NotificationsQuery>,
) -> Result<Json<Data<Vec<Notification>>>, Rejection> {
    Ok(Json(Data { data: api.engine.notifications(query.limit).await? }))
}
