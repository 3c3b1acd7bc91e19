//! Runs and their states.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};
use system_bus_runtime::function::RunId;

use super::{EventKey, Millis, RunKey, Store, StoreError, ulid_bytes, ulid_from};

/// Where a run stands. The core's methods in `core/runs.rs` hold the only code that moves one.
///
/// | from | by | to |
/// | --- | --- | --- |
/// | – | an event, a time table, an invocation | active, or waiting when there is no room |
/// | waiting | room | active |
/// | active | all its open steps wait | suspended |
/// | suspended | a step completes | active, or waiting when there is no room |
/// | active | a retryable error of the code between steps | retrying |
/// | retrying | its pause ends | active, or waiting when there is no room |
/// | any unfinished | its end, or a cancellation | completed, failed, cancelled |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum RunState {
    /// There is no room for it yet; `blocked_on` says where.
    Waiting = 0,
    /// Its code or one of its steps executes.
    Active = 1,
    /// All its open steps wait.
    Suspended = 2,
    /// It waits for its next attempt, until `due`.
    Retrying = 3,
    /// It has returned.
    Completed = 10,
    /// It has failed for good.
    Failed = 11,
    /// It was cancelled.
    Cancelled = 12,
}

impl RunState {
    const ALL: [Self; 7] =
        [Self::Waiting, Self::Active, Self::Suspended, Self::Retrying, Self::Completed, Self::Failed, Self::Cancelled];

    /// The least value of a state that is final.
    pub(crate) const FINAL: i64 = Self::Completed as i64;

    pub(crate) fn is_final(self) -> bool {
        self as i64 >= Self::FINAL
    }

    /// The status as an Inngest server names it.
    pub(crate) fn status(self, started: bool) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Waiting if !started => "Queued",
            Self::Waiting | Self::Active | Self::Suspended | Self::Retrying => "Running",
        }
    }
}

impl ToSql for RunState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(*self as i64))
    }
}

impl FromSql for RunState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        Self::ALL.into_iter().find(|state| *state as i64 == number).ok_or(FromSqlError::OutOfRange(number))
    }
}

/// A stored run.
#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    pub(crate) key: RunKey,
    pub(crate) id: RunId,
    pub(crate) function: String,
    pub(crate) event: EventKey,
    pub(crate) state: RunState,
    pub(crate) attempt: u32,
    pub(crate) blocked_on: Option<String>,
    pub(crate) parent: Option<(RunKey, String)>,
}

impl RunRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let parent: Option<RunKey> = row.get(7)?;
        let parent_step: Option<String> = row.get(8)?;
        Ok(Self {
            key: row.get(0)?,
            id: RunId(ulid_from(row.get(1)?)),
            function: row.get(2)?,
            event: row.get(3)?,
            state: row.get(4)?,
            attempt: row.get(5)?,
            blocked_on: row.get(6)?,
            parent: parent.zip(parent_step),
        })
    }
}

/// A run to be added.
pub(crate) struct NewRun<'a> {
    pub(crate) id: RunId,
    pub(crate) function: &'a str,
    pub(crate) event: EventKey,
    pub(crate) parent: Option<(RunKey, &'a str)>,
    /// The concurrency key that has no room; the run starts at once when there is none.
    pub(crate) blocked_on: Option<&'a str>,
}

impl Store {
    /// Adds a run, active or waiting.
    pub(crate) fn add_run(&self, run: &NewRun<'_>, now: Millis) -> Result<RunKey, StoreError> {
        let state = if run.blocked_on.is_some() { RunState::Waiting } else { RunState::Active };
        let started_at = run.blocked_on.is_none().then_some(now);
        self.connection
            .prepare_cached(
                "INSERT INTO runs (id, function, event, state, blocked_on, parent, parent_step, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .insert(params![
                ulid_bytes(run.id.0),
                run.function,
                run.event,
                state,
                run.blocked_on,
                run.parent.map(|parent| parent.0),
                run.parent.map(|parent| parent.1),
                started_at
            ])
    }

    /// The run of this row number.
    pub(crate) fn run(&self, key: RunKey) -> Result<Option<RunRow>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT seq, id, function, event, state, attempt, blocked_on, parent, parent_step
                 FROM runs WHERE seq = ?1",
            )?
            .query_row([key], RunRow::read)
            .optional()
    }

    /// The row number of a run.
    pub(crate) fn run_key(&self, id: RunId) -> Result<Option<RunKey>, StoreError> {
        self.connection
            .prepare_cached("SELECT seq FROM runs WHERE id = ?1")?
            .query_row([ulid_bytes(id.0)], |row| row.get(0))
            .optional()
    }

    /// Makes an unfinished run active.
    pub(crate) fn activate_run(&self, key: RunKey, now: Millis) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE runs SET state = ?2, blocked_on = NULL, due = NULL, started_at = coalesce(started_at, ?3) WHERE seq = ?1",
            )?
            .execute(params![key, RunState::Active, now])
            .map(drop)
    }

    /// Makes a run wait for room under a concurrency key.
    pub(crate) fn block_run(&self, key: RunKey, blocked_on: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE runs SET state = ?2, blocked_on = ?3, due = NULL WHERE seq = ?1")?
            .execute(params![key, RunState::Waiting, blocked_on])
            .map(drop)
    }

    /// Notes that all open steps of a run wait.
    pub(crate) fn suspend_run(&self, key: RunKey) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE runs SET state = ?2 WHERE seq = ?1")?
            .execute(params![key, RunState::Suspended])
            .map(drop)
    }

    /// Plans the next attempt of a run whose code between steps has failed.
    pub(crate) fn retry_run(&self, key: RunKey, attempt: u32, due: Millis, error: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE runs SET state = ?2, attempt = ?3, due = ?4, result = ?5 WHERE seq = ?1")?
            .execute(params![key, RunState::Retrying, attempt, due, error])
            .map(drop)
    }

    /// Counts attempts of the code between steps from 0 again, because a step was finished.
    pub(crate) fn reset_attempt(&self, key: RunKey) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE runs SET attempt = 0, result = NULL WHERE seq = ?1")?
            .execute([key])
            .map(drop)
    }

    /// Ends a run.
    pub(crate) fn end_run(
        &self,
        key: RunKey,
        state: RunState,
        result: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE runs SET state = ?2, result = ?3, ended_at = ?4, due = NULL, blocked_on = NULL WHERE seq = ?1",
            )?
            .execute(params![key, state, result, now])
            .map(drop)
    }

    /// The runs whose next attempt is due.
    pub(crate) fn due_runs(&self, now: Millis, limit: i64) -> Result<Vec<RunKey>, StoreError> {
        self.connection
            .prepare_cached("SELECT seq FROM runs WHERE due <= ?1 ORDER BY due LIMIT ?2")?
            .query_map(params![now, limit], |row| row.get(0))?
            .collect()
    }

    /// The runs that were active when the process ended.
    pub(crate) fn active_runs(&self) -> Result<Vec<RunKey>, StoreError> {
        self.connection
            .prepare_cached("SELECT seq FROM runs WHERE state = ?1 ORDER BY seq")?
            .query_map([RunState::Active], |row| row.get(0))?
            .collect()
    }

    /// The run that has waited longest for room under this key.
    pub(crate) fn next_blocked(&self, key: &str) -> Result<Option<RunKey>, StoreError> {
        self.connection
            .prepare_cached("SELECT seq FROM runs WHERE blocked_on = ?1 ORDER BY seq LIMIT 1")?
            .query_row([key], |row| row.get(0))
            .optional()
    }

    /// How many runs wait under each key.
    pub(crate) fn blocked_counts(&self) -> Result<Vec<(String, u32)>, StoreError> {
        self.connection
            .prepare_cached("SELECT blocked_on, count(*) FROM runs WHERE blocked_on IS NOT NULL GROUP BY blocked_on")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    /// When the next attempt of a run is due.
    pub(crate) fn next_due_run(&self) -> Result<Option<Millis>, StoreError> {
        self.connection
            .prepare_cached("SELECT due FROM runs WHERE due IS NOT NULL ORDER BY due LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()
    }
}
