//! The operator's message channel: progress, notifications, alerts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ServiceFuture;
use crate::error::{Error, Result};
use crate::function::{Context, FromContext};
use crate::protocol::{StepId, current_step};

/// Sends messages to the operator. Call it inside a step, so that a replay does not send again:
/// `step.run("notify", gateway.notify("ci.failed", &verdict)).await?`.
#[derive(Clone)]
pub struct Gateway {
    sink: Arc<dyn NotificationSink>,
    source: String,
    origin_session: Option<String>,
}

/// A message to the operator, as it is stored and pushed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The same for every delivery of the same message: a second one is dropped.
    pub id: String,
    /// What happened, such as `ci.failed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who says so: `inngest/` and the name of the run's event.
    pub source: String,
    /// The details.
    pub payload: Value,
    /// When, in milliseconds since 1970.
    pub ts: i64,
    /// The conversation that started the run, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
}

/// Where notifications go.
pub trait NotificationSink: Send + Sync + 'static {
    /// Takes one in durably; true when it is new, false when its id was there already. The sink sets `ts`.
    fn push(&self, notification: Notification) -> ServiceFuture<'_, bool>;
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// The message's id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is new; a repeated step pushes once.
    pub pushed: bool,
}

impl Gateway {
    /// A gateway that pushes to `sink` on behalf of `source`.
    pub fn new(sink: Arc<dyn NotificationSink>, source: impl Into<String>) -> Self {
        Self { sink, source: source.into(), origin_session: None }
    }

    /// The conversation that started the run.
    pub fn origin_session(&self) -> Option<&str> {
        self.origin_session.as_deref()
    }

    /// The same gateway on behalf of another conversation than the one that started the run, which is told instead.
    #[must_use]
    pub fn for_session(mut self, session: impl Into<String>) -> Self {
        self.origin_session = Some(session.into());
        self
    }

    /// Tells how far a run is, to the gateway and to the conversation that started it.
    pub async fn progress(&self, message: impl Into<String>, extra: impl Serialize) -> Result<Notified> {
        let payload = with_message(message.into(), &extra)?;
        self.push("progress", payload, self.origin_session.clone()).await
    }

    /// Tells what happened, to the gateway and to the conversation that started the run.
    pub async fn notify(&self, kind: impl Into<String>, payload: impl Serialize) -> Result<Notified> {
        let payload = serde_json::to_value(payload).map_err(Error::terminal)?;
        self.push(kind, payload, self.origin_session.clone()).await
    }

    /// Calls for the operator's attention, at the gateway only.
    pub async fn alert(&self, message: impl Into<String>, extra: impl Serialize) -> Result<Notified> {
        let payload = with_message(message.into(), &extra)?;
        self.push("alert", payload, None).await
    }

    async fn push(&self, kind: impl Into<String>, payload: Value, origin_session: Option<String>) -> Result<Notified> {
        let kind = kind.into();
        let id = message_id(&kind, &payload);
        let notification = Notification {
            id: id.clone(),
            kind: kind.clone(),
            source: self.source.clone(),
            payload,
            ts: 0,
            origin_session,
        };
        let pushed = self.sink.push(notification).await?;
        Ok(Notified { id, kind, pushed })
    }
}

/// `extra` with the message; the message wins over a field of the same name.
fn with_message(message: String, extra: &impl Serialize) -> Result<Value> {
    let mut payload = match serde_json::to_value(extra).map_err(Error::terminal)? {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        other => Map::from_iter([("detail".to_owned(), other)]),
    };
    payload.insert("message".to_owned(), Value::String(message));
    Ok(Value::Object(payload))
}

/// Inside a step the id follows from run, step and content, so that a repeated step is recognised.
fn message_id(kind: &str, payload: &Value) -> String {
    match current_step() {
        Some(step) => {
            let run = step.run.map(|run| run.to_string()).unwrap_or_default();
            StepId::of(&format!("{run}\n{}\n{kind}\n{payload}", step.name)).to_string()
        }
        None => ulid::Ulid::generate().to_string(),
    }
}

/// What a [`Services`](crate::function::Services) holds so that functions can take a [`Gateway`].
impl FromContext for Gateway {
    fn from_context(context: &Context) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Origin {
            #[serde(default)]
            origin_session: Option<String>,
        }
        let event = context.event();
        let origin = serde_json::from_str::<Origin>(event.data.get()).ok();
        Ok(Self {
            sink: context.service::<Arc<dyn NotificationSink>>()?,
            source: format!("inngest/{}", event.name),
            origin_session: origin.and_then(|origin| origin.origin_session),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_fields_do_not_overwrite_the_message() {
        let payload = with_message("hello".to_owned(), &serde_json::json!({"message": "other", "n": 1}));
        assert_eq!(payload.unwrap(), serde_json::json!({"message": "hello", "n": 1}));
    }
}
