//! What functions keep between runs: values and counters, lists, sets, hashes and locks by key, with expiry.

mod store;

pub use store::{
    ListEnd, STATE_EXPIRY_MAX, STATE_ITEMS_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, StateCommand, StateKind,
    StateProblem, StateReply, StateStore,
};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::event::decode_text;
use crate::function::{Context, FromContext};
use store::{Answer, answer};

/// What outlives a run. Call it inside a step: `step.run("gate", state.get("last-run"))`.
///
/// A key holds a value (a counter and a lock are values, too), a list, a set or a hash, and using it as another kind is a
/// terminal error that says `WRONGTYPE`. Each call happens whole or not at all; one that fails may have happened. Values
/// and items are JSON, of at most [`STATE_VALUE_BYTES_MAX`] bytes; keys, fields and members have at most
/// [`STATE_KEY_BYTES_MAX`]; a list, set or hash holds at most [`STATE_ITEMS_MAX`] items. A list, set or hash that becomes
/// empty is gone, and its expiry with it.
#[derive(Clone)]
pub struct State(Arc<dyn StateStore>);

impl State {
    /// State kept in `store`.
    pub fn new(store: Arc<dyn StateStore>) -> Self {
        Self(store)
    }

    /// The value of `key`, unless it is absent or has expired.
    pub async fn get<T: DeserializeOwned>(&self, key: impl Into<String>) -> Result<Option<T>> {
        self.one(key.into(), StateCommand::Get).await
    }

    /// Sets `key`, for ever or until `expires_after` has passed.
    pub async fn set<T: Serialize>(
        &self,
        key: impl Into<String>,
        value: &T,
        expires_after: Option<Duration>,
    ) -> Result<()> {
        self.write(key.into(), value, expires_after, false).await.map(drop)
    }

    /// Sets `key` unless it is there; true for the one caller that set it.
    pub async fn set_if_absent<T: Serialize>(
        &self,
        key: impl Into<String>,
        value: &T,
        expires_after: Option<Duration>,
    ) -> Result<bool> {
        self.write(key.into(), value, expires_after, true).await
    }

    /// Reads the value of `key` and removes it; of several callers one gets it.
    pub async fn take<T: DeserializeOwned>(&self, key: impl Into<String>) -> Result<Option<T>> {
        self.one(key.into(), StateCommand::Take).await
    }

    /// Removes `key`, whatever it holds; whether it was there.
    pub async fn remove(&self, key: impl Into<String>) -> Result<bool> {
        self.ask(key.into(), StateCommand::Remove).await
    }

    /// Lets `key`, whatever it holds, expire once `after` has passed; false when it is not there.
    pub async fn expire(&self, key: impl Into<String>, after: Duration) -> Result<bool> {
        self.ask(key.into(), StateCommand::Expire(whole(after))).await
    }

    /// Adds `by` to a counter that starts at 0; the new count. `expires_after` counts from the first call, so that a
    /// window does not slide.
    pub async fn increment(&self, key: impl Into<String>, by: i64, expires_after: Option<Duration>) -> Result<i64> {
        self.ask(key.into(), StateCommand::Increment { by, expires_after: expires_after.map(whole) }).await
    }

    /// Adds an item at the end of a list; the new length. With `keep_last` only so many of the last items stay.
    pub async fn list_append<T: Serialize>(
        &self,
        key: impl Into<String>,
        item: &T,
        keep_last: Option<u32>,
    ) -> Result<u64> {
        self.push(key.into(), item, ListEnd::Last, keep_last).await
    }

    /// Adds an item at the start of a list; the new length. With `keep_first` only so many of the first items stay.
    pub async fn list_prepend<T: Serialize>(
        &self,
        key: impl Into<String>,
        item: &T,
        keep_first: Option<u32>,
    ) -> Result<u64> {
        self.push(key.into(), item, ListEnd::First, keep_first).await
    }

    /// The items of a list, first to last; none when it is absent.
    pub async fn list<T: DeserializeOwned>(&self, key: impl Into<String>) -> Result<Vec<T>> {
        self.all(key.into(), StateCommand::List).await
    }

    /// Reads the items of a list and removes it; of several callers one gets them.
    pub async fn list_take<T: DeserializeOwned>(&self, key: impl Into<String>) -> Result<Vec<T>> {
        self.all(key.into(), StateCommand::TakeList).await
    }

    /// Adds a member to a set; whether it is new.
    pub async fn set_add(&self, key: impl Into<String>, member: impl Into<String>) -> Result<bool> {
        self.ask(key.into(), StateCommand::AddMember(name(member)?)).await
    }

    /// Removes a member of a set; whether it was there.
    pub async fn set_remove(&self, key: impl Into<String>, member: impl Into<String>) -> Result<bool> {
        self.ask(key.into(), StateCommand::RemoveMember(name(member)?)).await
    }

    /// Whether a set has a member.
    pub async fn set_contains(&self, key: impl Into<String>, member: impl Into<String>) -> Result<bool> {
        self.ask(key.into(), StateCommand::HasMember(name(member)?)).await
    }

    /// The members of a set, sorted; none when it is absent.
    pub async fn set_members(&self, key: impl Into<String>) -> Result<Vec<String>> {
        self.ask(key.into(), StateCommand::Members).await
    }

    /// Sets a field of a hash; whether the field is new.
    pub async fn hash_set<T: Serialize>(
        &self,
        key: impl Into<String>,
        field: impl Into<String>,
        value: &T,
    ) -> Result<bool> {
        let key = key.into();
        let value = encode(&key, value)?;
        self.ask(key, StateCommand::SetField { field: name(field)?, value }).await
    }

    /// The value of a hash's field.
    pub async fn hash_get<T: DeserializeOwned>(
        &self,
        key: impl Into<String>,
        field: impl Into<String>,
    ) -> Result<Option<T>> {
        self.one(key.into(), StateCommand::Field(name(field)?)).await
    }

    /// All fields of a hash with their values; none when it is absent.
    pub async fn hash_entries<T: DeserializeOwned>(&self, key: impl Into<String>) -> Result<BTreeMap<String, T>> {
        let key = key.into();
        let fields: BTreeMap<String, String> = self.ask(key.clone(), StateCommand::Fields).await?;
        fields.into_iter().map(|(field, text)| Ok((field, decoded(&key, &text)?))).collect()
    }

    /// All fields of a hash with the texts that are stored: for a hash that other programs write to, where one value that
    /// is no JSON must not hide the others.
    pub async fn hash_texts(&self, key: impl Into<String>) -> Result<BTreeMap<String, String>> {
        self.ask(key.into(), StateCommand::Fields).await
    }

    /// Removes a field of a hash; whether it was there.
    pub async fn hash_remove(&self, key: impl Into<String>, field: impl Into<String>) -> Result<bool> {
        self.ask(key.into(), StateCommand::RemoveField(name(field)?)).await
    }

    /// Takes the lock `key` for `owner`, such as a run's id, until `lasts` has passed; false when another has it. The
    /// owner that has it already gets it again, for `lasts` from now, so that a repeated step succeeds.
    pub async fn acquire(&self, key: impl Into<String>, owner: impl Into<String>, lasts: Duration) -> Result<bool> {
        let key = key.into();
        let owner = encode(&key, &name(owner)?)?;
        self.ask(key, StateCommand::Acquire { owner, lasts: whole(lasts) }).await
    }

    /// Gives a lock back; false when `owner` does not have it.
    pub async fn release(&self, key: impl Into<String>, owner: impl Into<String>) -> Result<bool> {
        let key = key.into();
        let owner = encode(&key, &name(owner)?)?;
        self.ask(key, StateCommand::Release { owner }).await
    }

    /// Wakes who listens to `channel` at other programs, at most once. The embedded store has no listeners.
    pub async fn publish(&self, channel: impl Into<String>, message: &str) -> Result<()> {
        let channel = name(channel)?;
        check_value(&channel, message)?;
        self.0.publish(channel, message.to_owned()).await
    }

    async fn write<T: Serialize>(
        &self,
        key: String,
        value: &T,
        expires_after: Option<Duration>,
        only_if_absent: bool,
    ) -> Result<bool> {
        let value = encode(&key, value)?;
        let expires_after = expires_after.map(whole);
        self.ask(key, StateCommand::Set { value, expires_after, only_if_absent }).await
    }

    async fn push<T: Serialize>(&self, key: String, item: &T, end: ListEnd, keep: Option<u32>) -> Result<u64> {
        if keep == Some(0) {
            return Err(Error::terminal(format!("the list under `{key}` is to keep no item: keep at least one")));
        }
        let item = encode(&key, item)?;
        let length: i64 = self.ask(key, StateCommand::Push { item, end, keep }).await?;
        Ok(u64::try_from(length).unwrap_or_default())
    }

    async fn one<T: DeserializeOwned>(&self, key: String, command: StateCommand) -> Result<Option<T>> {
        let text: Option<String> = self.ask(key.clone(), command).await?;
        text.map(|text| decoded(&key, &text)).transpose()
    }

    async fn all<T: DeserializeOwned>(&self, key: String, command: StateCommand) -> Result<Vec<T>> {
        let texts: Vec<String> = self.ask(key.clone(), command).await?;
        texts.iter().map(|text| decoded(&key, text)).collect()
    }

    async fn ask<T: Answer>(&self, key: String, command: StateCommand) -> Result<T> {
        let key = name(key)?;
        let kind = command.kind();
        match self.0.apply(key.clone(), command).await? {
            StateReply::Refused(problem) => Err(problem.error(&key, kind)),
            reply => answer(reply),
        }
    }
}

/// A key, field, member, owner or channel within its bound.
fn name(text: impl Into<String>) -> Result<String> {
    let text = text.into();
    if text.len() > STATE_KEY_BYTES_MAX {
        let start: String = text.chars().take(40).collect();
        let bytes = text.len();
        let limit = STATE_KEY_BYTES_MAX;
        return Err(Error::terminal(format!(
            "the state's key, field or member `{start}…` has {bytes} bytes, the limit is {limit}"
        )));
    }
    Ok(text)
}

fn check_value(key: &str, text: &str) -> Result<()> {
    let (bytes, limit) = (text.len(), STATE_VALUE_BYTES_MAX);
    if bytes > limit {
        return Err(Error::terminal(format!("the state under `{key}` has {bytes} bytes, the limit is {limit}")));
    }
    Ok(())
}

fn encode<T: Serialize>(key: &str, value: &T) -> Result<String> {
    let text = serde_json::to_string(value).map_err(Error::terminal)?;
    check_value(key, &text)?;
    Ok(text)
}

fn decoded<T: DeserializeOwned>(key: &str, text: &str) -> Result<T> {
    decode_text(text)
        .map_err(|error| Error::terminal(format!("the state under `{key}` does not fit its type: {error}")))
}

/// A duration as stores have it: whole milliseconds, at least one, so that what is to expire is never kept for ever.
fn whole(after: Duration) -> Duration {
    let millis = after.as_nanos().div_ceil(1_000_000).max(1);
    u64::try_from(millis).map_or(STATE_EXPIRY_MAX, Duration::from_millis).min(STATE_EXPIRY_MAX)
}

impl FromContext for State {
    fn from_context(context: &Context) -> Result<Self> {
        context.service::<Arc<dyn StateStore>>().map(Self)
    }
}
