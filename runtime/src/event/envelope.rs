//! Events as they are sent and received: the data plus id, name and time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{DecodeError, EventData, EventUnion, FunctionFailed, decode};
use crate::error::{Error, Result};

/// An event on its way in: what `POST /e/{key}` takes and what a function sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewEvent {
    /// Makes the event idempotent for 24 hours, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The event's name.
    #[serde(default)]
    pub name: String,
    /// The data, a JSON object; `{}` when absent.
    #[serde(default = "empty_object")]
    pub data: Box<RawValue>,
    /// When it happened, in milliseconds since 1970; the time of receipt when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// The version of the event's schema, as the sender sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v: Option<String>,
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

impl NewEvent {
    /// An event with this data.
    pub fn new<T: EventData>(data: &T) -> Result<Self> {
        Ok(Self::named(T::NAME, serde_json::value::to_raw_value(data).map_err(Error::terminal)?))
    }

    /// An event by name, for data that has no type here.
    pub fn named(name: impl Into<String>, data: Box<RawValue>) -> Self {
        Self { id: None, name: name.into(), data, ts: None, v: None }
    }

    /// The same event, idempotent under `id` for 24 hours.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// An event as the engine hands it to a function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceivedEvent {
    /// The event's id: the sender's, or the engine's own.
    #[serde(default)]
    pub id: String,
    /// The event's name.
    pub name: String,
    /// The data, a JSON object.
    #[serde(default = "empty_object")]
    pub data: Box<RawValue>,
    /// When it happened, in milliseconds since 1970.
    #[serde(default)]
    pub ts: i64,
    /// The version of the event's schema, as the sender sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v: Option<String>,
}

/// The event that started a run, with typed data.
#[derive(Clone, Debug)]
pub struct Event<T> {
    /// The event's id.
    pub id: String,
    /// The event's name.
    pub name: String,
    /// What happened.
    pub data: T,
    /// When it happened, in milliseconds since 1970.
    pub ts: i64,
}

impl<T> Event<T> {
    /// An event for a test of a function.
    pub fn of(data: T) -> Self
    where
        T: EventData,
    {
        Self { id: "test".to_owned(), name: T::NAME.to_owned(), data, ts: 0 }
    }
}

impl<T: EventUnion> Event<T> {
    /// Decodes a received event.
    pub fn decode(event: &ReceivedEvent) -> Result<Self, DecodeError> {
        Ok(Self {
            id: event.id.clone(),
            name: event.name.clone(),
            data: T::decode(&event.name, &event.data)?,
            ts: event.ts,
        })
    }
}

/// The events of a batch, oldest first.
#[derive(Clone, Debug)]
pub struct Events<T>(pub Vec<Event<T>>);

impl<T> std::ops::Deref for Events<T> {
    type Target = [Event<T>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: EventUnion> Events<T> {
    pub(crate) fn decode(events: &[Arc<ReceivedEvent>]) -> Result<Self, DecodeError> {
        events.iter().map(|event| Event::decode(event)).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: EventData> EventUnion for T {
    fn decode(name: &str, data: &RawValue) -> Result<Self, DecodeError> {
        // Data with nothing but optional fields would fit, and be empty.
        if name == FunctionFailed::NAME && T::NAME != name {
            let message = "this tells of a failed run and is not the event that started it: take `Failure<…>`";
            return Err(DecodeError { path: String::new(), message: message.to_owned() });
        }
        decode(data)
    }
}
