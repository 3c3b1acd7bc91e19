//! What outlives runs: time tables; and what retention removes.

use rusqlite::{OptionalExtension, params};

use super::{Millis, RunKey, RunState, Store, StoreError, ulid_bytes};

/// The least id of this time.
fn first_id(time: Millis) -> ulid::Ulid {
    ulid::Ulid::from_parts(u64::try_from(time).unwrap_or(0), 0)
}

impl Store {
    /// When a time table fires next.
    pub(crate) fn cron_next(&self, function: &str, expression: &str) -> Result<Option<Millis>, StoreError> {
        self.connection
            .prepare_cached("SELECT next FROM crons WHERE function = ?1 AND expression = ?2")?
            .query_row(params![function, expression], |row| row.get(0))
            .optional()
    }

    /// Sets when a time table fires next.
    pub(crate) fn set_cron_next(&self, function: &str, expression: &str, next: Millis) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO crons (function, expression, next) VALUES (?1, ?2, ?3)")?
            .execute(params![function, expression, next])
            .map(drop)
    }

    /// The time tables that are stored.
    pub(crate) fn crons(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.connection
            .prepare_cached("SELECT function, expression FROM crons")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    /// Forgets a time table that no function has any more.
    pub(crate) fn remove_cron(&self, function: &str, expression: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM crons WHERE function = ?1 AND expression = ?2")?
            .execute(params![function, expression])
            .map(drop)
    }

    /// Removes up to `limit` rows of each kind that ended before `cutoff`, failed deliveries from before `failed_cutoff`;
    /// whether there may be more.
    pub(crate) fn remove_old(
        &self,
        cutoff: Millis,
        failed_cutoff: Millis,
        now: Millis,
        notifications_kept: i64,
        limit: i64,
    ) -> Result<bool, StoreError> {
        let may_have_old_deliveries = self.remove_old_deliveries(cutoff, failed_cutoff, limit)?;
        let runs: Vec<RunKey> = self
            .connection
            .prepare_cached("SELECT seq FROM runs WHERE ended_at < ?1 AND state >= ?2 ORDER BY ended_at LIMIT ?3")?
            .query_map(params![cutoff, RunState::FINAL, limit], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for run in &runs {
            self.remove_steps(*run)?;
            self.connection.prepare_cached("DELETE FROM runs WHERE seq = ?1")?.execute([run])?;
        }
        let events: Vec<i64> = self
            .connection
            .prepare_cached(
                // An id starts with the time of receipt, so its index spares a look at every event.
                "SELECT seq FROM events WHERE id < ?1
                 AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event = events.seq) ORDER BY id LIMIT ?2",
            )?
            .query_map(params![ulid_bytes(first_id(cutoff)), limit], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for event in &events {
            self.connection.prepare_cached("DELETE FROM fates WHERE event = ?1")?.execute([event])?;
            self.connection.prepare_cached("DELETE FROM events WHERE seq = ?1")?.execute([event])?;
        }
        let may_have_expired_state = self.remove_expired_state(now, limit)?;
        self.connection
            .prepare_cached("DELETE FROM notifications WHERE seq <= (SELECT max(seq) FROM notifications) - ?1")?
            .execute([notifications_kept])?;
        let full = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(runs.len() >= full || events.len() >= full || may_have_expired_state || may_have_old_deliveries)
    }
}
