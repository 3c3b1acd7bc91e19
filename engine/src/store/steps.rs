//! Finished steps, in the order in which they completed.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params};
use system_bus_runtime::error::StepError;
use system_bus_runtime::function::StepKind;
use system_bus_runtime::protocol::StepResult;

use super::events::raw;
use super::{Millis, RunKey, Store, StoreError};

/// Bits of a step's key that hold its position.
const POSITION_BITS: u32 = 20;

/// A finished step.
#[derive(Clone, Debug)]
pub(crate) struct StepRow {
    /// The name, with `:n` for a repeat.
    pub(crate) name: String,
    pub(crate) kind: StepKind,
    pub(crate) attempts: u32,
    pub(crate) started_at: Millis,
    pub(crate) ended_at: Millis,
    pub(crate) result: StepResult,
}

/// A step's kind as it is stored.
struct Kind(StepKind);

const KINDS: [StepKind; 9] = [
    StepKind::Run,
    StepKind::Sleep,
    StepKind::WaitForEvent,
    StepKind::WaitForSignal,
    StepKind::SendSignal,
    StepKind::SendEvent,
    StepKind::Invoke,
    StepKind::Fetch,
    StepKind::Infer,
];

impl ToSql for Kind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = KINDS.iter().position(|kind| *kind == self.0).unwrap_or(0);
        Ok(ToSqlOutput::from(i64::try_from(number).unwrap_or(0)))
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        let kind = usize::try_from(number).ok().and_then(|number| KINDS.get(number));
        kind.map(|kind| Self(*kind)).ok_or(FromSqlError::OutOfRange(number))
    }
}

fn key(run: RunKey, position: i64) -> i64 {
    run << POSITION_BITS | position
}

/// The finished steps of a run, in the order in which they completed.
pub(crate) fn completed_steps(connection: &Connection, run: RunKey) -> Result<Vec<StepRow>, StoreError> {
    connection
        .prepare_cached(
            "SELECT name, kind, ok, attempts, started_at, ended_at, result FROM steps WHERE key >= ?1 AND key < ?2 ORDER BY key",
        )?
        .query_map(params![key(run, 0), key(run + 1, 0)], |row| {
            let ok: bool = row.get(2)?;
            let text: String = row.get(6)?;
            let result = if ok { Ok(raw(text)) } else { Err(error_from(&text)) };
            Ok(StepRow {
                name: row.get(0)?,
                kind: row.get::<_, Kind>(1)?.0,
                attempts: row.get(3)?,
                started_at: row.get(4)?,
                ended_at: row.get(5)?,
                result,
            })
        })?
        .collect()
}

/// A stored error.
fn error_from(text: &str) -> StepError {
    serde_json::from_str(text).unwrap_or_else(|_| StepError::new("Error", text))
}

impl Store {
    /// Adds a finished step behind those that are there.
    pub(crate) fn add_step(&self, run: RunKey, position: i64, step: &StepRow) -> Result<(), StoreError> {
        let error;
        let (ok, result) = match &step.result {
            Ok(value) => (true, value.get()),
            Err(failure) => {
                error = serde_json::to_string(failure).unwrap_or_default();
                (false, error.as_str())
            }
        };
        self.connection
            .prepare_cached(
                "INSERT INTO steps (key, name, kind, ok, attempts, started_at, ended_at, result)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                key(run, position),
                step.name,
                Kind(step.kind),
                ok,
                step.attempts,
                step.started_at,
                step.ended_at,
                result
            ])
            .map(drop)
    }

    /// How many steps of a run are finished.
    pub(crate) fn step_count(&self, run: RunKey) -> Result<i64, StoreError> {
        let last: Option<i64> = self
            .connection
            .prepare_cached("SELECT max(key) FROM steps WHERE key >= ?1 AND key < ?2")?
            .query_row(params![key(run, 0), key(run + 1, 0)], |row| row.get(0))?;
        Ok(last.map_or(0, |last| last - key(run, 0) + 1))
    }

    /// The finished steps of a run, in the order in which they completed.
    pub(crate) fn steps(&self, run: RunKey) -> Result<Vec<StepRow>, StoreError> {
        completed_steps(&self.connection, run)
    }

    /// Removes the finished steps of a run.
    pub(crate) fn remove_steps(&self, run: RunKey) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM steps WHERE key >= ?1 AND key < ?2")?
            .execute(params![key(run, 0), key(run + 1, 0)])
            .map(drop)
    }
}
