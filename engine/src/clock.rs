//! The wall clock behind a trait, so that a simulation can have its own.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::store::Millis;

/// Tells the time.
pub(crate) trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> Millis;
}

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}
