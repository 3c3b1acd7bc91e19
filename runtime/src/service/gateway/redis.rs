//! The operator's channel in Redis: lists that a consumer empties, and channels that wake it.
//!
//! Keys and records are those that consumers know: `joelclaw:gateway:sessions` names who listens,
//! `joelclaw:events:{session}` holds records with the newest first, `joelclaw:notify:{session}` says that there is one.
//! Whether the system sleeps, and what waits, are under the keys of [`State`](crate::service::State).

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

use super::{Delivery, Notification, NotificationSink, QueuedMessage, SLEEP_KEY, SLEEP_QUEUE_KEY};
use crate::error::{Error, Result};
use crate::service::redis::{Redis, Script};
use crate::service::{STATE_ITEMS_MAX, ServiceFuture};

/// The set of the sessions that listen.
const SESSIONS_KEY: &str = "joelclaw:gateway:sessions";

/// What became of a message, by its id.
const MESSAGE_KEY: &str = "joelclaw:gateway:message:";

/// Seconds for which an id is known: seven days, longer than all attempts of a step take together.
const MESSAGE_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Records of one session; of a consumer that is away for long the oldest go. The history has them still.
const RECORDS_MAX: u32 = 1_000;

/// Keys: the message, the sleep, the queue, the sessions. Arguments: the record, the wake-up, `1` when it passes the
/// sleep, the item of the queue, the origin or nothing, the most records of a session, the most items of the queue, how
/// long the id is known.
///
/// All in one piece: no other command comes between the look at the sleep and the push, and a message is pushed to all
/// of its sessions or to none. A list that is none fails the script before it has changed anything.
static PUSH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
        local known = redis.call('GET', KEYS[1])
        if known then return known end
        local function remember(delivery)
            redis.call('SET', KEYS[1], delivery, 'EX', ARGV[8])
            return delivery
        end

        local sleep = redis.pcall('GET', KEYS[2])
        if ARGV[3] ~= '1' and type(sleep) == 'string' then
            local waiting = redis.pcall('LLEN', KEYS[3])
            if type(waiting) == 'number' and waiting < tonumber(ARGV[7]) then
                redis.call('RPUSH', KEYS[3], ARGV[4])
                return remember('queued')
            end
        end

        local targets = {}
        if redis.call('SISMEMBER', KEYS[4], 'gateway') == 1 then table.insert(targets, 'gateway') end
        local origin = ARGV[5]
        if origin ~= '' and origin ~= 'gateway' and redis.call('SISMEMBER', KEYS[4], origin) == 1 then
            table.insert(targets, origin)
        end
        if #targets == 0 then targets = { 'main' } end
        for _, target in ipairs(targets) do redis.call('LLEN', 'joelclaw:events:' .. target) end
        for _, target in ipairs(targets) do
            redis.call('LPUSH', 'joelclaw:events:' .. target, ARGV[1])
            redis.call('LTRIM', 'joelclaw:events:' .. target, 0, ARGV[6] - 1)
            redis.call('PUBLISH', 'joelclaw:notify:' .. target, ARGV[2])
        end
        return remember('delivered')",
    )
});

/// Pushes messages to whoever listens at Redis. A message counts once for all workers that share the server.
#[derive(Clone, Debug)]
pub struct RedisSink(Redis);

/// A message as consumers know it.
#[derive(Serialize)]
struct Record<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    source: &'a str,
    payload: &'a Value,
    ts: i64,
}

/// What wakes a consumer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WakeUp<'a> {
    event_id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

impl RedisSink {
    /// The channel in this Redis.
    pub fn new(redis: Redis) -> Self {
        Self(redis)
    }
}

impl NotificationSink for RedisSink {
    fn push(&self, notification: Notification) -> ServiceFuture<'_, Delivery> {
        Box::pin(async move {
            let Notification { id, kind, source, payload, ts, .. } = &notification;
            let record = json(&Record { id, kind, source, payload, ts: *ts })?;
            let wake_up = json(&WakeUp { event_id: id, kind })?;
            let passes = notification.passes_sleep();
            let origin = notification.origin_session.clone().unwrap_or_default();
            let message_key = format!("{MESSAGE_KEY}{id}");
            let item = if passes { String::new() } else { json(&QueuedMessage::of(notification))? };
            let mut script = PUSH.key(message_key);
            script.key(SLEEP_KEY).key(SLEEP_QUEUE_KEY).key(SESSIONS_KEY);
            script.arg(record).arg(wake_up).arg(u8::from(passes)).arg(item).arg(origin);
            script.arg(RECORDS_MAX).arg(STATE_ITEMS_MAX).arg(MESSAGE_SECONDS);
            let delivery: String = self.0.script(&script).await?;
            Ok(if delivery == "queued" { Delivery::Queued } else { Delivery::Delivered })
        })
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::terminal)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpStream;

    use serde_json::json;

    use super::*;
    use crate::service::Urgency;
    use crate::service::redis::{FromRedisValue, cmd};
    use crate::testing::RedisServer;

    struct Bench {
        server: RedisServer,
        redis: Redis,
        sink: RedisSink,
    }

    impl Bench {
        fn start() -> Self {
            let server = RedisServer::start();
            let redis = Redis::open(&server.url()).unwrap();
            Self { sink: RedisSink::new(redis.clone()), server, redis }
        }

        async fn ask<T: FromRedisValue>(&self, command: &str) -> T {
            let mut words = command.split(' ');
            let mut command = cmd(words.next().unwrap());
            for word in words {
                command.arg(word);
            }
            self.redis.query(&command).await.unwrap()
        }

        async fn push(&self, notification: Notification) -> Delivery {
            self.sink.push(notification).await.unwrap()
        }

        async fn ids(&self, session: &str) -> Vec<String> {
            let records: Vec<String> = self.ask(&format!("LRANGE joelclaw:events:{session} 0 -1")).await;
            let id =
                |record: String| serde_json::from_str::<Value>(&record).unwrap()["id"].as_str().unwrap().to_owned();
            records.into_iter().map(id).collect()
        }
    }

    fn message(id: &str) -> Notification {
        Notification {
            id: id.to_owned(),
            kind: "ci.finished".to_owned(),
            source: "inngest/test".to_owned(),
            payload: json!({ "message": id }),
            ts: 1_769_839_200_500,
            origin_session: None,
            urgency: Urgency::Normal,
        }
    }

    fn from(origin: &str, id: &str) -> Notification {
        Notification { origin_session: Some(origin.to_owned()), ..message(id) }
    }

    #[tokio::test]
    async fn a_record_is_what_consumers_know_and_the_newest_is_first() {
        let bench = Bench::start();
        assert_eq!(bench.push(from("pi-7", "1")).await, Delivery::Delivered);
        bench.push(Notification { urgency: Urgency::Urgent, ..message("2") }).await;
        let records: Vec<String> = bench.ask("LRANGE joelclaw:events:main 0 -1").await;
        assert_eq!(
            records,
            ["2", "1"].map(|id| format!(
                r#"{{"id":"{id}","type":"ci.finished","source":"inngest/test","payload":{{"message":"{id}"}},"ts":1769839200500}}"#
            ))
        );
    }

    #[tokio::test]
    async fn a_message_reaches_the_gateway_and_its_origin_if_they_listen() {
        let bench = Bench::start();
        bench.ask::<()>("SADD joelclaw:gateway:sessions other").await;
        bench.push(from("pi-7", "nobody")).await;
        bench.ask::<()>("SADD joelclaw:gateway:sessions pi-7").await;
        bench.push(from("pi-7", "origin")).await;
        bench.ask::<()>("SADD joelclaw:gateway:sessions gateway").await;
        bench.push(from("pi-7", "both")).await;
        bench.push(from("pi-8", "gateway")).await;
        bench.push(from("gateway", "once")).await;
        bench.push(message("alone")).await;
        assert_eq!(bench.ids("main").await, ["nobody"]);
        assert_eq!(bench.ids("pi-7").await, ["both", "origin"]);
        assert_eq!(bench.ids("gateway").await, ["alone", "once", "gateway", "both"]);
        assert!(bench.ids("pi-8").await.is_empty() && bench.ids("other").await.is_empty());
    }

    #[tokio::test]
    async fn a_repeat_is_pushed_once_and_hears_what_became_of_the_first() {
        let bench = Bench::start();
        for _ in 0..3 {
            assert_eq!(bench.push(message("1")).await, Delivery::Delivered);
        }
        bench.ask::<()>(r#"SET system:sleep {"since":"now"}"#).await;
        for _ in 0..3 {
            assert_eq!(bench.push(message("1")).await, Delivery::Delivered);
            assert_eq!(bench.push(message("2")).await, Delivery::Queued);
        }
        bench.ask::<()>("DEL system:sleep").await;
        assert_eq!(bench.push(message("2")).await, Delivery::Queued);
        assert_eq!(bench.ids("main").await, ["1"]);
        assert_eq!(bench.ask::<u32>("LLEN sleep:queue").await, 1);
        let seconds: u32 = bench.ask("TTL joelclaw:gateway:message:1").await;
        assert!((MESSAGE_SECONDS - 60..=MESSAGE_SECONDS).contains(&seconds), "{seconds}");
    }

    #[tokio::test]
    async fn a_sleeping_system_queues_the_whole_message_and_lets_urgent_ones_pass() {
        let bench = Bench::start();
        bench.ask::<()>(r#"SET system:sleep {"since":"now"} EX 60"#).await;
        assert_eq!(bench.push(from("pi-7", "1")).await, Delivery::Queued);
        assert_eq!(bench.push(Notification { urgency: Urgency::Urgent, ..message("2") }).await, Delivery::Delivered);
        assert_eq!(bench.push(from("telegram:42", "3")).await, Delivery::Delivered);
        assert_eq!(bench.push(message("4")).await, Delivery::Queued);
        assert_eq!(bench.ids("main").await, ["3", "2"]);
        let queue: Vec<String> = bench.ask("LRANGE sleep:queue 0 -1").await;
        let queue: Vec<QueuedMessage> = queue.iter().map(|item| serde_json::from_str(item).unwrap()).collect();
        assert_eq!(queue, [QueuedMessage::of(from("pi-7", "1")), QueuedMessage::of(message("4"))]);
    }

    #[tokio::test]
    async fn what_comes_while_the_system_wakes_is_delivered_or_in_the_queue_that_the_digest_reads() {
        let bench = Bench::start();
        bench.ask::<()>("SET system:sleep 1").await;
        let pushes = (0..200).map(|id| bench.push(message(&id.to_string())));
        let wake = async {
            bench.push(message("first")).await;
            bench.ask::<()>("DEL system:sleep").await;
            bench.ask::<usize>("LLEN sleep:queue").await
        };
        let (deliveries, read) = tokio::join!(futures::future::join_all(pushes), wake);
        let queued = deliveries.iter().filter(|delivery| **delivery == Delivery::Queued).count() + 1;
        assert_eq!((queued, bench.ask::<usize>("LLEN sleep:queue").await), (read, read));
        assert_eq!(bench.ids("main").await.len() + read, 201);
    }

    #[tokio::test]
    async fn lists_are_bounded_and_a_full_queue_lets_messages_pass() {
        let bench = Bench::start();
        let fill = async |key: &str, items: u32| {
            let fill = "for n = 1, ARGV[1] do redis.call('RPUSH', KEYS[1], '{\"id\":\"old\"}') end";
            let mut command = cmd("EVAL");
            bench.redis.query::<()>(command.arg(fill).arg(1).arg(key).arg(items)).await.unwrap();
        };
        fill("joelclaw:events:main", RECORDS_MAX).await;
        bench.push(message("1")).await;
        let ids = bench.ids("main").await;
        assert_eq!((ids.len(), ids[0].as_str()), (1_000, "1"));
        fill("sleep:queue", STATE_ITEMS_MAX).await;
        bench.ask::<()>("SET system:sleep 1").await;
        assert_eq!(bench.push(message("2")).await, Delivery::Delivered);
        assert_eq!(bench.ask::<u32>("LLEN sleep:queue").await, STATE_ITEMS_MAX);
    }

    #[tokio::test]
    async fn who_listens_is_woken() {
        let bench = Bench::start();
        let mut subscriber = TcpStream::connect(("127.0.0.1", bench.server.port())).unwrap();
        subscriber.write_all(b"SUBSCRIBE joelclaw:notify:main\r\n").unwrap();
        let mut lines = BufReader::new(subscriber).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == ":1"), "it is subscribed");
        bench.push(message("1")).await;
        assert!(lines.any(|line| line == r#"{"eventId":"1","type":"ci.finished"}"#));
    }

    /// What other programs have put there must not keep the operator from hearing anything, nor be half changed.
    #[tokio::test]
    async fn keys_of_another_kind_deliver_or_fail_whole() {
        let bench = Bench::start();
        bench.ask::<()>("SADD system:sleep 1").await;
        assert_eq!(bench.push(message("1")).await, Delivery::Delivered);
        bench.ask::<()>("DEL system:sleep").await;
        bench.ask::<()>("SET system:sleep 1").await;
        bench.ask::<()>("SET sleep:queue 1").await;
        assert_eq!(bench.push(message("2")).await, Delivery::Delivered);
        bench.ask::<()>("SADD joelclaw:gateway:sessions gateway pi-7").await;
        bench.ask::<()>("SET joelclaw:events:pi-7 1").await;
        let urgent = Notification { urgency: Urgency::Urgent, ..from("pi-7", "3") };
        let error = bench.sink.push(urgent.clone()).await.unwrap_err();
        assert!(!error.is_retryable() && error.message().contains("WRONGTYPE"), "{error}");
        assert!(bench.ids("gateway").await.is_empty(), "not half of it");
        bench.ask::<()>("DEL joelclaw:events:pi-7").await;
        assert_eq!(bench.push(urgent).await, Delivery::Delivered);
        assert_eq!((bench.ids("gateway").await, bench.ids("pi-7").await), (vec!["3".to_owned()], vec!["3".to_owned()]));
    }

    #[tokio::test]
    async fn a_server_that_is_away_fails_the_attempt_and_gets_the_message_at_the_next() {
        let mut bench = Bench::start();
        bench.server.kill();
        let error = bench.sink.push(message("1")).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        bench.server.restart();
        assert_eq!(bench.push(message("1")).await, Delivery::Delivered);
        bench.server.kill();
        bench.server.restart();
        // The first command finds that the connection is lost.
        let _ = bench.sink.push(message("1")).await;
        assert_eq!(bench.push(message("1")).await, Delivery::Delivered, "the server remembers");
        assert_eq!(bench.ids("main").await, ["1"]);
    }
}
