//! Admission without a queue: the message is the event.

use std::sync::Arc;

use super::{Admitted, Queue, QueueMessage};
use crate::event::NewEvent;
use crate::service::ServiceFuture;

/// Takes an event in durably: its id there, and whether it was there already.
pub type EventSink = Arc<dyn Fn(NewEvent) -> ServiceFuture<'static, (String, bool)> + Send + Sync>;

/// Hands the event of a message to the engine or the server at once. Its priority means nothing here.
pub struct DirectQueue {
    sink: EventSink,
}

impl DirectQueue {
    /// Messages become events of this sink.
    pub fn new(sink: EventSink) -> Self {
        Self { sink }
    }
}

impl Queue for DirectQueue {
    fn admit(&self, message: QueueMessage) -> ServiceFuture<'_, Admitted> {
        Box::pin(async move {
            let now = jiff::Timestamp::now().as_millisecond();
            let id = event_id(&message, now);
            let (stream_id, duplicate) = (self.sink)(message.event.with_id(id)).await?;
            Ok(Admitted { stream_id, duplicate })
        })
    }
}

/// An event's id makes it one for 24 hours; that of a shorter window names the window, so that windows follow each other
/// where Redis lets one begin with each message.
fn event_id(message: &QueueMessage, now: i64) -> String {
    match &message.dedup {
        Some((key, window_ms)) if !key.starts_with("id:") => {
            format!("queue-{key}-{}", now.unsigned_abs() / (*window_ms).max(1))
        }
        _ => message.id.clone(),
    }
}
