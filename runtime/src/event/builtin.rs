//! Events that the engine itself makes, and types that stand for several events.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{DecodeError, EventData, decode};

/// A type that [`Event`](super::Event) can hold: one event's data, or an enum over several (`#[derive(EventUnion)]`).
pub trait EventUnion: Sized + Send + Sync + 'static {
    /// Decodes the data of the event called `name`.
    fn decode(name: &str, data: &RawValue) -> Result<Self, DecodeError>;
}

/// Any event, undecoded: for functions with several triggers that treat them alike.
#[derive(Clone, Debug)]
pub struct AnyEvent {
    /// The event's name.
    pub name: String,
    /// The data as JSON.
    pub data: serde_json::Value,
}

impl EventUnion for AnyEvent {
    fn decode(name: &str, data: &RawValue) -> Result<Self, DecodeError> {
        Ok(Self { name: name.to_owned(), data: decode(data)? })
    }
}

/// The event of a cron trigger; its name on the wire is an Inngest server's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cron {
    /// The cron expression that came due.
    #[serde(default)]
    pub cron: String,
}

impl EventData for Cron {
    const NAME: &'static str = "inngest/scheduled.timer";
}

/// The name of the event that starts a run by `step.invoke`; its data is that of the invoked function's event.
pub struct FunctionInvoked;

impl FunctionInvoked {
    /// The event's name on the wire.
    pub const NAME: &'static str = "inngest/function.invoked";
}
