//! A message to the operator, and where messages go.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::service::ServiceFuture;

/// Bytes of one message's type and payload together. A consumer's list holds a thousand messages in memory; what is
/// larger belongs into a file, with its address in the message.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// A message to the operator, as it is stored and pushed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The same for every delivery of the same message: a second one is dropped.
    pub id: String,
    /// What happened, such as `ci.failed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who says so: `inngest/` and the name of the run's event, unless the function says otherwise.
    pub source: String,
    /// The details, a JSON object.
    pub payload: Value,
    /// When, in milliseconds since 1970.
    pub ts: i64,
    /// The conversation that started the run, when there is one and the message is for it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
    /// Whether it may wait while the system sleeps.
    #[serde(default)]
    pub urgency: Urgency,
}

/// Whether a message may wait while the system sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// It waits, unless its type or its origin says otherwise: [`Notification::passes_sleep`].
    #[default]
    Normal,
    /// It never waits.
    Urgent,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// The operator's channel has it.
    Delivered,
    /// The system sleeps: it waits for the digest.
    Queued,
}

/// Where messages go.
pub trait NotificationSink: Send + Sync + 'static {
    /// Takes a message in durably and says what became of it: for an id that was there before, what became of the first
    /// one, and nothing is delivered or queued again. Who takes it in stamps its time.
    fn push(&self, notification: Notification) -> ServiceFuture<'_, Delivery>;
}
