//! The parts of a manifest: plain data, as JSON shows it. What is not set is left out.

use serde::{Deserialize, Serialize};

use crate::function::{Role, Scope, SingletonMode, StepKind};

/// One function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionEntry {
    /// The id.
    pub id: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The doc comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// The deployment it belongs to.
    pub role: Role,
    /// The source file, relative to the workspace.
    pub file: String,
    /// The line of the attribute.
    pub line: u32,
    /// What starts it.
    pub triggers: Vec<TriggerEntry>,
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// What its attribute says about when and how often it runs.
    #[serde(default, skip_serializing_if = "FlowControl::is_empty")]
    pub flow_control: FlowControl,
    /// Events that cancel a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancel_on: Vec<CancelEntry>,
    /// How long a run may wait and take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<TimeoutsEntry>,
    /// What runs after the last failed attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailureEntry>,
    /// When results are sent to a server while the function goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointEntry>,
    /// The steps found in the body, in source order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepEntry>,
}

/// One trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TriggerEntry {
    /// An event.
    Event {
        /// The event's name.
        event: String,
        /// The condition.
        #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
        expression: Option<String>,
    },
    /// A time table.
    Cron {
        /// The fields.
        cron: String,
        /// The IANA time zone; UTC when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_zone: Option<String>,
    },
    /// A failed run of another function.
    Failure {
        /// The other function's id.
        failure_of: String,
    },
}

/// What runs when a function has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnFailureEntry {
    /// The path in the attribute.
    pub handler: String,
    /// The id of the function that it makes, which has an entry of its own.
    pub function: String,
}

/// Flow control, as far as it is set; durations are texts such as `1h30m`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowControl {
    /// Limits on executing steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concurrency: Vec<LimitEntry>,
    /// Spreads starts over time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle: Option<LimitEntry>,
    /// Drops starts beyond a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<LimitEntry>,
    /// Waits until events stop coming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounce: Option<DebounceEntry>,
    /// Collects events into one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchEntry>,
    /// The expression that moves a run in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// At most one run at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub singleton: Option<SingletonEntry>,
    /// The expression of whose values each starts one run in 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<String>,
}

impl FlowControl {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A limit on steps or starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitEntry {
    /// How many.
    pub limit: u32,
    /// In which time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// How many at once on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// The expression of whose values each is counted alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Which functions share the counter, where that is not just this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// A debounce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebounceEntry {
    /// The quiet time.
    pub period: String,
    /// The expression of whose values each is debounced alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The longest time a start is put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchEntry {
    /// Events in one run.
    pub max_size: u32,
    /// How long the first one waits.
    pub timeout: String,
    /// The expression of whose values each is batched alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Which events are batched.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

/// A singleton.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SingletonEntry {
    /// What happens to a second run.
    pub mode: SingletonMode,
    /// The expression of whose values each has a run of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// An event that cancels a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelEntry {
    /// The event's name.
    pub event: String,
    /// The condition over `event` and `async`.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// How long after the start it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// Limits on a run's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeoutsEntry {
    /// From the event to the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// From the start to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<String>,
}

/// When results are sent to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointEntry {
    /// Steps held back before they are sent together; 0 when nothing is sent.
    pub buffered_steps: u32,
    /// The longest time a result is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_interval: Option<String>,
    /// The longest time one call may go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<String>,
}

/// One step found in a function's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEntry {
    /// The name, or its pattern.
    pub name: String,
    /// What it does.
    pub kind: StepKind,
    /// The line.
    pub line: u32,
    /// Whether it stands in a loop or a closure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// The events it sends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sends: Vec<String>,
    /// The event it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<String>,
    /// The function it invokes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invokes: Option<String>,
    /// The condition of a wait.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventEntry {
    /// The name.
    pub name: String,
    /// The doc comment of its type.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// The source file, relative to the workspace.
    pub file: String,
    /// The line of the attribute.
    pub line: u32,
    /// Who sends it: the ids of functions, and senders outside of them.
    pub sent_by: Vec<String>,
    /// The functions that it starts.
    pub handled_by: Vec<String>,
    /// The functions that wait for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaited_by: Vec<String>,
    /// The functions whose runs it cancels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancels: Vec<String>,
    /// The JSON Schema of the data.
    pub schema: serde_json::Value,
}

/// One webhook provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebhookEntry {
    /// The id.
    pub id: String,
    /// The doc comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// The source file, relative to the workspace.
    pub file: String,
    /// The line of the attribute.
    pub line: u32,
    /// The path that the vendor delivers to.
    pub endpoint: String,
    /// The secrets that it needs; one of them opens it.
    pub secrets: Vec<SecretEntry>,
    /// The headers that are kept with a delivery.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// The largest body in bytes.
    pub body_bytes_max: usize,
    /// The events that it sends.
    pub emits: Vec<String>,
}

/// One secret of a webhook provider; never its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecretEntry {
    /// What it signs, and how.
    pub signature: String,
    /// The environment variables that may hold it; each that is set counts.
    pub variables: Vec<String>,
    /// Its name at the `secrets` program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
}
