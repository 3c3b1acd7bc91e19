//! When things happen without an input: due steps and runs, time tables, retention.

mod cron;
mod retry;

pub(crate) use retry::retry_delay;

use serde_json::value::RawValue;
use system_bus_runtime::error::StepError;

use crate::core::{Core, later};
use crate::limits;
use crate::store::{Millis, PendingKind, PendingRow, StoreError};

impl Core {
    /// Does all that is due, at most a batch of each kind; the rest is due at once again.
    pub(crate) fn fire_timers(&mut self) -> Result<(), StoreError> {
        if self.draining {
            return Ok(());
        }
        if self.timers.due.is_none_or(|due| due.is_some_and(|due| due <= self.now)) {
            self.timers.due = None;
            for run in self.store.due_runs(self.now, limits::TIMERS_PER_BATCH)? {
                self.resume(run)?;
            }
            for row in self.store.due_steps(self.now, limits::TIMERS_PER_BATCH)? {
                self.step_due(row)?;
            }
        }
        self.fire_crons()?;
        if self.timers.retention <= self.now {
            let cutoff = self.now - later(0, limits::RETENTION);
            let failed_cutoff = self.now - later(0, limits::FAILED_DELIVERY_RETENTION);
            let more = self.store.remove_old(
                cutoff,
                failed_cutoff,
                self.now,
                limits::NOTIFICATIONS_KEPT,
                limits::RETENTION_ROWS,
            )?;
            self.timers.retention = if more { self.now } else { later(self.now, limits::RETENTION_INTERVAL) };
        }
        Ok(())
    }

    fn step_due(&mut self, row: PendingRow) -> Result<(), StoreError> {
        match row.kind {
            PendingKind::Sleep | PendingKind::Event | PendingKind::Signal => {
                self.complete_pending(row.run, &row.step, Ok(RawValue::NULL.to_owned()))
            }
            PendingKind::Invoke => {
                let function = row.detail.unwrap_or_default();
                let error = StepError::new(StepError::TIMEOUT, format!("function `{function}` took too long"));
                self.complete_pending(row.run, &row.step, Err(error))
            }
            PendingKind::Retry | PendingKind::FetchRetry | PendingKind::InferRetry => self.retry_due(row),
        }
    }

    /// Notes that something in the store comes due.
    pub(crate) fn note_due(&mut self, due: Millis) {
        if let Some(known) = &mut self.timers.due {
            *known = Some(known.map_or(due, |known| known.min(due)));
        }
    }
}
