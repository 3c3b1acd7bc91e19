//! `GET /v1/runs…` and `DELETE /v1/runs/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use system_bus_runtime::function::RunId;

use super::Api;
use super::events::Data;
use super::extract::{Path, Query};
use crate::input::CancelOutcome;
use crate::query::{RunDetail, RunFilter, RunSummary, StepDetail};
use system_bus_runtime::rejection::Rejection;

#[derive(Deserialize)]
pub(super) struct RunsQuery {
    #[serde(default = "default_count")]
    limit: u32,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    before: Option<String>,
}

fn default_count() -> u32 {
    20
}

pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<RunsQuery>,
) -> Result<Json<Data<Vec<RunSummary>>>, Rejection> {
    let status = query
        .status
        .map(|status| status.parse())
        .transpose()
        .map_err(|problem: String| Rejection::bad_request(problem))?;
    let before = query.before.map(|id| run_id(&id)).transpose()?;
    let filter = RunFilter { count: query.limit, status, before };
    Ok(Json(Data { data: api.engine.runs(filter).await? }))
}

pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Data<RunDetail>>, Rejection> {
    detail(&api, &id).await.map(|data| Json(Data { data }))
}

pub(super) async fn jobs(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Data<Vec<StepDetail>>>, Rejection> {
    let run = detail(&api, &id).await?;
    let open = run.step_details.into_iter().filter(|step| step.ended_at.is_none()).collect();
    Ok(Json(Data { data: open }))
}

pub(super) async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Value>, Rejection> {
    match api.engine.cancel(run_id(&id)?).await? {
        CancelOutcome::Cancelled => Ok(Json(json!({ "run_id": id, "status": "Cancelled" }))),
        CancelOutcome::Ended(status) => {
            let text = format!("the run `{id}` has ended already: {status}");
            Err(Rejection::new(StatusCode::CONFLICT, text))
        }
        CancelOutcome::Unknown => Err(unknown(&id)),
    }
}

async fn detail(api: &Api, id: &str) -> Result<RunDetail, Rejection> {
    api.engine.run(run_id(id)?).await?.ok_or_else(|| unknown(id))
}

fn run_id(id: &str) -> Result<RunId, Rejection> {
    id.parse()
        .map_err(|_| Rejection::bad_request(format!("`{id}` is not a run id: a run id has 26 characters (a ULID)")))
}

fn unknown(id: &str) -> Rejection {
    Rejection::not_found(format!("no run has the id `{id}`"))
}
