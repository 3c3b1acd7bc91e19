//! What events are compared with: waits and cancellations, found by an index on event, path and value.

use rusqlite::{OptionalExtension, params};

use super::{Millis, RunKey, Store, StoreError};

/// The start of the names under which cancellations are stored, one for each rule; no step's name can have it.
pub(crate) const CANCELLATION: char = '\u{1}';

/// The event under which waits for signals are stored, with the signal's name as the value; no event can have this name.
pub(crate) const SIGNAL: &str = "inngest/signal";

/// One wait, or one cancellation.
pub(crate) struct Wait<'a> {
    pub(crate) event: &'a str,
    /// The JSON pointer into the event that must equal `value`; empty when there is no such equality.
    pub(crate) path: &'a str,
    pub(crate) value: &'a str,
    pub(crate) run: RunKey,
    /// The step's name, or [`CANCELLATION`] and the number of the rule.
    pub(crate) step: &'a str,
    pub(crate) expression: Option<&'a str>,
    pub(crate) expires_at: Option<Millis>,
}

/// A wait that an event may end.
pub(crate) struct WaitHit {
    pub(crate) run: RunKey,
    pub(crate) step: String,
    pub(crate) expression: Option<String>,
    pub(crate) expires_at: Option<Millis>,
}

impl Store {
    /// Adds a wait.
    pub(crate) fn add_wait(&self, wait: &Wait<'_>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO waits (event, path, value, run, step, expression, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![wait.event, wait.path, wait.value, wait.run, wait.step, wait.expression, wait.expires_at])
            .map(drop)
    }

    /// The least path above `after` under which runs wait for this event; each call is one index look-up.
    pub(crate) fn next_wait_path(&self, event: &str, after: Option<&str>) -> Result<Option<String>, StoreError> {
        let mut statement = match after {
            None => self
                .connection
                .prepare_cached("SELECT path FROM waits WHERE event = ?1 AND path >= ?2 ORDER BY path LIMIT 1")?,
            Some(_) => self
                .connection
                .prepare_cached("SELECT path FROM waits WHERE event = ?1 AND path > ?2 ORDER BY path LIMIT 1")?,
        };
        statement.query_row(params![event, after.unwrap_or("")], |row| row.get(0)).optional()
    }

    /// Who waits for a signal.
    pub(crate) fn signal_waiter(&self, signal: &str) -> Result<Option<WaitHit>, StoreError> {
        Ok(self.waits_for(SIGNAL, "", signal)?.pop())
    }

    /// Removes what a step waits for; the step itself waits on.
    pub(crate) fn remove_wait(&self, run: RunKey, step: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM waits WHERE run = ?1 AND step = ?2")?
            .execute(params![run, step])
            .map(drop)
    }

    /// The waits for this event whose path has this value, oldest run first.
    pub(crate) fn waits_for(&self, event: &str, path: &str, value: &str) -> Result<Vec<WaitHit>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT run, step, expression, expires_at FROM waits WHERE event = ?1 AND path = ?2 AND value = ?3 ORDER BY run",
            )?
            .query_map(params![event, path, value], |row| {
                Ok(WaitHit { run: row.get(0)?, step: row.get(1)?, expression: row.get(2)?, expires_at: row.get(3)? })
            })?
            .collect()
    }
}
