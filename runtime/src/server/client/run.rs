//! Runs as the server keeps them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::super::error::ApiError;
use super::Client;
use super::graphql::Connection;
use crate::function::StepKind;

// Without `preview: false` the list has neither outputs nor the times of starting.
const RUNS: &str = "query ($count: Int!, $after: String, $filter: RunsFilterV2!) {
    runs(first: $count, after: $after, orderBy: [{ field: QUEUED_AT, direction: DESC }], filter: $filter, preview: false) {
        edges { node {
            id status queuedAt startedAt endedAt eventName triggerIDs cronSchedule output
            function { slug } app { externalID }
        } }
        pageInfo { hasNextPage endCursor }
    }
}";

/// Runs in one page (`maxRunItems` of the server).
pub const PAGE_MAX: u32 = 400;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub enum RunStatus {
    /// It has not started yet.
    Queued,
    /// It has started and has not ended; it may be waiting.
    Running,
    /// It has returned.
    Completed,
    /// It has failed for good.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Flow control let it not start.
    Skipped,
    /// A status that this version does not know.
    Unknown,
}

impl From<String> for RunStatus {
    fn from(text: String) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "queued" | "scheduled" => Self::Queued,
            "running" => Self::Running,
            "completed" => Self::Completed,
            "failed" | "overflowed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            "skipped" => Self::Skipped,
            _ => Self::Unknown,
        }
    }
}

impl RunStatus {
    /// Whether the run has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl FromStr for RunStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Self::from(text.to_owned()) {
            Self::Unknown => Err(format!("unknown status `{text}`")),
            status => Ok(status),
        }
    }
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// At most so many, newest first; [`PAGE_MAX`] at most.
    pub count: u32,
    /// Only those with this status.
    pub status: Option<RunStatus>,
    /// Only those of the function with this composite id.
    pub function: Option<String>,
    /// Only those queued since.
    pub since: Option<Timestamp>,
    /// The [`RunPage::next`] of the page before.
    pub after: Option<String>,
}

/// A page of runs.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<String>,
}

/// One run, as lists have it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// Where it stands.
    pub status: RunStatus,
    /// The composite id of its function.
    pub function: String,
    /// The id of its app.
    pub app: String,
    /// The event's name; none for a time table and for events of several names.
    pub event_name: Option<String>,
    /// The server's ids of the events that started it.
    pub event_ids: Vec<String>,
    /// The time table that started it.
    pub cron: Option<String>,
    /// When it was planned.
    pub queued_at: Timestamp,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The output, or the error as `{"name", "message"}`.
    pub output: Option<Box<RawValue>>,
}

/// One run with its steps.
#[derive(Clone, Debug)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// The data of the event that started it, the first one of a batch.
    pub event_data: Option<Box<RawValue>>,
    /// Its steps, in the order in which they started.
    pub steps: Vec<Step>,
}

/// One step of a run.
#[derive(Clone, Debug)]
pub struct Step {
    /// The hash of the step's id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it does, where the server tells.
    pub kind: Option<StepKind>,
    /// `Completed`, `Failed`, `Waiting`, `Running`, `Queued` or what else the server says.
    pub status: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it goes on by itself.
    pub due: Option<Timestamp>,
    /// The result, or the error as `{"name", "message"}`.
    pub output: Option<Box<RawValue>>,
}

/// One run, as `/v1/runs/{id}` and `/v1/events/{id}/runs` have it; also on servers without GraphQL.
#[derive(Clone, Debug, Deserialize)]
pub struct StoredRun {
    /// The run's id.
    #[serde(rename = "run_id")]
    pub id: String,
    /// The server's own id of the function, a UUID.
    #[serde(rename = "function_id")]
    pub function_uuid: String,
    /// The server's id of the event.
    pub event_id: String,
    /// Where it stands.
    pub status: RunStatus,
    /// The time table that started it.
    #[serde(default)]
    pub cron: Option<String>,
    /// When it was planned.
    #[serde(rename = "run_started_at")]
    pub queued_at: Timestamp,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// The output, or the error as `{"name", "message"}`.
    #[serde(default)]
    pub output: Option<Box<RawValue>>,
}

/// What the server's queue will do for a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    /// The job's id.
    #[serde(rename = "JobID")]
    pub id: String,
    /// When it is due.
    pub at: Timestamp,
    /// What it is, such as `pause` or `sleep`.
    pub kind: String,
    /// The attempt, from 0.
    #[serde(default)]
    pub attempt: u32,
}

/// What became of the wish to end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It is cancelled.
    Cancelled,
    /// It had ended before.
    Ended(RunStatus),
    /// There is no such run.
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunNode {
    id: String,
    status: RunStatus,
    queued_at: Timestamp,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    event_name: Option<String>,
    #[serde(rename = "triggerIDs", default)]
    event_ids: Vec<String>,
    cron_schedule: Option<String>,
    output: Option<String>,
    function: FunctionNode,
    app: AppNode,
}

#[derive(Deserialize)]
struct FunctionNode {
    slug: String,
}

#[derive(Deserialize)]
struct AppNode {
    #[serde(rename = "externalID")]
    id: String,
}

impl From<RunNode> for Run {
    fn from(node: RunNode) -> Self {
        let is_cancelled = node.status == RunStatus::Cancelled;
        Self {
            id: node.id,
            status: node.status,
            function: node.function.slug,
            app: node.app.id,
            event_name: node.event_name,
            event_ids: node.event_ids,
            cron: node.cron_schedule,
            queued_at: node.queued_at,
            started_at: node.started_at,
            // The server also names the end of the last span of a run that goes on.
            ended_at: node.ended_at.filter(|_| node.status.is_end()),
            // A cancelled run has none; the server writes `{}`.
            output: node.output.filter(|_| !is_cancelled).map(run_output),
        }
    }
}

/// The output of a run. Of a run whose last answer held steps beside the output, the server keeps that whole answer.
fn run_output(text: String) -> Box<RawValue> {
    #[derive(Deserialize)]
    struct Report {
        op: String,
        #[serde(default)]
        data: Option<Box<RawValue>>,
    }
    let reports = serde_json::from_str::<Vec<Report>>(&text).unwrap_or_default();
    match reports.into_iter().next_back().filter(|report| report.op == "RunComplete") {
        Some(report) => report.data.unwrap_or_else(|| RawValue::NULL.to_owned()),
        None => json_or_text(text),
    }
}

/// What the server keeps as text is JSON, unless it is not.
pub(super) fn json_or_text(text: String) -> Box<RawValue> {
    match serde_json::from_str(&text) {
        Ok(json) => json,
        Err(_) => serde_json::value::to_raw_value(&text).unwrap_or_default(),
    }
}

impl Client {
    /// Runs, newest first.
    pub async fn runs(&self, filter: &RunFilter) -> Result<RunPage, ApiError> {
        #[derive(Deserialize)]
        struct Runs {
            runs: Connection<RunNode>,
        }
        let functions = match &filter.function {
            None => None,
            Some(id) => match self.function_uuid(id).await? {
                None => return Ok(RunPage { runs: Vec::new(), next: None }),
                uuid => uuid.map(|uuid| [uuid]),
            },
        };
        let variables = json!({
            "count": filter.count.clamp(1, PAGE_MAX),
            "after": filter.after,
            "filter": {
                "from": filter.since.unwrap_or(Timestamp::UNIX_EPOCH),
                "status": filter.status.map(|status| [status.to_string().to_ascii_uppercase()]),
                "functionIDs": functions,
            },
        });
        let page = self.ask::<Runs>(RUNS, variables).await?.runs;
        let next = page.page_info.end_cursor.filter(|_| page.page_info.has_next_page);
        Ok(RunPage { runs: page.edges.into_iter().map(|edge| edge.node.into()).collect(), next })
    }

    async fn function_uuid(&self, id: &str) -> Result<Option<String>, ApiError> {
        let functions = self.apps().await?.into_iter().flat_map(|app| app.functions);
        Ok(functions.into_iter().find(|function| function.id == id).map(|function| function.uuid))
    }

    /// One run without its steps; also on servers without GraphQL.
    pub async fn run(&self, id: &str) -> Result<Option<StoredRun>, ApiError> {
        match self.fresh(self.api().settings().api(&["v1", "runs", id])).await {
            // The server calls it its own failure when there is no such run.
            Err(ApiError::Refused { status: 500, message, .. }) if message.starts_with("Unable to load") => Ok(None),
            Err(error) if matches!(error.status(), Some(400 | 404)) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// What the server's queue will do for a run; ten at most, nothing when it has ended.
    pub async fn jobs(&self, run: &str) -> Result<Vec<Job>, ApiError> {
        self.fresh(self.api().settings().api(&["v1", "runs", run, "jobs"])).await
    }

    /// Ends a run.
    pub async fn cancel(&self, id: &str) -> Result<CancelOutcome, ApiError> {
        // The server says the same whether it has cancelled a run or the run had ended.
        match self.run(id).await? {
            None => return Ok(CancelOutcome::Unknown),
            Some(run) if run.status.is_end() => return Ok(CancelOutcome::Ended(run.status)),
            Some(_) => {}
        }
        match self.delete(&["v1", "runs", id]).await {
            Err(error) if error.status() == Some(404) => Ok(CancelOutcome::Unknown),
            answer => answer.map(|()| CancelOutcome::Cancelled),
        }
    }
}
