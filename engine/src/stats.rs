//! Counters that anybody may read at any time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters of one engine since its start.
#[derive(Debug, Default)]
pub struct Stats {
    ended: AtomicU64,
    store_failed: AtomicBool,
}

impl Stats {
    pub(crate) fn count_ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_store(&self, failed: bool) {
        self.store_failed.store(failed, Ordering::Relaxed);
    }

    /// Whether the last commit failed, as on a full disk.
    pub fn store_failed(&self) -> bool {
        self.store_failed.load(Ordering::Relaxed)
    }

    /// Runs that have ended, in whatever way.
    pub fn runs_ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }
}
