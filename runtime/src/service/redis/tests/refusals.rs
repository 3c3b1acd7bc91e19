//! What a server refuses, and what it is asked about itself.

use std::sync::Arc;

use super::*;
use crate::Error;
use crate::service::State;

const PASSWORD: &str = "correct-horse";

fn with_password(server: &RedisServer, user: &str, password: &str) -> Redis {
    Redis::open(&format!("redis://{user}:{password}@127.0.0.1:{}/3", server.port())).unwrap()
}

#[tokio::test]
async fn user_password_and_database_of_the_url_are_used() {
    let server =
        RedisServer::start_with(&["--requirepass", "other", "--user", "bus", "on", ">correct-horse", "~*", "+@all"]);
    let redis = with_password(&server, "bus", "correct%2Dhorse");
    assert_eq!(redis.query::<String>(cmd("ACL").arg("WHOAMI")).await.unwrap(), "bus");
    redis.query::<()>(cmd("SET").arg("a").arg("1")).await.unwrap();
    let keyspace: String = redis.query(cmd("INFO").arg("keyspace")).await.unwrap();
    assert!(keyspace.contains("db3:keys=1"), "{keyspace}");
    with_password(&server, "", "other").ping().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_never_shown_and_may_be_put_right() {
    let server = RedisServer::start_with(&["--requirepass", "other"]);
    let redis = with_password(&server, "", PASSWORD);
    let error = redis.ping().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(!error.message().contains(PASSWORD) && !format!("{redis:?}").contains(PASSWORD), "{error:?}");
    set_option(&with_password(&server, "", "other"), "requirepass", PASSWORD).await;
    redis.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_repeats_the_password_is_not_repeated() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://:{PASSWORD}@{}", listener.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        loop {
            let length = stream.read(&mut buffer).await.unwrap();
            let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let answer = match asked.contains("PING") {
                false => "+OK\r\n".repeat(asked.matches('*').count()),
                true => format!("-ERR was sent '{PASSWORD}' before\r\n"),
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
            if asked.contains("PING") {
                return;
            }
        }
    });
    let error = Redis::open(&url).unwrap().ping().await.unwrap_err();
    assert!(error.message().contains("ERR was sent '…' before"), "{error:?}");
    assert!(!error.message().contains(PASSWORD), "{error:?}");
    answering.await.unwrap();
}

/// Checks that a value cannot be set, that this may change, and that it has changed after `cure`.
async fn check_passing_refusal(redis: &Redis, code: &str, cure: impl AsyncFnOnce()) {
    let state = State::new(Arc::new(RedisState::new(redis.clone())));
    let check = |error: Error| assert!(error.is_retryable() && error.message().contains(code), "{error:?}");
    check(state.set("key", &1, None).await.unwrap_err());
    check(redis.query::<()>(cmd("SET").arg("key").arg("1")).await.unwrap_err());
    cure().await;
    state.set("key", &1, None).await.unwrap();
}

#[tokio::test]
async fn a_full_server_may_get_room() {
    let server = RedisServer::start();
    let redis = open(&server);
    set_option(&redis, "maxmemory", "1").await;
    check_passing_refusal(&redis, "OOM", async || set_option(&redis, "maxmemory", "0").await).await;
}

#[tokio::test]
async fn a_replica_may_become_the_primary() {
    let server = RedisServer::start();
    let redis = open(&server);
    let port = server.port().to_string();
    redis.query::<()>(cmd("REPLICAOF").arg(&["127.0.0.1", port.as_str()])).await.unwrap();
    check_passing_refusal(&redis, "READONLY", async || {
        redis.query::<()>(cmd("REPLICAOF").arg(&["NO", "ONE"])).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_write_its_snapshot_may_be_cured() {
    let server = RedisServer::start_with(&["--dbfilename", "dump.rdb"]);
    let redis = open(&server);
    redis.query::<()>(cmd("SET").arg("key").arg("0")).await.unwrap();
    // A failed snapshot stops writes only where a schedule asks for snapshots. This one fails because a directory lies
    // where its file belongs.
    set_option(&redis, "save", "86400 1000000").await;
    let directory: Vec<String> = redis.query(cmd("CONFIG").arg(&["GET", "dir"])).await.unwrap();
    let place = std::path::Path::new(&directory[1]).join("dump.rdb");
    std::fs::create_dir(&place).unwrap();
    redis.query::<()>(&cmd("BGSAVE")).await.unwrap();
    eventually(|| async {
        let state: String = redis.query(cmd("INFO").arg("persistence")).await?;
        if state.contains("rdb_last_bgsave_status:err") { Ok(()) } else { Err(Error::retryable("not yet")) }
    })
    .await;
    check_passing_refusal(&redis, "MISCONF", async || set_option(&redis, "stop-writes-on-bgsave-error", "no").await)
        .await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_terminal_only_when_the_answer_says_so() {
    let server = RedisServer::start();
    let redis = open(&server);
    redis.query::<()>(cmd("RPUSH").arg(&["list", "a"])).await.unwrap();
    let wrong_kind = redis.query::<String>(cmd("GET").arg("list")).await.unwrap_err();
    assert!(!wrong_kind.is_retryable() && wrong_kind.message().contains("WRONGTYPE"), "{wrong_kind:?}");
    let wrong_type = redis.query::<u64>(cmd("LINDEX").arg(&["list", "0"])).await.unwrap_err();
    assert!(!wrong_type.is_retryable(), "{wrong_type:?}");
}

#[tokio::test]
async fn a_server_that_may_forget_keys_is_noticed() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let redis = open(&server);
    assert_eq!(redis.eviction_policy().await, None, "without a limit nothing is forgotten");
    set_option(&redis, "maxmemory", "100mb").await;
    assert_eq!(redis.eviction_policy().await.as_deref(), Some("allkeys-lru"));
    set_option(&redis, "maxmemory-policy", "volatile-ttl").await;
    assert_eq!(redis.eviction_policy().await.as_deref(), Some("volatile-ttl"), "dedup keys have an expiry");
    set_option(&redis, "maxmemory-policy", "noeviction").await;
    assert_eq!(redis.eviction_policy().await, None);
}

#[tokio::test]
async fn a_server_that_tells_nothing_of_itself_is_used_all_the_same() {
    let server = RedisServer::start_with(&["--user", "bus", "on", ">correct-horse", "~*", "+@all", "-info", "-config"]);
    let redis = with_password(&server, "bus", PASSWORD);
    redis.first_contact().await;
    assert_eq!(redis.eviction_policy().await, None);
    redis.query::<()>(cmd("SET").arg("a").arg("1")).await.unwrap();
}
