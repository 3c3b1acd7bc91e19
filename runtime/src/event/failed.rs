//! The event that tells of a failed run.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{EventData, ReceivedEvent};
use crate::error::StepError;
use crate::function::RunId;

/// A run has failed for good: its retries are spent, or its error was terminal.
///
/// The data has the shape that an Inngest server gives it (`pkg/execution/executor`, `functionFinishedData`). A function
/// may be triggered by it, for all failures; `on_failure` is for those of one function, and its handler takes a
/// [`Failure`](crate::function::Failure). A cancelled run has not failed, and the failure of a run that this event
/// started is not told.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FunctionFailed {
    /// The id of the function; on an Inngest server with the application's id and a hyphen before it.
    pub function_id: String,
    /// The failed run.
    #[schemars(with = "String")]
    pub run_id: RunId,
    /// What it failed with.
    #[serde(default = "unknown_error", deserialize_with = "error")]
    #[schemars(with = "ErrorSchema")]
    pub error: StepError,
    /// The event that started the failed run; of a batch the first one.
    #[schemars(with = "OriginalEvent")]
    pub event: ReceivedEvent,
    /// All events of a batch. An Inngest server tells a lone event here as well, the embedded engine does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<OriginalEvent>")]
    pub events: Vec<ReceivedEvent>,
}

impl EventData for FunctionFailed {
    const NAME: &'static str = "inngest/function.failed";
}

impl FunctionFailed {
    /// The condition under which an Inngest server starts the failure handler of the function that it knows by this id.
    pub fn condition(function_id: &str) -> String {
        let id = function_id.replace('\\', "\\\\").replace('\'', "\\'");
        format!("event.data.function_id == '{id}'")
    }

    /// All events of the failed run, oldest first.
    pub fn all_events(&self) -> &[ReceivedEvent] {
        if self.events.is_empty() { std::slice::from_ref(&self.event) } else { &self.events }
    }
}

#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it describes the JSON of an error")]
struct ErrorSchema {
    name: String,
    message: String,
}

#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it describes the JSON of an event")]
struct OriginalEvent {
    id: String,
    name: String,
    data: Value,
    ts: i64,
}

fn unknown_error() -> StepError {
    StepError::new("Error", "Unknown error")
}

/// An SDK's error has a name and a message; one that the server made has an `error` as well, and may have no more.
fn error<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StepError, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let unknown = unknown_error();
    let message = text("message").or_else(|| text("error")).or_else(|| value.as_str()).unwrap_or(&unknown.message);
    Ok(StepError::new(text("name").unwrap_or(&unknown.name), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_of_a_server_quotes_the_id() {
        assert_eq!(FunctionFailed::condition("bus-git/review"), "event.data.function_id == 'bus-git/review'");
        assert_eq!(FunctionFailed::condition("it's-a"), "event.data.function_id == 'it\\'s-a'");
    }

    #[test]
    fn errors_of_every_maker_are_read() {
        for (json, name, message) in [
            (r#"{"name": "TypeError", "message": "no", "stack": "at …", "data": {"a": 1}}"#, "TypeError", "no"),
            (r#"{"error": "gone", "name": "Error", "message": "gone away", "stack": ""}"#, "Error", "gone away"),
            (r#"{"error": "Unknown error", "name": "", "message": ""}"#, "Error", "Unknown error"),
            (r#"{}"#, "Error", "Unknown error"),
            (r#""just a text""#, "Error", "just a text"),
            ("null", "Error", "Unknown error"),
        ] {
            let found = error(&mut serde_json::Deserializer::from_str(json)).unwrap();
            assert_eq!((found.name.as_str(), found.message.as_str()), (name, message), "{json}");
        }
    }
}
