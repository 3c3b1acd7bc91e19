//! Admission to the queue: programs beside the worker hand events in at `POST /internal/queue/enqueue`.
//!
//! With Redis a message goes where the queue's drainer takes it from, by one script: deduplication, stream and index are
//! one. Without Redis there is nothing to wait in: a message is the event, durable at the embedded engine or the server
//! before it is answered. No model is asked on the way in.
//!
//! What may be queued is declared where the event is: `#[event("discovery/noted", queued(priority = 2, dedup = "60s"))]`.
//!
//! - `message`: the request, checked
//! - `redis`: the queue in Redis
//! - `direct`: events instead of messages
//! - `router`: the route and its token

mod direct;
mod message;
mod redis;
mod router;

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

pub use direct::{DirectQueue, EventSink};
pub use message::{MessageProblem, QueueMessage};
pub use redis::RedisQueue;
pub use router::{Admission, router};

use std::time::Duration;

use crate::service::ServiceFuture;

/// How an event is admitted through the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRule {
    /// The name under which it is queued; the event's own unless another program knows it by another.
    pub name: &'static str,
    /// 0 is first, 3 is last.
    pub priority: u8,
    /// How long a message with the same data is the same message.
    pub dedup: Option<Duration>,
}

/// What became of a message that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The id in the stream, or the event's.
    pub stream_id: String,
    /// Whether it was there already, under this stream id.
    pub duplicate: bool,
}

/// Where messages go.
pub trait Queue: Send + Sync + 'static {
    /// Takes a message in durably.
    fn admit(&self, message: QueueMessage) -> ServiceFuture<'_, Admitted>;
}
