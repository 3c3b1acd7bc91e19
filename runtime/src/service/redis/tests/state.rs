//! State in a real Redis.

use std::sync::Arc;

use super::*;
use crate::service::{State, StateStore};
use crate::testing::{StateSubject, check_state_store};

struct Subject {
    redis: Redis,
    _server: RedisServer,
}

impl StateSubject for Subject {
    fn store(&self) -> Arc<dyn StateStore> {
        Arc::new(RedisState::new(self.redis.clone()))
    }

    async fn pass(&self, time: Duration) {
        let code = "
            for _, key in ipairs(redis.call('KEYS', '*')) do
                local left = redis.call('PTTL', key)
                if left >= 0 then redis.call('PEXPIRE', key, math.max(left - ARGV[1], 0)) end
            end";
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.redis.script::<()>(&Script::new(code).arg(millis)).await.unwrap();
    }
}

#[tokio::test]
async fn redis_keeps_the_contract_of_state() {
    let server = RedisServer::start();
    check_state_store(&Subject { redis: open(&server), _server: server }).await;
}

#[tokio::test]
async fn other_programs_find_raw_keys_with_json_and_plain_members() {
    let server = RedisServer::start();
    let redis = open(&server);
    let state = State::new(Arc::new(RedisState::new(redis.clone())));
    let minute = Some(Duration::from_secs(60));
    state.set("system:sleep", &serde_json::json!({"since": "now"}), minute).await.unwrap();
    state.list_append("sleep:queue", &"a", None).await.unwrap();
    state.set_add("agent-closed", "task \"1\"").await.unwrap();
    state.hash_set("subscriptions", "id", &true).await.unwrap();
    state.increment("count", 7, minute).await.unwrap();
    state.acquire("lock", "run-1", Duration::from_secs(60)).await.unwrap();
    let text = async |name: &str, arguments: &[&str]| redis.query::<String>(cmd(name).arg(arguments)).await.unwrap();
    assert_eq!(text("GET", &["system:sleep"]).await, r#"{"since":"now"}"#);
    assert_eq!(text("LINDEX", &["sleep:queue", "0"]).await, r#""a""#);
    assert_eq!(text("SRANDMEMBER", &["agent-closed"]).await, r#"task "1""#);
    assert_eq!(text("HGET", &["subscriptions", "id"]).await, "true");
    assert_eq!(text("GET", &["count"]).await, "7");
    assert_eq!(text("GET", &["lock"]).await, r#""run-1""#);
    for key in ["system:sleep", "count", "lock"] {
        let left: i64 = redis.query(cmd("PTTL").arg(key)).await.unwrap();
        assert!((1..=60_000).contains(&left), "`{key}` is left for {left} ms");
    }
    assert_eq!(redis.query::<i64>(cmd("PTTL").arg("sleep:queue")).await.unwrap(), -1);
}

#[tokio::test]
async fn what_other_programs_left_is_read_or_refused() {
    let server = RedisServer::start();
    let redis = open(&server);
    let state = State::new(Arc::new(RedisState::new(redis.clone())));
    redis.query::<()>(cmd("SET").arg("alerts:suppress:a").arg("1")).await.unwrap();
    assert_eq!(state.get("alerts:suppress:a").await.unwrap(), Some(1));
    redis.query::<()>(cmd("SET").arg("joelclaw:mode").arg("active")).await.unwrap();
    let error = state.get::<String>("joelclaw:mode").await.unwrap_err();
    assert!(!error.is_retryable() && error.message().contains("`joelclaw:mode` does not fit"), "{error:?}");
    redis.query::<()>(cmd("SET").arg("bytes").arg(b"\xff\xfe")).await.unwrap();
    assert!(!state.get::<String>("bytes").await.unwrap_err().is_retryable());
    redis.query::<()>(cmd("XADD").arg(&["stream", "*", "a", "b"])).await.unwrap();
    assert!(state.get::<String>("stream").await.unwrap_err().message().contains("WRONGTYPE"));
}

#[tokio::test]
async fn what_is_published_reaches_who_listens() {
    let server = RedisServer::start();
    let state = State::new(Arc::new(RedisState::new(open(&server))));
    state.publish("joelclaw:notify:main", "nobody listens").await.unwrap();
    let client = ::redis::Client::open(server.url()).unwrap();
    let mut listener = client.get_async_pubsub().await.unwrap();
    listener.subscribe("joelclaw:notify:main").await.unwrap();
    state.publish("joelclaw:notify:main", "{\"eventId\":1}").await.unwrap();
    let message = futures::StreamExt::next(&mut listener.on_message()).await.unwrap();
    assert_eq!(message.get_payload::<String>().unwrap(), "{\"eventId\":1}");
}
