//! Reading the store beside the engine's thread: runs, events, fates.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use system_bus_runtime::event::{EventData, FunctionFailed};
use system_bus_runtime::function::{RunId, StepKind};
use system_bus_runtime::registry::Registry;
use system_bus_runtime::service::{StateCommand, StateReply};

use system_bus_runtime::webhook::{DeliverySummary, InboxCounts, InboxFilter, KeptDelivery};

use crate::catalog::is_internal;
use crate::clock::{Clock, SystemClock};
use crate::handle::Engine;
use crate::limits;
use crate::store::inbox;
use crate::store::{
    EventRow, Millis, OpenError, PendingRow, RunState, apply_state, completed_steps, open_reader, ulid_bytes, ulid_from,
};

/// Why a question cannot be answered; the details are in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be read")]
pub struct QueryError;

/// One reading connection; questions take their turn.
#[derive(Clone)]
pub(crate) struct Reader(Arc<Mutex<Connection>>);

impl Reader {
    pub(crate) fn open(directory: PathBuf) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Mutex::new(open_reader(&directory)?))))
    }

    /// Asks on a thread where waiting for the disk holds nobody up.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let connection = self.0.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            // One transaction, so that the parts of an answer belong together.
            let transaction = connection.unchecked_transaction()?;
            question(&transaction)
        });
        answer.await.map_err(|_| QueryError)?.map_err(|error| {
            tracing::error!(%error, "reading the store failed");
            QueryError
        })
    }

    /// Does a command that only reads.
    pub(crate) async fn state(&self, key: String, command: StateCommand) -> Result<StateReply, QueryError> {
        let now = SystemClock.now();
        self.ask(move |connection| apply_state(connection, &key, &command, now)).await
    }
}

/// The inbox, beside the writer.
impl Reader {
    pub(crate) async fn deliveries(&self, filter: InboxFilter) -> Result<Vec<DeliverySummary>, QueryError> {
        let filter = InboxFilter { count: filter.count.min(limits::LIST_ROWS_MAX), ..filter };
        self.ask(move |connection| inbox::list(connection, &filter)).await
    }

    pub(crate) async fn delivery(&self, id: i64) -> Result<Option<KeptDelivery>, QueryError> {
        self.ask(move |connection| inbox::delivery(connection, id)).await
    }

    pub(crate) async fn waiting_deliveries(&self, count: u32, bytes: usize) -> Result<Vec<KeptDelivery>, QueryError> {
        self.ask(move |connection| inbox::waiting(connection, count, bytes)).await
    }

    pub(crate) async fn inbox_counts(&self) -> Result<InboxCounts, QueryError> {
        self.ask(inbox::counts).await
    }
}

/// A run's status, as an Inngest server names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl std::str::FromStr for RunStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "queued" => Ok(Self::Queued),
            "running" => Ok(Self::Running),
            "completed" => Ok(Self::Completed),
            "failed" => Ok(Self::Failed),
            "cancelled" | "canceled" => Ok(Self::Cancelled),
            _ => Err(format!("unknown status `{text}`: use queued, running, completed, failed or cancelled")),
        }
    }
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        })
    }
}

impl RunStatus {
    fn of(state: RunState, started: bool) -> Self {
        match state {
            RunState::Completed => Self::Completed,
            RunState::Failed => Self::Failed,
            RunState::Cancelled => Self::Cancelled,
            RunState::Waiting if !started => Self::Queued,
            RunState::Waiting | RunState::Active | RunState::Suspended | RunState::Retrying => Self::Running,
        }
    }

    /// The condition in SQL; the states are those of [`RunState`].
    fn condition(self) -> &'static str {
        match self {
            Self::Queued => "runs.state = 0 AND runs.started_at IS NULL",
            Self::Running => "(runs.state IN (1, 2, 3) OR (runs.state = 0 AND runs.started_at IS NOT NULL))",
            Self::Completed => "runs.state = 10",
            Self::Failed => "runs.state = 11",
            Self::Cancelled => "runs.state = 12",
        }
    }
}

/// Which runs a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFilter {
    /// At most so many, newest first.
    pub count: u32,
    /// Only those with this status.
    pub status: Option<RunStatus>,
    /// Only those older than this run, for the next page.
    pub before: Option<RunId>,
}

/// One run in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run's id.
    pub run_id: String,
    /// The function's id.
    pub function_id: String,
    /// The engine's id of the event.
    pub event_id: String,
    /// The event's name.
    pub event_name: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was planned, in milliseconds since 1970.
    pub queued_at: Millis,
    /// When it started.
    pub run_started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// The output, or the last error as `{"name", "message"}`; a large one is left out of lists.
    pub output: Option<Box<RawValue>>,
    /// Finished steps.
    pub steps: i64,
    /// Why it does not go on at the moment, in words.
    pub waiting_for: Option<String>,
}

/// One run with its steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub run: RunSummary,
    /// The event's data.
    pub event_data: Box<RawValue>,
    /// Finished steps in the order in which they completed, then those that wait.
    pub step_details: Vec<StepDetail>,
    /// The failed run that has started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_of: Option<String>,
    /// What the failure of this run has started: its failure handler, and functions that take every failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_handled_by: Vec<RunLink>,
}

/// Another run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLink {
    /// The run's id.
    pub run_id: String,
    /// The function's id.
    pub function_id: String,
    /// Where it stands.
    pub status: RunStatus,
}

/// One step of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepDetail {
    /// The name, with `:n` for a repeat.
    pub name: String,
    /// What it does.
    pub kind: StepKind,
    /// `Completed`, `Failed`, `Waiting` or `Retrying`.
    pub status: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it started, in milliseconds since 1970.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// When it goes on by itself.
    pub due: Option<Millis>,
    /// The result, or the error as `{"name", "message"}`.
    pub output: Option<Box<RawValue>>,
}

/// One event in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventSummary {
    /// The engine's id.
    pub internal_id: String,
    /// The sender's id, else the engine's.
    pub id: String,
    /// The name.
    pub name: String,
    /// When it came in, in milliseconds since 1970.
    pub received_at: Millis,
    /// When it happened.
    pub ts: Millis,
    /// How often it came in again and started nothing.
    pub repeats: i64,
    /// When it last came in again.
    pub repeated_at: Option<Millis>,
    /// Runs that it started.
    pub runs: i64,
}

/// One event with its data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventDetail {
    /// The event.
    #[serde(flatten)]
    pub event: EventSummary,
    /// The data.
    pub data: Box<RawValue>,
}

/// What became of one event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fates {
    /// The event.
    pub event: EventSummary,
    /// One entry for each function that could have handled it, and one for each failure handler that followed; empty when
    /// no function handles it.
    pub fates: Vec<FateDetail>,
}

/// What became of one event for one function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FateDetail {
    /// The function's id.
    pub function_id: String,
    /// `run`, `filtered out`, `condition failed`, `undecodable`, `not registered then`, or `failure handler` for a run that
    /// the failure of one before it has started.
    pub fate: String,
    /// More about it: the condition, the error.
    pub detail: Option<String>,
    /// The run.
    pub run_id: Option<String>,
    /// The run's status.
    pub run_status: Option<RunStatus>,
}

const RUN_COLUMNS: &str = "runs.id, runs.function, events.id, events.name, runs.state, runs.started_at, runs.ended_at,
    runs.result, runs.seq, runs.blocked_on, runs.due,
    (SELECT count(*) FROM steps WHERE key >= runs.seq << 20 AND key < (runs.seq + 1) << 20)";

/// The columns of a run in a list: a large output is left out.
fn listed_columns() -> String {
    let short = format!("CASE WHEN length(runs.result) <= {} THEN runs.result END", limits::LIST_OUTPUT_BYTES_MAX);
    RUN_COLUMNS.replace("runs.result", &short)
}

fn run_summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    let id = ulid_from(row.get(0)?);
    let state: RunState = row.get(4)?;
    let started: Option<Millis> = row.get(5)?;
    let blocked_on: Option<String> = row.get(9)?;
    let waiting_for = match state {
        RunState::Waiting => blocked_on.map(|key| blocked_in_words(&key)),
        RunState::Retrying => Some("its next attempt".to_owned()),
        _ => None,
    };
    Ok(RunSummary {
        run_id: id.to_string(),
        function_id: row.get(1)?,
        event_id: ulid_from(row.get(2)?).to_string(),
        event_name: row.get(3)?,
        status: RunStatus::of(state, started.is_some()),
        queued_at: i64::try_from(id.timestamp_ms()).unwrap_or(i64::MAX),
        run_started_at: started,
        ended_at: row.get(6)?,
        output: row.get::<_, Option<String>>(7)?.and_then(|text| RawValue::from_string(text).ok()),
        steps: row.get(11)?,
        waiting_for,
    })
}

fn blocked_in_words(key: &str) -> String {
    match key.split_once(':') {
        Some(("function", id)) => format!("a program that has the function `{id}`"),
        Some(_) => format!("room under the concurrency key `{key}`"),
        None => "room among the executing runs".to_owned(),
    }
}

fn event_summary(connection: &Connection, row: &EventRow) -> rusqlite::Result<EventSummary> {
    let runs = connection
        .prepare_cached("SELECT count(*) FROM runs WHERE event = ?1")?
        .query_row([row.key], |row| row.get(0))?;
    Ok(EventSummary {
        internal_id: row.id.to_string(),
        id: row.sender_id.clone().unwrap_or_else(|| row.id.to_string()),
        name: row.name.clone(),
        received_at: row.received_at,
        ts: row.ts,
        repeats: row.repeats,
        repeated_at: row.repeated_at,
        runs,
    })
}

/// The newest event under the engine's or the sender's id.
fn find_event(connection: &Connection, id: &str) -> rusqlite::Result<Option<EventRow>> {
    let by_engine = match ulid::Ulid::from_string(id) {
        Ok(ulid) => connection
            .prepare_cached(&format!("SELECT {} FROM events WHERE id = ?1", EventRow::COLUMNS))?
            .query_row([ulid_bytes(ulid)], EventRow::read)
            .optional()?,
        Err(_) => None,
    };
    match by_engine {
        Some(row) => Ok(Some(row)),
        None => connection
            .prepare_cached(&format!(
                "SELECT {} FROM events WHERE key = ?1 ORDER BY seq DESC LIMIT 1",
                EventRow::COLUMNS
            ))?
            .query_row([id], EventRow::read)
            .optional(),
    }
}

impl Engine {
    /// Runs, newest first.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, QueryError> {
        let count = filter.count.min(limits::LIST_ROWS_MAX);
        self.reader()
            .ask(move |connection| {
                let condition = filter.status.map_or("1", RunStatus::condition);
                let before = match filter.before {
                    None => i64::MAX,
                    Some(run) => connection
                        .prepare_cached("SELECT seq FROM runs WHERE id = ?1")?
                        .query_row([ulid_bytes(run.0)], |row| row.get(0))
                        .optional()?
                        .unwrap_or(0),
                };
                connection
                    .prepare_cached(&format!(
                        "SELECT {} FROM runs JOIN events ON events.seq = runs.event
                         WHERE runs.seq < ?1 AND {condition} ORDER BY runs.seq DESC LIMIT ?2",
                        listed_columns()
                    ))?
                    .query_map(params![before, count], run_summary)?
                    .collect()
            })
            .await
    }

    /// One run with its steps.
    pub async fn run(&self, id: RunId) -> Result<Option<RunDetail>, QueryError> {
        self.reader().ask(move |connection| run_detail(connection, id)).await
    }

    /// Events, newest first; those that the engine makes itself are left out.
    pub async fn events(&self, prefix: Option<String>, count: u32) -> Result<Vec<EventSummary>, QueryError> {
        let count = count.min(limits::LIST_ROWS_MAX);
        self.reader()
            .ask(move |connection| {
                let prefix = prefix.unwrap_or_default();
                let rows: Vec<EventRow> = connection
                    .prepare_cached(&format!(
                        "SELECT {} FROM events WHERE substr(name, 1, length(?1)) = ?1
                         AND name NOT LIKE 'inngest/%' ORDER BY seq DESC LIMIT ?2",
                        EventRow::COLUMNS.replace("data", "'null'")
                    ))?
                    .query_map(params![prefix, count], EventRow::read)?
                    .collect::<Result<_, _>>()?;
                rows.iter().map(|row| event_summary(connection, row)).collect()
            })
            .await
    }

    /// One event by the engine's or the sender's id.
    pub async fn event(&self, id: String) -> Result<Option<EventDetail>, QueryError> {
        self.reader()
            .ask(move |connection| {
                let Some(row) = find_event(connection, &id)? else { return Ok(None) };
                let event = event_summary(connection, &row)?;
                Ok(Some(EventDetail { event, data: row.data }))
            })
            .await
    }

    /// The runs of one event; `None` when there is no such event.
    pub async fn event_runs(&self, id: String) -> Result<Option<Vec<RunSummary>>, QueryError> {
        self.reader()
            .ask(move |connection| {
                let Some(event) = find_event(connection, &id)? else { return Ok(None) };
                runs_of(connection, event.key).map(Some)
            })
            .await
    }

    /// What became of one event for each function that could have handled it.
    pub async fn fates(&self, id: String) -> Result<Option<Fates>, QueryError> {
        let registry = self.registry().clone();
        self.reader()
            .ask(move |connection| {
                let Some(row) = find_event(connection, &id)? else { return Ok(None) };
                fates(connection, &registry, &row).map(Some)
            })
            .await
    }

    /// Whether the store answers, and has taken the last transaction.
    pub async fn is_ready(&self) -> bool {
        self.is_available()
            && !self.stats().store_failed()
            && self.reader().ask(|connection| connection.query_row("SELECT 1", [], |_| Ok(()))).await.is_ok()
    }
}

fn run_detail(connection: &Connection, id: RunId) -> rusqlite::Result<Option<RunDetail>> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {RUN_COLUMNS}, events.data, events.key FROM runs JOIN events ON events.seq = runs.event WHERE runs.id = ?1"
        ))?
        .query_row([ulid_bytes(id.0)], |row| {
            Ok((run_summary(row)?, row.get::<_, i64>(8)?, row.get::<_, String>(12)?, row.get::<_, Option<String>>(13)?))
        })
        .optional()?;
    let Some((mut run, key, data, sender_id)) = found else { return Ok(None) };
    let mut details = Vec::new();
    for step in completed_steps(connection, key)? {
        let (status, output) = match step.result {
            Ok(value) => ("Completed", Some(value)),
            Err(error) => ("Failed", serde_json::value::to_raw_value(&error).ok()),
        };
        details.push(StepDetail {
            name: step.name,
            kind: step.kind,
            status: status.to_owned(),
            attempts: step.attempts,
            started_at: step.started_at,
            ended_at: Some(step.ended_at),
            due: None,
            output,
        });
    }
    let pending: Vec<PendingRow> = connection
        .prepare_cached(&format!("SELECT {} FROM pending WHERE run = ?1 ORDER BY started_at", PendingRow::COLUMNS))?
        .query_map([key], PendingRow::read)?
        .collect::<Result<_, _>>()?;
    if run.waiting_for.is_none() && run.status == RunStatus::Running {
        let names: Vec<String> = pending.iter().map(|row| format!("step `{}`", row.step)).collect();
        run.waiting_for = (!names.is_empty()).then(|| names.join(", "));
    }
    for row in pending {
        let retrying = row.kind.is_retry();
        details.push(StepDetail {
            name: row.step,
            kind: row.kind.step_kind(),
            status: if retrying { "Retrying" } else { "Waiting" }.to_owned(),
            attempts: row.attempts,
            started_at: row.started_at,
            ended_at: None,
            due: row.due,
            output: if retrying { row.detail.and_then(|text| RawValue::from_string(text).ok()) } else { None },
        });
    }
    let event_data = RawValue::from_string(data).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let failure_of = (run.event_name == FunctionFailed::NAME).then_some(sender_id).flatten();
    let links = failure_runs(connection, &run)?.into_iter();
    let failure_handled_by =
        links.map(|run| RunLink { run_id: run.run_id, function_id: run.function_id, status: run.status });
    let failure_handled_by = failure_handled_by.collect();
    Ok(Some(RunDetail { run, event_data, step_details: details, failure_of, failure_handled_by }))
}

/// The runs that the failure of a run has started: the event that tells of it has the run's id.
fn failure_runs(connection: &Connection, run: &RunSummary) -> rusqlite::Result<Vec<RunSummary>> {
    if run.status != RunStatus::Failed {
        return Ok(Vec::new());
    }
    let event = connection
        .prepare_cached("SELECT seq FROM events WHERE key = ?1 AND name = ?2")?
        .query_row([run.run_id.as_str(), FunctionFailed::NAME], |row| row.get(0))
        .optional()?;
    event.map_or_else(|| Ok(Vec::new()), |event| runs_of(connection, event))
}

fn runs_of(connection: &Connection, event: i64) -> rusqlite::Result<Vec<RunSummary>> {
    connection
        .prepare_cached(&format!(
            "SELECT {} FROM runs JOIN events ON events.seq = runs.event WHERE runs.event = ?1 ORDER BY runs.seq",
            listed_columns()
        ))?
        .query_map([event], run_summary)?
        .collect()
}

fn fates(connection: &Connection, registry: &Registry, event: &EventRow) -> rusqlite::Result<Fates> {
    let mut fates = Vec::new();
    for run in runs_of(connection, event.key)? {
        let handlers = failure_runs(connection, &run)?;
        let detail = format!("of run {}", run.run_id);
        fates.push(fate_of_run(run));
        fates.extend(handlers.into_iter().map(|run| FateDetail {
            function_id: run.function_id,
            fate: "failure handler".to_owned(),
            detail: Some(detail.clone()),
            run_id: Some(run.run_id),
            run_status: Some(run.status),
        }));
    }
    let refused: Vec<FateDetail> = connection
        .prepare_cached("SELECT function, fate, detail FROM fates WHERE event = ?1 ORDER BY function")?
        .query_map([event.key], |row| {
            Ok(FateDetail {
                function_id: row.get(0)?,
                fate: row.get(1)?,
                detail: row.get(2)?,
                run_id: None,
                run_status: None,
            })
        })?
        .collect::<Result<_, _>>()?;
    fates.extend(refused);
    if !is_internal(&event.name) {
        // A function that has come since could have handled the event, had it been there.
        for function in registry.functions() {
            let config = &function.config;
            if config.triggers.iter().any(|trigger| handles(trigger, &event.name))
                && !fates.iter().any(|fate| fate.function_id == config.id)
            {
                fates.push(FateDetail {
                    function_id: config.id.to_owned(),
                    fate: "not registered then".to_owned(),
                    detail: Some("the function was added after the event came in".to_owned()),
                    run_id: None,
                    run_status: None,
                });
            }
        }
    }
    Ok(Fates { event: event_summary(connection, event)?, fates })
}

fn handles(trigger: &system_bus_runtime::function::Trigger, event: &str) -> bool {
    matches!(trigger, system_bus_runtime::function::Trigger::Event { name, .. } if *name == event)
}

fn fate_of_run(run: RunSummary) -> FateDetail {
    #[derive(Deserialize)]
    struct Failure {
        name: String,
        message: String,
    }
    let failure = (run.status == RunStatus::Failed)
        .then(|| run.output.as_ref().and_then(|output| serde_json::from_str::<Failure>(output.get()).ok()))
        .flatten();
    let (fate, detail) = match failure {
        Some(failure) if failure.name == "EventDecodeError" => ("undecodable", Some(failure.message)),
        Some(failure) => ("run", Some(failure.message)),
        None => ("run", None),
    };
    FateDetail {
        function_id: run.function_id,
        fate: fate.to_owned(),
        detail,
        run_id: Some(run.run_id),
        run_status: Some(run.status),
    }
}
