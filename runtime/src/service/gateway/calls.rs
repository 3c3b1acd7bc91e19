//! What functions call to tell the operator something.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Delivery, MESSAGE_BYTES_MAX, Notification, NotificationSink, Urgency, check_session};
use crate::error::{Error, Result};
use crate::function::{Context, FromContext};
use crate::protocol::{StepId, current_step};

/// Sends messages to the operator. Call it inside a step, so that a replay does not send again:
/// `step.run("notify", gateway.notify("ci.failed", &verdict)).await?`. A message that cannot be handed over is an error
/// of the step, which is tried again.
#[derive(Clone)]
pub struct Gateway {
    sink: Arc<dyn NotificationSink>,
    source: String,
    origin_session: Option<String>,
}

/// What became of a message. A repeated step gets the same answer, and nothing is sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notified {
    /// The message's id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the operator's channel has it.
    pub pushed: bool,
    /// Whether it waits for the digest because the system sleeps.
    pub queued: bool,
    /// The conversation that it was for too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
}

impl Gateway {
    /// A gateway that pushes to `sink` on behalf of `source`.
    pub fn new(sink: Arc<dyn NotificationSink>, source: impl Into<String>) -> Self {
        Self { sink, source: source.into(), origin_session: None }
    }

    /// The same gateway on behalf of `source`, for messages that are not about the run's event.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// The conversation that started the run: `originSession` in the event's data.
    pub fn origin_session(&self) -> Option<&str> {
        self.origin_session.as_deref()
    }

    /// The same gateway on behalf of another conversation than the one that started the run, which is told instead.
    #[must_use]
    pub fn for_session(mut self, session: impl Into<String>) -> Self {
        self.origin_session = Some(session.into());
        self
    }

    /// Tells how far a run is, to the gateway and to the conversation that started it. `extra` fields cannot replace
    /// the message.
    pub async fn progress(&self, message: impl Into<String>, extra: impl Serialize) -> Result<Notified> {
        self.push("progress".to_owned(), with_message(message.into(), &extra)?, Urgency::Normal, true).await
    }

    /// Tells what happened, to the gateway and to the conversation that started the run. A payload that is no object
    /// becomes the field `detail` of one.
    pub async fn notify(&self, kind: impl Into<String>, payload: impl Serialize) -> Result<Notified> {
        self.push(kind.into(), fields(&payload)?, Urgency::Normal, true).await
    }

    /// The same for what must reach the operator even while the system sleeps.
    pub async fn urgent(&self, kind: impl Into<String>, payload: impl Serialize) -> Result<Notified> {
        self.push(kind.into(), fields(&payload)?, Urgency::Urgent, true).await
    }

    /// Calls for the operator's attention, at the gateway only and even while the system sleeps. `extra` fields cannot
    /// replace the message.
    pub async fn alert(&self, message: impl Into<String>, extra: impl Serialize) -> Result<Notified> {
        self.push("alert".to_owned(), with_message(message.into(), &extra)?, Urgency::Urgent, false).await
    }

    async fn push(
        &self,
        kind: String,
        payload: Map<String, Value>,
        urgency: Urgency,
        to_origin: bool,
    ) -> Result<Notified> {
        let origin_session = self.origin_session.clone().filter(|_| to_origin);
        if let Some(session) = &origin_session {
            check_session(session)?;
        }
        let payload = Value::Object(payload);
        let text = payload.to_string();
        let bytes = kind.len() + text.len();
        if bytes > MESSAGE_BYTES_MAX {
            let start: String = kind.chars().take(80).collect();
            let text = format!("the message `{start}` has {bytes} bytes, the limit is {MESSAGE_BYTES_MAX}");
            return Err(Error::terminal(text).named("MessageTooLargeError"));
        }
        let id = message_id(&kind, &text);
        let notification = Notification {
            id: id.clone(),
            kind: kind.clone(),
            source: self.source.clone(),
            payload,
            ts: 0,
            origin_session: origin_session.clone(),
            urgency,
        };
        let delivery = self.sink.push(notification).await?;
        Ok(Notified {
            id,
            kind,
            pushed: delivery == Delivery::Delivered,
            queued: delivery == Delivery::Queued,
            origin_session,
        })
    }
}

/// A payload as an object: consumers read its fields.
fn fields(payload: &impl Serialize) -> Result<Map<String, Value>> {
    Ok(match serde_json::to_value(payload).map_err(Error::terminal)? {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        other => Map::from_iter([("detail".to_owned(), other)]),
    })
}

/// `extra` with the message; the message wins over a field of the same name.
fn with_message(message: String, extra: &impl Serialize) -> Result<Map<String, Value>> {
    let mut payload = fields(extra)?;
    payload.insert("message".to_owned(), Value::String(message));
    Ok(payload)
}

/// Inside a step the id follows from run, step and content, so that a repeated step is recognised. Outside of one nothing
/// tells a repeat from a second message: each call gets an id of its own, and the test kit finds it sent twice.
fn message_id(kind: &str, payload: &str) -> String {
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
            origin_session: origin.and_then(|origin| origin.origin_session).filter(|session| !session.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::ServiceFuture;

    /// Gives every message back to the test, and takes none to be delivered.
    #[derive(Default)]
    struct Sleeping(std::sync::Mutex<Vec<Notification>>);

    impl NotificationSink for Sleeping {
        fn push(&self, notification: Notification) -> ServiceFuture<'_, Delivery> {
            self.0.lock().unwrap().push(notification);
            Box::pin(async { Ok(Delivery::Queued) })
        }
    }

    fn gateway(origin: Option<&str>) -> (Gateway, Arc<Sleeping>) {
        let sink = Arc::new(Sleeping::default());
        let mut gateway = Gateway::new(sink.clone(), "inngest/ci.finished");
        gateway.origin_session = origin.map(str::to_owned);
        (gateway, sink)
    }

    #[tokio::test]
    async fn extra_fields_do_not_overwrite_the_message() {
        let (gateway, sink) = gateway(None);
        gateway.alert("hello", json!({"message": "other", "n": 1})).await.unwrap();
        gateway.progress("hello", json!({"message": "other"})).await.unwrap();
        let seen = sink.0.lock().unwrap();
        assert_eq!(seen[0].payload, json!({"message": "hello", "n": 1}));
        assert_eq!(seen[1].payload, json!({"message": "hello"}));
    }

    #[tokio::test]
    async fn an_alert_is_urgent_and_for_the_gateway_alone() {
        let (gateway, sink) = gateway(Some("telegram:42"));
        let alert = gateway.alert("the disk is full", ()).await.unwrap();
        let urgent = gateway.urgent("ci.failed", json!({"run": 7})).await.unwrap();
        let notify = gateway.notify("ci.passed", ()).await.unwrap();
        let progress = gateway.progress("half", ()).await.unwrap();
        let seen: Vec<_> = sink.0.lock().unwrap().iter().map(|n| (n.urgency, n.origin_session.clone())).collect();
        let origin = Some("telegram:42".to_owned());
        assert_eq!(
            seen,
            [
                (Urgency::Urgent, None),
                (Urgency::Urgent, origin.clone()),
                (Urgency::Normal, origin.clone()),
                (Urgency::Normal, origin.clone()),
            ]
        );
        assert_eq!((alert.origin_session, urgent.origin_session), (None, origin.clone()));
        assert_eq!((notify.kind.as_str(), progress.kind.as_str()), ("ci.passed", "progress"));
    }

    #[tokio::test]
    async fn another_conversation_can_be_told() {
        let (gateway, sink) = gateway(Some("telegram:42"));
        gateway.clone().for_session("pi-7").notify("webhook.matched", ()).await.unwrap();
        assert_eq!(sink.0.lock().unwrap()[0].origin_session.as_deref(), Some("pi-7"));
        assert_eq!(gateway.origin_session(), Some("telegram:42"));
    }

    #[tokio::test]
    async fn the_answer_says_whether_it_waits() {
        let (gateway, _) = gateway(Some("pi-7"));
        let notified = gateway.notify("ci.passed", ()).await.unwrap();
        let id = notified.id.clone();
        assert_eq!(
            serde_json::to_value(notified).unwrap(),
            json!({"id": id, "type": "ci.passed", "pushed": false, "queued": true, "originSession": "pi-7"})
        );
    }

    #[tokio::test]
    async fn a_payload_is_always_an_object() {
        let (gateway, sink) = gateway(None);
        gateway.notify("a", "main is red").await.unwrap();
        gateway.notify("a", ()).await.unwrap();
        gateway.with_source("somebody").notify("a", 7).await.unwrap();
        let seen = sink.0.lock().unwrap();
        assert_eq!(seen[0].payload, json!({"detail": "main is red"}));
        assert_eq!(seen[1].payload, json!({}));
        assert_eq!((seen[1].source.as_str(), seen[2].source.as_str()), ("inngest/ci.finished", "somebody"));
    }

    #[tokio::test]
    async fn a_session_that_cannot_be_addressed_is_refused_and_an_alert_needs_none() {
        let (gateway, sink) = gateway(Some("a\nb"));
        let error = gateway.notify("ci.failed", ()).await.unwrap_err();
        assert_eq!((error.name(), error.is_retryable()), ("SessionError", false));
        assert!(gateway.alert("the disk is full", ()).await.is_ok());
        assert_eq!(sink.0.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_is_refused() {
        let (gateway, sink) = gateway(None);
        let error = gateway.notify("log", "x".repeat(MESSAGE_BYTES_MAX)).await.unwrap_err();
        assert_eq!((error.name(), error.is_retryable()), ("MessageTooLargeError", false));
        assert!(error.message().starts_with("the message `log` has 65"), "{error}");
        assert!(sink.0.lock().unwrap().is_empty());
    }
}
