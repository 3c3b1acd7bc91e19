//! A state store in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::TestClock;
use super::clock::later;
use crate::error::{Error, Result};
use crate::service::{ListEnd, STATE_ITEMS_MAX, ServiceFuture, StateCommand, StateProblem, StateReply, StateStore};

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
    entries: Arc<Mutex<BTreeMap<String, Entry>>>,
    published: Arc<Mutex<Vec<(String, String)>>>,
    clock: TestClock,
}

struct Entry {
    held: Held,
    expires_at: Option<i64>,
}

/// What a key holds. Texts are JSON, but for members and fields.
#[derive(Clone)]
pub(super) enum Held {
    Value(String),
    List(VecDeque<String>),
    Set(BTreeSet<String>),
    Hash(BTreeMap<String, String>),
}

impl MemoryState {
    /// An empty store whose values expire by `clock`.
    pub fn new(clock: TestClock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// The clock by which values expire.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// What a key holds that has not expired, for assertions: a value as it is, a list or a set as an array, a hash as an
    /// object.
    pub fn value(&self, key: &str) -> Option<Value> {
        self.lock().get(key).map(|entry| entry.held.json())
    }

    /// The keys that have not expired.
    pub fn keys(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// How long a key will be there; `None` when it is absent or stays for ever.
    pub fn expires_after(&self, key: &str) -> Option<Duration> {
        let millis = self.lock().get(key)?.expires_at? - self.clock.now();
        Some(Duration::from_millis(millis.unsigned_abs()))
    }

    /// What was published, as channel and message, in order.
    pub fn published(&self) -> Vec<(String, String)> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets a value that does not expire.
    pub fn insert(&self, key: impl Into<String>, value: &impl Serialize) -> Result<()> {
        self.hold(key.into(), Held::Value(serde_json::to_string(value).map_err(Error::terminal)?));
        Ok(())
    }

    pub(super) fn hold(&self, key: String, held: Held) {
        self.lock().insert(key, Entry { held, expires_at: None });
    }

    // No method panics while it holds the lock, so a poisoned one still holds whole state.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        let now = self.clock.now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.expires_at.is_none_or(|time| time > now));
        entries
    }
}

impl StateStore for MemoryState {
    fn apply(&self, key: String, command: StateCommand) -> ServiceFuture<'_, StateReply> {
        Box::pin(async move {
            let mut entries = self.lock();
            let mut slot = Slot { entry: entries.remove(&key), now: self.clock.now() };
            let reply = slot.apply(command).unwrap_or_else(StateReply::Refused);
            if let Some(entry) = slot.entry.filter(|entry| entry.held.items() > 0) {
                entries.insert(key, entry);
            }
            Ok(reply)
        })
    }

    fn publish(&self, channel: String, message: String) -> ServiceFuture<'_, ()> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).push((channel, message));
        Box::pin(async { Ok(()) })
    }
}

/// The place of one key.
struct Slot {
    entry: Option<Entry>,
    now: i64,
}

impl Slot {
    fn apply(&mut self, command: StateCommand) -> Result<StateReply, StateProblem> {
        Ok(match command {
            StateCommand::Get => StateReply::Text(self.value()?.cloned()),
            StateCommand::Set { value, expires_after, only_if_absent } => {
                let is_free = self.value()?.is_none() || !only_if_absent;
                if is_free {
                    self.set(value, expires_after);
                }
                StateReply::Flag(is_free)
            }
            StateCommand::Take => {
                let value = self.value()?.cloned();
                self.entry = None;
                StateReply::Text(value)
            }
            StateCommand::Increment { by, expires_after } => {
                let count = match self.value()? {
                    Some(text) => text.parse::<i64>().map_err(|_| StateProblem::NotANumber)?,
                    None => 0,
                };
                let count = count.checked_add(by).ok_or(StateProblem::Overflow)?;
                match &mut self.entry {
                    Some(entry) => entry.held = Held::Value(count.to_string()),
                    None => self.set(count.to_string(), expires_after),
                }
                StateReply::Number(count)
            }
            StateCommand::Acquire { owner, lasts } => {
                let is_free = self.value()?.is_none_or(|held| *held == owner);
                if is_free {
                    self.set(owner, Some(lasts));
                }
                StateReply::Flag(is_free)
            }
            StateCommand::Release { owner } => {
                let is_held = self.value()?.is_some_and(|held| *held == owner);
                if is_held {
                    self.entry = None;
                }
                StateReply::Flag(is_held)
            }
            StateCommand::Push { item, end, keep } => {
                let list = self.list()?;
                let length = list.len() + 1;
                let kept = keep.map_or(length, |keep| length.min(count(keep)));
                if kept > count(STATE_ITEMS_MAX) {
                    return Err(StateProblem::Full);
                }
                match end {
                    ListEnd::First => {
                        list.push_front(item);
                        list.truncate(kept);
                    }
                    ListEnd::Last => {
                        list.push_back(item);
                        list.drain(..length - kept);
                    }
                }
                StateReply::Number(i64::try_from(kept).unwrap_or(i64::MAX))
            }
            StateCommand::List => StateReply::Texts(self.list()?.iter().cloned().collect()),
            StateCommand::TakeList => StateReply::Texts(std::mem::take(self.list()?).into()),
            StateCommand::AddMember(member) => {
                let set = self.set_of_texts()?;
                if !set.contains(&member) && set.len() >= count(STATE_ITEMS_MAX) {
                    return Err(StateProblem::Full);
                }
                StateReply::Flag(set.insert(member))
            }
            StateCommand::RemoveMember(member) => StateReply::Flag(self.set_of_texts()?.remove(&member)),
            StateCommand::HasMember(member) => StateReply::Flag(self.set_of_texts()?.contains(&member)),
            StateCommand::Members => StateReply::Texts(self.set_of_texts()?.iter().cloned().collect()),
            StateCommand::SetField { field, value } => {
                let hash = self.hash()?;
                if !hash.contains_key(&field) && hash.len() >= count(STATE_ITEMS_MAX) {
                    return Err(StateProblem::Full);
                }
                StateReply::Flag(hash.insert(field, value).is_none())
            }
            StateCommand::Field(field) => StateReply::Text(self.hash()?.get(&field).cloned()),
            StateCommand::Fields => StateReply::Fields(self.hash()?.clone()),
            StateCommand::RemoveField(field) => StateReply::Flag(self.hash()?.remove(&field).is_some()),
            StateCommand::Expire(after) => {
                let expires_at = Some(later(self.now, after));
                let entry = self.entry.as_mut().map(|entry| entry.expires_at = expires_at);
                StateReply::Flag(entry.is_some())
            }
            StateCommand::Remove => StateReply::Flag(self.entry.take().is_some()),
        })
    }

    fn set(&mut self, value: String, expires_after: Option<Duration>) {
        let expires_at = expires_after.map(|after| later(self.now, after));
        self.entry = Some(Entry { held: Held::Value(value), expires_at });
    }

    fn value(&self) -> Result<Option<&String>, StateProblem> {
        match self.entry.as_ref().map(|entry| &entry.held) {
            None => Ok(None),
            Some(Held::Value(text)) => Ok(Some(text)),
            Some(_) => Err(StateProblem::WrongKind),
        }
    }

    fn list(&mut self) -> Result<&mut VecDeque<String>, StateProblem> {
        match self.held_or(Held::List(VecDeque::new())) {
            Held::List(list) => Ok(list),
            _ => Err(StateProblem::WrongKind),
        }
    }

    fn set_of_texts(&mut self) -> Result<&mut BTreeSet<String>, StateProblem> {
        match self.held_or(Held::Set(BTreeSet::new())) {
            Held::Set(set) => Ok(set),
            _ => Err(StateProblem::WrongKind),
        }
    }

    fn hash(&mut self) -> Result<&mut BTreeMap<String, String>, StateProblem> {
        match self.held_or(Held::Hash(BTreeMap::new())) {
            Held::Hash(hash) => Ok(hash),
            _ => Err(StateProblem::WrongKind),
        }
    }

    /// What is there, or else this; what stays empty is not kept.
    fn held_or(&mut self, empty: Held) -> &mut Held {
        &mut self.entry.get_or_insert(Entry { held: empty, expires_at: None }).held
    }
}

impl Held {
    /// A value counts as one.
    fn items(&self) -> usize {
        match self {
            Self::Value(_) => 1,
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::Hash(hash) => hash.len(),
        }
    }

    fn json(&self) -> Value {
        let value = |text: &String| serde_json::from_str(text).unwrap_or_default();
        match self {
            Self::Value(text) => value(text),
            Self::List(list) => list.iter().map(value).collect(),
            Self::Set(set) => set.iter().map(String::as_str).collect(),
            Self::Hash(hash) => hash.iter().map(|(field, text)| (field.clone(), value(text))).collect(),
        }
    }
}

fn count(items: u32) -> usize {
    usize::try_from(items).unwrap_or(usize::MAX)
}

impl fmt::Debug for MemoryState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.lock().iter().map(|(key, entry)| (key, entry.held.json()))).finish()
    }
}
