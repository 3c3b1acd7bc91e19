//! A state store in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::TestClock;
use super::clock::later;
use crate::error::{Error, Result};
use crate::service::{ServiceFuture, StateStore};

/// Values in memory, expiring by a clock that the test sets; clones share them.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use system_bus_runtime::service::State;
/// use system_bus_runtime::testing::MemoryState;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> system_bus_runtime::Result<()> {
/// let store = MemoryState::default();
/// let state = State::new(Arc::new(store.clone()));
/// state.set("gate", &true, Some(Duration::from_secs(60))).await?;
/// store.clock().advance(Duration::from_secs(61));
/// assert_eq!(state.get::<bool>("gate").await?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryState {
    values: Arc<Mutex<BTreeMap<String, Entry>>>,
    clock: TestClock,
}

#[derive(Clone)]
struct Entry {
    value: Box<RawValue>,
    expires_at: Option<i64>,
}

impl MemoryState {
    /// An empty store whose values expire by `clock`.
    pub fn new(clock: TestClock) -> Self {
        Self { values: Arc::default(), clock }
    }

    /// The clock by which values expire.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The value of a key that has not expired, for assertions.
    pub fn value(&self, key: &str) -> Option<Value> {
        self.lock().get(key).and_then(|entry| serde_json::from_str(entry.value.get()).ok())
    }

    /// The keys that have not expired.
    pub fn keys(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Sets a value that does not expire.
    pub fn insert(&self, key: impl Into<String>, value: &impl Serialize) -> Result<()> {
        self.insert_raw(key.into(), to_raw_value(value).map_err(Error::terminal)?);
        Ok(())
    }

    pub(super) fn insert_raw(&self, key: String, value: Box<RawValue>) {
        self.lock().insert(key, Entry { value, expires_at: None });
    }

    // No method panics while it holds the lock, so a poisoned one still holds whole state.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        let now = self.clock.now();
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.retain(|_, entry| entry.expires_at.is_none_or(|time| time > now));
        values
    }
}

impl StateStore for MemoryState {
    fn read(&self, key: String) -> ServiceFuture<'_, Option<Box<RawValue>>> {
        Box::pin(async move { Ok(self.lock().get(&key).map(|entry| entry.value.clone())) })
    }

    fn write(
        &self,
        key: String,
        value: Box<RawValue>,
        expires_after: Option<Duration>,
        only_if_absent: bool,
    ) -> ServiceFuture<'_, bool> {
        Box::pin(async move {
            let mut values = self.lock();
            if only_if_absent && values.contains_key(&key) {
                return Ok(false);
            }
            let expires_at = expires_after.map(|duration| later(self.clock.now(), duration));
            values.insert(key, Entry { value, expires_at });
            Ok(true)
        })
    }

    fn remove(&self, key: String) -> ServiceFuture<'_, bool> {
        Box::pin(async move { Ok(self.lock().remove(&key).is_some()) })
    }
}

impl fmt::Debug for MemoryState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.lock().iter().map(|(key, entry)| (key, entry.value.get()))).finish()
    }
}
