//! Counters that anybody may read at any time.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one engine since its start.
#[derive(Debug, Default)]
pub struct Stats {
    ended: AtomicU64,
}

impl Stats {
    pub(crate) fn count_ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs that have ended, in whatever way.
    pub fn runs_ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }
}
