//! Redis against real servers, some of which go away or never answer.

mod reconnect;
mod refusals;
mod state;
mod url;

use std::future::Future;
use std::time::Duration;

use super::*;
use crate::testing::RedisServer;

fn open(server: &RedisServer) -> Redis {
    Redis::open(&server.url()).unwrap()
}

/// Asks until it succeeds; the bound is generous because machines may be busy.
async fn eventually<T, F: Future<Output = crate::Result<T>>>(mut ask: impl FnMut() -> F) -> T {
    let mut last = None;
    for _ in 0..1_000 {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("still not: {last:?}");
}

async fn set_option(redis: &Redis, name: &str, value: &str) {
    redis.query::<()>(cmd("CONFIG").arg("SET").arg(name).arg(value)).await.unwrap();
}
