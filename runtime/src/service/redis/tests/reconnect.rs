//! Servers that go away, come back, or never answer.

use std::sync::Arc;

use super::*;
use crate::service::State;

static ECHO: std::sync::LazyLock<Script> = std::sync::LazyLock::new(|| Script::new("return ARGV[1]"));

#[tokio::test]
async fn a_server_that_goes_away_fails_commands_and_is_found_again() {
    let mut server = RedisServer::start();
    let redis = open(&server);
    let state = State::new(Arc::new(RedisState::new(redis.clone())));
    state.set("kept", &1, None).await.unwrap();
    assert_eq!(redis.script::<String>(&ECHO.arg("a")).await.unwrap(), "a");
    server.kill();
    for _ in 0..3 {
        let start = std::time::Instant::now();
        let error = state.get::<u32>("kept").await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert!(error.message().contains(&format!("127.0.0.1:{}", server.port())), "{error:?}");
        assert!(start.elapsed() < COMMAND_TIME_MAX);
        assert!(redis.ping().await.unwrap_err().is_retryable());
    }
    server.restart();
    assert_eq!(eventually(|| state.get::<u32>("kept")).await, Some(1), "it reconnects by itself");
    assert_eq!(redis.script::<String>(&ECHO.arg("b")).await.unwrap(), "b", "a script is sent again");
    redis.ping().await.unwrap();
}

#[tokio::test]
async fn commands_under_way_fail_when_the_server_goes_away() {
    let mut server = RedisServer::start();
    let redis = open(&server);
    redis.ping().await.unwrap();
    let (blocking, ()) =
        tokio::join!(async { redis.query::<Option<Vec<String>>>(cmd("BLPOP").arg(&["never", "0"])).await }, async {
            let other = open(&server);
            // Once the server says that somebody is blocked, the command is under way.
            eventually(|| async {
                let clients: String = other.query(cmd("INFO").arg("clients")).await?;
                if clients.contains("blocked_clients:1") { Ok(()) } else { Err(crate::Error::retryable("not yet")) }
            })
            .await;
            server.kill();
        });
    assert!(blocking.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_found_later() {
    let mut server = RedisServer::start();
    server.kill();
    let redis = open(&server);
    let contact = tokio::spawn({
        let redis = redis.clone();
        async move { redis.first_contact().await }
    });
    assert!(redis.ping().await.unwrap_err().is_retryable());
    assert!(!contact.is_finished());
    server.restart();
    eventually(|| redis.ping()).await;
    contact.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let redis = Redis::open(&format!("redis://{}", silent.local_addr().unwrap())).unwrap();
    let state = State::new(Arc::new(RedisState::new(redis.clone())));
    let start = tokio::time::Instant::now();
    let error = redis.ping().await.unwrap_err();
    assert!(error.is_retryable() && error.message().contains("no answer within 500ms"), "{error:?}");
    assert!(start.elapsed() <= PING_TIME_MAX + Duration::from_millis(10));
    let start = tokio::time::Instant::now();
    let calls = (0..20).map(|_| state.increment("count", 1, None));
    for outcome in futures::future::join_all(calls).await {
        let error = outcome.unwrap_err();
        assert!(error.is_retryable() && error.message().contains("no answer within"), "{error:?}");
    }
    assert!(start.elapsed() <= COMMAND_TIME_MAX + Duration::from_millis(10), "waiting for one's turn counts");
}

#[tokio::test]
async fn a_connection_on_which_nothing_answers_is_replaced() {
    let server = RedisServer::start();
    let redis = open(&server);
    let id: i64 = redis.query(cmd("CLIENT").arg("ID")).await.unwrap();
    // Blocks this connection for longer than the probe waits.
    let mut waiting = cmd("BLPOP");
    let blocked = redis.query::<Option<Vec<String>>>(waiting.arg(&["never", "0"]));
    let probing = async {
        redis.ping().await.unwrap_err();
        eventually(|| redis.ping()).await;
        redis.query::<i64>(cmd("CLIENT").arg("ID")).await.unwrap()
    };
    tokio::select! {
        biased;
        _ = blocked => panic!("nobody pushes"),
        other = probing => assert_ne!(other, id),
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_nobody_used_it_fails_nothing() {
    let mut server = RedisServer::start();
    let redis = open(&server);
    redis.ping().await.unwrap();
    let id: i64 = redis.query(cmd("CLIENT").arg("ID")).await.unwrap();
    assert_eq!(redis.query::<i64>(cmd("CLIENT").arg("ID")).await.unwrap(), id, "one that is used stays");
    server.restart();
    tokio::time::pause();
    tokio::time::advance(IDLE_TIME_MAX).await;
    tokio::time::resume();
    redis.ping().await.unwrap();
}
