//! A clock that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::step::UnixMillis;

/// A clock that moves only when it is told to; clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use system_bus_runtime::testing::TestClock;
///
/// let clock = TestClock::at(1_000);
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now(), 3_000);
/// ```
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

/// 2026-01-01T00:00:00Z: late enough that durations counted back from it stay positive.
const START: i64 = 1_767_225_600_000;

impl TestClock {
    /// A clock that shows `time`, in milliseconds since 1970 or as a [`jiff::Timestamp`].
    pub fn at(time: impl Into<UnixMillis>) -> Self {
        Self(Arc::new(AtomicI64::new(time.into().0)))
    }

    /// The time, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.set(later(self.now(), duration));
    }

    /// Sets the clock.
    pub fn set(&self, time: impl Into<UnixMillis>) {
        self.0.store(time.into().0, Ordering::Relaxed);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::at(START)
    }
}

/// `duration` after `time`, at most the end of time.
pub(super) fn later(time: i64, duration: Duration) -> i64 {
    time.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
