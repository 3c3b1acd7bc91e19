//! The queue in Redis: a stream of messages and an index by priority, as the drainer reads them.

use ::redis::Script;
use serde_json::{Map, Value, json};

use super::{Admitted, Queue, QueueMessage};
use crate::error::{Error, Result};
use crate::service::{Redis, ServiceFuture};

/// The stream of messages.
const STREAM: &str = "joelclaw:queue:events";
/// The index: members are the stream's ids, scores priority × 10^12 + milliseconds.
const INDEX: &str = "joelclaw:queue:priority";
/// What is remembered of messages, to know them again.
const SEEN: &str = "joelclaw:queue:seen:";

/// A message is in the stream, in the index and remembered, or in none of them.
const ADMIT: &str = "
if ARGV[6] ~= '0' then
    local known = redis.call('GET', KEYS[3])
    if known then return {known, 1} end
end
local id = redis.call('XADD', KEYS[1], '*', 'payload', ARGV[1], 'metadata', ARGV[2], 'timestamp', ARGV[3], 'priority', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[5], id)
if ARGV[6] ~= '0' then redis.call('SET', KEYS[3], id, 'PX', ARGV[6]) end
return {id, 0}
";

/// The queue in Redis.
pub struct RedisQueue {
    redis: Redis,
    script: Script,
}

impl RedisQueue {
    /// The queue in this Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, script: Script::new(ADMIT) }
    }

    async fn push(&self, message: QueueMessage) -> Result<Admitted> {
        let now = jiff::Timestamp::now().as_millisecond();
        let payload = envelope(&message, now)?;
        let metadata = Value::Object(metadata(&message)).to_string();
        let score = i64::from(message.priority) * 1_000_000_000_000 + now;
        let (seen, memory_ms) = message.dedup.unwrap_or_default();
        let mut call = self.script.prepare_invoke();
        call.key(STREAM).key(INDEX).key(format!("{SEEN}{seen}"));
        call.arg(payload).arg(metadata).arg(now).arg(message.priority).arg(score).arg(memory_ms);
        let (stream_id, duplicate): (String, i64) = self.redis.script(&call).await?;
        Ok(Admitted { stream_id, duplicate: duplicate == 1 })
    }
}

/// The message as the drainer reads it; it sends the event of that name on.
fn envelope(message: &QueueMessage, now: i64) -> Result<String> {
    let data: Value = serde_json::from_str(message.event.data.get()).map_err(Error::terminal)?;
    let envelope = json!({
        "id": message.id,
        "name": message.rule.name,
        "source": message.source,
        "ts": now,
        "data": data,
        "priority": message.priority,
        "trace": { "correlationId": message.id },
    });
    Ok(envelope.to_string())
}

/// What the caller says, behind what the queue says itself.
fn metadata(message: &QueueMessage) -> Map<String, Value> {
    let own = [
        ("envelope_version", json!("1")),
        ("source", json!(message.source)),
        ("triageMode", json!("off")),
        ("triageApplied", json!(false)),
    ];
    let mut metadata: Map<String, Value> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value) in &message.metadata {
        metadata.entry(name).or_insert_with(|| value.clone());
    }
    metadata
}

impl Queue for RedisQueue {
    fn admit(&self, message: QueueMessage) -> ServiceFuture<'_, Admitted> {
        Box::pin(self.push(message))
    }
}
