//! A message for the queue: what a caller asks, checked against what is declared.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::QueueRule;
use crate::event::{EVENT_ID_BYTES_MAX, EventProblem, NewEvent, check_event};
use crate::registry::Registry;

/// Bytes of a message's source, which is a program's name.
const SOURCE_BYTES_MAX: usize = 256;

/// A message that may be queued.
#[derive(Clone, Debug)]
pub struct QueueMessage {
    /// The caller's id, or a new one.
    pub id: String,
    /// Who hands it in.
    pub source: String,
    /// How the event is queued.
    pub rule: QueueRule,
    /// 0 is first, 3 is last; the caller's, else the rule's.
    pub priority: u8,
    /// What the caller says about the message.
    pub metadata: Map<String, Value>,
    /// The event that it stands for.
    pub event: NewEvent,
    /// Two messages with the same key are one, for so many milliseconds.
    pub dedup: Option<(String, u64)>,
}

/// Why a message is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageProblem {
    /// It is no JSON object.
    #[error("Invalid payload")]
    Payload,
    /// It has no name or source.
    #[error("Missing required fields: name, source")]
    Missing,
    /// Its data is no object.
    #[error("data must be a JSON object")]
    Data,
    /// Its metadata is no object.
    #[error("metadata must be a JSON object when provided")]
    Metadata,
    /// Nothing of that name is queued.
    #[error("queue registry has no entry for {0}")]
    Unknown(String),
    /// The source or the id is too long.
    #[error("`{0}` is longer than {1} bytes")]
    Long(&'static str, usize),
    /// The event does not fit its type, or is too large.
    #[error(transparent)]
    Event(#[from] EventProblem),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    source: Value,
    data: Option<Box<RawValue>>,
    metadata: Option<Value>,
    #[serde(default)]
    event_id: Value,
    #[serde(default)]
    priority: Value,
}

/// How long a caller's own id is remembered, in milliseconds: as long as an event's.
const ID_MEMORY_MS: u64 = 24 * 60 * 60 * 1_000;

impl QueueMessage {
    /// Reads a request's body.
    pub fn parse(body: &[u8], registry: &Registry) -> Result<Self, MessageProblem> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(MessageProblem::Payload);
        }
        let body: Body = serde_json::from_slice(body).map_err(|_| MessageProblem::Payload)?;
        let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (Some(name), Some(source)) = (text(&body.name), text(&body.source)) else {
            return Err(MessageProblem::Missing);
        };
        let data = body.data.filter(|data| data.get().starts_with('{')).ok_or(MessageProblem::Data)?;
        let metadata = match body.metadata {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(metadata)) => metadata,
            Some(_) => return Err(MessageProblem::Metadata),
        };
        let declared =
            registry.events().iter().find_map(|event| Some((event.name, event.queue?)).filter(|it| it.1.name == name));
        let (event, rule) = declared.ok_or(MessageProblem::Unknown(name))?;
        let own_id = text(&body.event_id);
        for (field, text, limit) in
            [("source", Some(&source), SOURCE_BYTES_MAX), ("eventId", own_id.as_ref(), EVENT_ID_BYTES_MAX)]
        {
            if text.is_some_and(|text| text.len() > limit) {
                return Err(MessageProblem::Long(field, limit));
            }
        }
        let mut event = NewEvent::named(event, data);
        check_event(registry, &mut event, false)?;
        let dedup = match (&own_id, rule.dedup) {
            (Some(id), _) => Some((format!("id:{id}"), ID_MEMORY_MS)),
            (None, Some(window)) => {
                let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
                Some((format!("{}:{}", rule.name, hash(event.data.get())), window))
            }
            (None, None) => None,
        };
        Ok(Self {
            id: own_id.unwrap_or_else(|| ulid::Ulid::generate().to_string()),
            source,
            rule,
            priority: priority(&body.priority).unwrap_or(rule.priority),
            metadata,
            event,
            dedup,
        })
    }
}

/// `P0` to `P3`, or their numbers; anything else is as if it were not there.
fn priority(value: &Value) -> Option<u8> {
    match value {
        Value::Number(number) => {
            number.as_u64().filter(|number| *number <= 3).and_then(|number| u8::try_from(number).ok())
        }
        Value::String(text) => match text.trim().to_ascii_uppercase().as_str() {
            "P0" => Some(0),
            "P1" => Some(1),
            "P2" => Some(2),
            "P3" => Some(3),
            _ => None,
        },
        _ => None,
    }
}

/// The hash of JSON in its canonical form (RFC 8785), so that white space and order mean nothing.
fn hash(json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    // What cannot be written canonically, such as a number beyond a double, is hashed as it is.
    let canonical = serde_json_canonicalizer::to_vec(&value).unwrap_or_else(|_| json.as_bytes().to_vec());
    hex::encode(Sha256::digest(canonical))
}
