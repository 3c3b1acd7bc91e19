//! Steps that wait: for a time, an event, a signal, another run, or their next attempt.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};
use system_bus_runtime::function::StepKind;

use super::{Millis, RunKey, Store, StoreError};

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum PendingKind {
    /// A time.
    Sleep = 0,
    /// An event; `due` is the time-out.
    Event = 1,
    /// Another run; `due` is the time-out.
    Invoke = 2,
    /// The next attempt of a `run` step.
    Retry = 3,
    /// A signal; `due` is the time-out.
    Signal = 4,
    /// The next attempt of a `fetch` step.
    FetchRetry = 5,
    /// The next attempt of an `infer` step.
    InferRetry = 6,
}

impl PendingKind {
    const ALL: [Self; 7] =
        [Self::Sleep, Self::Event, Self::Invoke, Self::Retry, Self::Signal, Self::FetchRetry, Self::InferRetry];

    /// What a step of this kind waits for after a failed attempt.
    pub(crate) fn retry_of(kind: StepKind) -> Self {
        match kind {
            StepKind::Fetch => Self::FetchRetry,
            StepKind::Infer => Self::InferRetry,
            _ => Self::Retry,
        }
    }

    /// Whether the step waits for its next attempt.
    pub(crate) fn is_retry(self) -> bool {
        matches!(self, Self::Retry | Self::FetchRetry | Self::InferRetry)
    }

    /// The kind of step that waits.
    pub(crate) fn step_kind(self) -> StepKind {
        match self {
            Self::Sleep => StepKind::Sleep,
            Self::Event => StepKind::WaitForEvent,
            Self::Invoke => StepKind::Invoke,
            Self::Retry => StepKind::Run,
            Self::Signal => StepKind::WaitForSignal,
            Self::FetchRetry => StepKind::Fetch,
            Self::InferRetry => StepKind::Infer,
        }
    }
}

impl ToSql for PendingKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(*self as i64))
    }
}

impl FromSql for PendingKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        Self::ALL.into_iter().find(|kind| *kind as i64 == number).ok_or(FromSqlError::OutOfRange(number))
    }
}

/// A step that waits.
#[derive(Clone, Debug)]
pub(crate) struct PendingRow {
    pub(crate) run: RunKey,
    /// The name, with `:n` for a repeat.
    pub(crate) step: String,
    pub(crate) kind: PendingKind,
    pub(crate) due: Option<Millis>,
    /// Attempts that have failed.
    pub(crate) attempts: u32,
    pub(crate) started_at: Millis,
    /// The awaited event or signal, the invoked function, or the last error.
    pub(crate) detail: Option<String>,
}

impl PendingRow {
    pub(crate) const COLUMNS: &'static str = "run, step, kind, due, attempts, started_at, detail";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            run: row.get(0)?,
            step: row.get(1)?,
            kind: row.get(2)?,
            due: row.get(3)?,
            attempts: row.get(4)?,
            started_at: row.get(5)?,
            detail: row.get(6)?,
        })
    }
}

impl Store {
    /// Adds a step that waits, or replaces it.
    pub(crate) fn put_pending(&self, row: &PendingRow) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO pending (run, step, kind, due, attempts, started_at, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![row.run, row.step, row.kind, row.due, row.attempts, row.started_at, row.detail])
            .map(drop)
    }

    /// A step that waits.
    pub(crate) fn pending_step(&self, run: RunKey, step: &str) -> Result<Option<PendingRow>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT run, step, kind, due, attempts, started_at, detail FROM pending WHERE run = ?1 AND step = ?2",
            )?
            .query_row(params![run, step], PendingRow::read)
            .optional()
    }

    /// The steps of a run that wait.
    pub(crate) fn pending_steps(&self, run: RunKey) -> Result<Vec<PendingRow>, StoreError> {
        self.connection
            .prepare_cached("SELECT run, step, kind, due, attempts, started_at, detail FROM pending WHERE run = ?1")?
            .query_map([run], PendingRow::read)?
            .collect()
    }

    /// Removes a step that waits, and what it waits for.
    pub(crate) fn remove_pending(&self, run: RunKey, step: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM pending WHERE run = ?1 AND step = ?2")?
            .execute(params![run, step])?;
        self.remove_wait(run, step)
    }

    /// Removes all steps of a run that wait, and what they and the run wait for.
    pub(crate) fn remove_all_pending(&self, run: RunKey) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM pending WHERE run = ?1")?.execute([run])?;
        self.connection.prepare_cached("DELETE FROM waits WHERE run = ?1")?.execute([run]).map(drop)
    }

    /// The steps whose time has come.
    pub(crate) fn due_steps(&self, now: Millis, limit: i64) -> Result<Vec<PendingRow>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT run, step, kind, due, attempts, started_at, detail FROM pending WHERE due <= ?1 ORDER BY due LIMIT ?2",
            )?
            .query_map(params![now, limit], PendingRow::read)?
            .collect()
    }

    /// When the next step's time comes.
    pub(crate) fn next_due_step(&self) -> Result<Option<Millis>, StoreError> {
        self.connection
            .prepare_cached("SELECT due FROM pending WHERE due IS NOT NULL ORDER BY due LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()
    }
}
