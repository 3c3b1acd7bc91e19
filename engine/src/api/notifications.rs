//! `GET /v1/notifications`: the newest first, or with `after` those behind a cursor, oldest first. With `wait` the answer
//! waits for the next message, so that a follower has it at once; it asks again with the last cursor, which leaves no gap
//! and repeats nothing, whatever happens to the connection in between.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use system_bus_runtime::rejection::Rejection;

use super::Api;
use super::events::Data;
use super::extract::Query;
use crate::limits;
use crate::notifications::FollowError;
use crate::store::KeptNotification;

#[derive(Deserialize)]
pub(super) struct NotificationsQuery {
    #[serde(default = "default_count")]
    limit: u32,
    /// The `cursor` of the last message that the caller has, or 0.
    after: Option<i64>,
    /// Seconds.
    #[serde(default)]
    wait: u32,
}

fn default_count() -> u32 {
    20
}

pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<NotificationsQuery>,
) -> Result<Json<Data<Vec<KeptNotification>>>, Rejection> {
    let Some(after) = query.after else {
        return Ok(Json(Data { data: api.engine.notifications(query.limit).await? }));
    };
    let _place = match query.wait {
        0 => None,
        _ => Some(api.followers.try_acquire().map_err(|_| too_many())?),
    };
    let wait = Duration::from_secs(query.wait.into());
    Ok(Json(Data { data: api.engine.notifications_after(after, query.limit, wait).await? }))
}

fn too_many() -> Rejection {
    let followers = limits::FOLLOWERS_MAX;
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, format!("{followers} followers wait already: ask again later"))
}

impl From<FollowError> for Rejection {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Query(error) => error.into(),
            FollowError::Send(error) => error.into(),
        }
    }
}
