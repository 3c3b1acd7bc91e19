//! Whether an event may come in.

use http::StatusCode;
use serde_json::value::RawValue;

use super::{DecodeError, NameProblem, NewEvent, check_name};
use crate::registry::Registry;
use crate::rejection::Rejection;

/// Bytes of one event as JSON; the limit of an Inngest server's default plan, and what a webhook seldom exceeds.
pub const EVENT_BYTES_MAX: usize = 512 * 1024;

/// Bytes of an event's own `id`, and of its version.
pub const EVENT_ID_BYTES_MAX: usize = 1_024;

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventProblem {
    /// The name cannot be used.
    #[error(transparent)]
    Name(#[from] NameProblem),
    /// No type declares the name.
    #[error("unknown event `{name}`{}", nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The declared name that is most like it.
        nearest: Option<&'static str>,
    },
    /// The data is no JSON object.
    #[error("the data of `{0}` must be a JSON object")]
    NotAnObject(String),
    /// The data does not fit the event's type.
    #[error("the data of `{name}` does not fit its schema: {error}")]
    Schema {
        /// The event's name.
        name: String,
        /// What does not fit, with the field's path.
        error: DecodeError,
    },
    /// The event's own id is too long.
    #[error("the `id` of `{name}` has {bytes} bytes, the limit is {}", EVENT_ID_BYTES_MAX)]
    Id {
        /// The event's name.
        name: String,
        /// The id's size.
        bytes: usize,
    },
    /// The data is JSON that cannot be looked into.
    #[error("the data of `{name}` cannot be read: {message}")]
    Unreadable {
        /// The event's name.
        name: String,
        /// What is wrong, such as nesting beyond 128 levels.
        message: String,
    },
    /// The event is too large.
    #[error("the event `{name}` has {bytes} bytes, the limit is {}", EVENT_BYTES_MAX)]
    TooLarge {
        /// The event's name.
        name: String,
        /// Its size.
        bytes: usize,
    },
}

/// Whether an event may come in; with `allow_unknown` also one that no type declares.
pub fn check_event(registry: &Registry, event: &mut NewEvent, allow_unknown: bool) -> Result<(), EventProblem> {
    check_name(&event.name)?;
    let bytes = event.data.get().len();
    if bytes > EVENT_BYTES_MAX {
        return Err(EventProblem::TooLarge { name: event.name.clone(), bytes });
    }
    let id_bytes = event.id.iter().chain(&event.v).map(String::len).max().unwrap_or(0);
    if id_bytes > EVENT_ID_BYTES_MAX {
        return Err(EventProblem::Id { name: event.name.clone(), bytes: id_bytes });
    }
    if event.data.get() == "null" {
        event.data = empty_object();
    }
    if !event.data.get().starts_with('{') {
        return Err(EventProblem::NotAnObject(event.name.clone()));
    }
    // What a type ignores, a condition may still read: all of it must be readable.
    if let Err(error) = serde_json::from_str::<serde_json::Value>(event.data.get()) {
        return Err(EventProblem::Unreadable { name: event.name.clone(), message: error.to_string() });
    }
    match registry.event(&event.name) {
        Some(registration) => {
            (registration.check)(&event.data).map_err(|error| EventProblem::Schema { name: event.name.clone(), error })
        }
        None if allow_unknown => Ok(()),
        None => Err(EventProblem::Unknown { name: event.name.clone(), nearest: registry.nearest_event(&event.name) }),
    }
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

impl From<EventProblem> for Rejection {
    fn from(problem: EventProblem) -> Self {
        let status = match problem {
            EventProblem::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, problem.to_string())
    }
}
