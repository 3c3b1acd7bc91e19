//! The store: one SQLite file in WAL mode, written by one thread in transactions that are durable when they return.
//!
//! What a crash means is SQLite's promise: a transaction whose commit has returned is there, one whose commit has not is
//! there whole or not at all. The engine tells nobody of anything before its commit.

mod events;
pub(crate) mod inbox;
mod keep;
mod notifications;
mod open;
mod pending;
mod runs;
mod state;
mod steps;
mod waits;

pub(crate) use events::{EventRow, Fate};
pub(crate) use inbox::Settled;
pub use notifications::KeptNotification;
pub use open::OpenError;
pub(crate) use open::{DirectoryLock, Place, open_reader};
pub(crate) use pending::{PendingKind, PendingRow};
pub(crate) use runs::{NewRun, RunRow, RunState};
pub(crate) use state::apply_state;
pub(crate) use steps::{StepRow, completed_steps};
pub(crate) use waits::{CANCELLATION, SIGNAL, Wait, WaitHit};

use rusqlite::Connection;

/// Milliseconds since 1970.
pub(crate) type Millis = i64;

/// The row number of a run.
pub(crate) type RunKey = i64;

/// The row number of an event.
pub(crate) type EventKey = i64;

/// A failure of the store; its text is for the log, never for a caller.
pub(crate) type StoreError = rusqlite::Error;

/// The writing side of the store.
pub(crate) struct Store {
    connection: Connection,
}

impl Store {
    /// Starts a transaction; all that follows is in it until [`Store::commit`] or [`Store::rollback`].
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
    }

    /// Makes the transaction durable: it survives a crash of the process and of the machine.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        self.connection.prepare_cached("COMMIT")?.execute([]).map(drop)
    }

    /// Forgets the transaction, if one is open.
    pub(crate) fn rollback(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rollback failed");
        }
    }

    /// Moves the log into the database file, so that a clean stop leaves one file.
    pub(crate) fn checkpoint(&self) {
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "checkpoint failed");
        }
    }
}

/// A ULID as it is stored.
pub(crate) fn ulid_bytes(id: ulid::Ulid) -> [u8; 16] {
    id.to_bytes()
}

/// A stored ULID.
pub(crate) fn ulid_from(bytes: [u8; 16]) -> ulid::Ulid {
    ulid::Ulid::from_bytes(bytes)
}

#[cfg(test)]
impl Store {
    /// Leaves the database no page to grow by, until it is opened again.
    pub(crate) fn limit_size(&self) -> Result<(), StoreError> {
        self.connection.execute_batch(
            "PRAGMA max_page_count = 1; INSERT INTO state (key, value) VALUES ('full', zeroblob(1000000))",
        )
    }

    /// How many runs have not ended.
    pub(crate) fn unfinished(&self) -> i64 {
        let query = "SELECT count(*) FROM runs WHERE state < ?1";
        self.connection.prepare_cached(query).unwrap().query_row([RunState::FINAL], |row| row.get(0)).unwrap()
    }

    /// How many steps are finished, of all runs.
    pub(crate) fn step_total(&self) -> usize {
        let query = "SELECT count(*) FROM steps";
        let count: i64 = self.connection.prepare_cached(query).unwrap().query_row([], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    }

    /// The finished steps of all runs.
    pub(crate) fn all_steps(&self) -> std::collections::HashSet<(system_bus_runtime::function::RunId, String)> {
        let query = "SELECT runs.id, steps.name FROM steps JOIN runs ON runs.seq = steps.key >> 20";
        let mut statement = self.connection.prepare_cached(query).unwrap();
        let rows = statement
            .query_map([], |row| Ok((system_bus_runtime::function::RunId(ulid_from(row.get(0)?)), row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// All runs, oldest first.
    pub(crate) fn all_runs(&self) -> Vec<RunRow> {
        let mut statement = self.connection.prepare("SELECT seq FROM runs ORDER BY seq").unwrap();
        let keys: Vec<RunKey> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        keys.into_iter().map(|key| self.run(key).unwrap().unwrap()).collect()
    }

    /// The output or error of a run.
    pub(crate) fn result_of(&self, run: RunKey) -> serde_json::Value {
        let query = "SELECT result FROM runs WHERE seq = ?1";
        let text: Option<String> = self.connection.query_row(query, [run], |row| row.get(0)).unwrap();
        text.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
    }

    /// All fates that are no runs, as function and fate.
    pub(crate) fn all_fates(&self) -> Vec<(String, String)> {
        let mut statement = self.connection.prepare("SELECT function, fate FROM fates ORDER BY event").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Rows that belong to unfinished runs only.
    pub(crate) fn leftovers(&self) -> i64 {
        let query = "SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM waits)";
        self.connection.query_row(query, [], |row| row.get(0)).unwrap()
    }
}
