//! Events: facts with a name and typed data.

mod builtin;
mod check;
mod envelope;
mod failed;
mod name;

pub use builtin::{AnyEvent, Cron, EventUnion, FunctionInvoked};
pub use check::{EVENT_BYTES_MAX, EVENT_ID_BYTES_MAX, EventProblem, check_event};
pub use envelope::{Event, Events, NewEvent, ReceivedEvent};
pub use failed::FunctionFailed;
pub use name::{NAME_LENGTH_MAX, NameProblem, check_name};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::queue::QueueRule;
use crate::registry::Site;

/// The data of one kind of event. `#[event("family/thing.happened")]` on a struct implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no event",
    label = "not an event",
    note = "put `#[event(\"family/thing.happened\")]` on it"
)]
pub trait EventData: Serialize + DeserializeOwned + schemars::JsonSchema + Send + Sync + 'static {
    /// The event's name on the wire.
    const NAME: &'static str;
}

/// What `#[event]` submits to the registry.
pub struct EventRegistration {
    /// The event's name on the wire.
    pub name: &'static str,
    /// The Rust type, as [`std::any::type_name`] prints it.
    pub type_name: fn() -> &'static str,
    /// The doc comment of the type.
    pub doc: &'static str,
    /// Senders outside the functions, such as `cli`.
    pub sent_by: &'static [&'static str],
    /// The JSON Schema of the data.
    pub schema: fn() -> schemars::Schema,
    /// Whether some data fits the type; the error names the field's path.
    pub check: fn(&RawValue) -> Result<(), DecodeError>,
    /// How it is admitted through the queue; not at all when `None`.
    pub queue: Option<QueueRule>,
    /// Where the type is declared.
    pub site: Site,
}

inventory::collect!(EventRegistration);

impl EventRegistration {
    /// The registration of `T`; macro output calls it.
    pub const fn of<T: EventData>(doc: &'static str, sent_by: &'static [&'static str], site: Site) -> Self {
        Self {
            name: T::NAME,
            type_name: std::any::type_name::<T>,
            doc,
            sent_by,
            schema: schema_of::<T>,
            check: check::<T>,
            queue: None,
            site,
        }
    }

    /// The same registration of an event that is also admitted through the queue; macro output calls it.
    #[must_use]
    pub const fn queued(mut self, rule: QueueRule) -> Self {
        self.queue = Some(rule);
        self
    }
}

fn schema_of<T: schemars::JsonSchema>() -> schemars::Schema {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

fn check<T: EventData>(data: &RawValue) -> Result<(), DecodeError> {
    decode::<T>(data).map(drop)
}

/// Some JSON does not fit the type it was to be decoded into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("`{path}`: ") })]
pub struct DecodeError {
    /// The path of the offending field, such as `items[2].id`; empty for the whole value.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

/// Decodes `data`; the error names the path of the field that does not fit.
pub fn decode<T: DeserializeOwned>(data: &RawValue) -> Result<T, DecodeError> {
    decode_text(data.get())
}

/// The same for text that may not be JSON at all.
pub(crate) fn decode_text<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    // Keeping track of the path costs as much as decoding, so that is done for what does not fit only.
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        DecodeError {
            path: if path == "." { String::new() } else { path },
            message: without_position(&error.into_inner()),
        }
    })?;
    let end = deserializer.end();
    end.map_err(|error| DecodeError { path: String::new(), message: without_position(&error) })?;
    Ok(value)
}

/// The message of a `serde_json` error without its line and column, which mean nothing to a reader of a field path.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}
