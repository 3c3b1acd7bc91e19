//! Messages to the operator in a real engine: once each, held back while the system sleeps, followed without a gap.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use system_bus_runtime::error::Error;
use system_bus_runtime::function::Services;
use system_bus_runtime::registry::Registry;
use system_bus_runtime::service::gateway::{SLEEP_KEY, SLEEP_QUEUE_KEY, SleepState};
use system_bus_runtime::service::{
    Delivery, Notification, NotificationSink, ServiceFuture, State, StateStore, Urgency,
};

use crate::api::{Keys, keeping_router, router};
use crate::{Config, Engine, FollowError, SendError, limits};

fn open(directory: &std::path::Path, services: Services) -> Engine {
    Engine::open(&Config { directory: directory.to_owned() }, &Registry::default(), services).unwrap()
}

fn message(id: &str) -> Notification {
    Notification {
        id: id.to_owned(),
        kind: "ci.finished".to_owned(),
        source: "test".to_owned(),
        payload: json!({ "message": id }),
        ts: 0,
        origin_session: None,
        urgency: Urgency::Normal,
    }
}

async fn push(engine: &Engine, notification: Notification) -> Delivery {
    let sink = engine.services().find::<Arc<dyn NotificationSink>>().unwrap();
    sink.push(notification).await.unwrap()
}

fn state(engine: &Engine) -> State {
    State::new(engine.services().find::<Arc<dyn StateStore>>().unwrap())
}

async fn fall_asleep(engine: &Engine, until: Option<Duration>) {
    let sleep = SleepState { since: "2026-01-31T06:00:00.000Z".to_owned(), reason: None, duration: None };
    state(engine).set(SLEEP_KEY, &sleep, until).await.unwrap();
}

async fn kept(engine: &Engine, count: u32) -> Vec<(String, Delivery)> {
    let kept = engine.notifications(count).await.unwrap();
    kept.into_iter().map(|kept| (kept.notification.id, kept.delivery)).collect()
}

#[tokio::test]
async fn a_sleeping_system_queues_what_is_not_urgent_once() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Services::default());
    assert_eq!(push(&engine, message("before")).await, Delivery::Delivered);
    fall_asleep(&engine, None).await;
    assert_eq!(push(&engine, message("asleep")).await, Delivery::Queued);
    assert_eq!(push(&engine, message("asleep")).await, Delivery::Queued, "a repeat hears the same");
    assert_eq!(push(&engine, message("before")).await, Delivery::Delivered, "so does one from before");
    let urgent = Notification { urgency: Urgency::Urgent, ..message("urgent") };
    assert_eq!(push(&engine, urgent).await, Delivery::Delivered);
    assert_eq!(
        push(&engine, Notification { kind: "web.deploy.failed".to_owned(), ..message("deploy") }).await,
        Delivery::Delivered
    );
    let queue: Vec<Value> = state(&engine).list(SLEEP_QUEUE_KEY).await.unwrap();
    assert_eq!(queue.len(), 1);
    assert_eq!((&queue[0]["event"], &queue[0]["summary"]), (&json!("ci.finished"), &json!("ci.finished: asleep")));
    assert_eq!(
        (&queue[0]["record"]["id"], &queue[0]["record"]["payload"]),
        (&json!("asleep"), &json!({"message": "asleep"}))
    );
    assert!(queue[0]["timestamp"].as_str().unwrap().ends_with('Z') && queue[0]["record"]["ts"].as_i64().unwrap() > 0);
    state(&engine).remove(SLEEP_KEY).await.unwrap();
    assert_eq!(push(&engine, message("awake")).await, Delivery::Delivered);
    let expected = [("awake", false), ("deploy", false), ("urgent", false), ("asleep", true), ("before", false)];
    let expected =
        expected.map(|(id, queued)| (id.to_owned(), if queued { Delivery::Queued } else { Delivery::Delivered }));
    assert_eq!(kept(&engine, 100).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_the_system_wakes_is_delivered_or_in_the_queue_that_the_digest_reads() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Services::default());
    fall_asleep(&engine, None).await;
    let mut pushes = tokio::task::JoinSet::new();
    for id in 0..200 {
        let engine = engine.clone();
        pushes.spawn(async move { push(&engine, message(&id.to_string())).await });
    }
    push(&engine, message("first")).await;
    state(&engine).remove(SLEEP_KEY).await.unwrap();
    let read: Vec<Value> = state(&engine).list(SLEEP_QUEUE_KEY).await.unwrap();
    let deliveries = pushes.join_all().await;
    let queued = deliveries.iter().filter(|delivery| **delivery == Delivery::Queued).count() + 1;
    let left: Vec<Value> = state(&engine).list(SLEEP_QUEUE_KEY).await.unwrap();
    assert_eq!((queued, left.len()), (read.len(), read.len()), "nothing comes behind what was read");
    assert_eq!(kept(&engine, 300).await.len(), 201);
}

/// What other programs have put there must not keep the operator from hearing anything.
#[tokio::test]
async fn a_queue_that_is_none_and_a_sleep_that_is_none_deliver() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Services::default());
    state(&engine).list_append(SLEEP_KEY, &1, None).await.unwrap();
    assert_eq!(push(&engine, message("1")).await, Delivery::Delivered);
    state(&engine).remove(SLEEP_KEY).await.unwrap();
    state(&engine).set(SLEEP_QUEUE_KEY, &1, None).await.unwrap();
    fall_asleep(&engine, None).await;
    assert_eq!(push(&engine, message("2")).await, Delivery::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_gets_each_message_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Services::default());
    for id in ["1", "2", "3"] {
        push(&engine, message(id)).await;
    }
    let ids =
        |found: &[crate::KeptNotification]| found.iter().map(|kept| kept.notification.id.clone()).collect::<Vec<_>>();
    let first = engine.notifications_after(0, 2, Duration::ZERO).await.unwrap();
    assert_eq!(ids(&first), ["1", "2"]);
    let rest = engine.notifications_after(first[1].cursor, 10, Duration::ZERO).await.unwrap();
    assert_eq!(ids(&rest), ["3"]);
    let cursor = rest[0].cursor;
    assert!(engine.notifications_after(cursor, 10, Duration::ZERO).await.unwrap().is_empty());
    let waiting = tokio::spawn({
        let engine = engine.clone();
        async move { engine.notifications_after(cursor, 10, Duration::from_secs(30)).await.unwrap() }
    });
    push(&engine, message("2")).await;
    push(&engine, message("4")).await;
    assert_eq!(ids(&waiting.await.unwrap()), ["4"], "a repeat is nothing new");
    let elsewhere = engine.notifications_after(1_000, 10, Duration::ZERO).await.unwrap();
    assert_eq!(ids(&elsewhere), ["1", "2", "3", "4"], "a cursor of another store starts over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_does_not_hold_up_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Services::default());
    let waiting = tokio::spawn({
        let engine = engine.clone();
        async move { engine.notifications_after(0, 10, Duration::from_secs(600)).await }
    });
    engine.stop(Duration::ZERO).await;
    assert_eq!(waiting.await.unwrap().unwrap_err(), FollowError::Send(SendError::Unavailable));
}

/// A channel outside of the engine that fails at first.
#[derive(Default)]
struct Outside(AtomicU32);

impl NotificationSink for Outside {
    fn push(&self, notification: Notification) -> ServiceFuture<'_, Delivery> {
        assert!(notification.ts > 0, "the record has its time");
        Box::pin(async {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Error::retryable("the channel is away")),
                _ => Ok(Delivery::Queued),
            }
        })
    }
}

#[tokio::test]
async fn what_another_channel_took_is_in_the_history_with_what_it_said() {
    let directory = tempfile::tempdir().unwrap();
    let channel: Arc<dyn NotificationSink> = Arc::new(Outside::default());
    let engine = open(directory.path(), Services::default().with(channel));
    let sink = engine.services().find::<Arc<dyn NotificationSink>>().unwrap();
    let error = sink.push(message("1")).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(kept(&engine, 100).await.is_empty(), "what nobody took is not in the history");
    for _ in 0..2 {
        assert_eq!(push(&engine, message("1")).await, Delivery::Queued);
    }
    assert_eq!(kept(&engine, 100).await, [("1".to_owned(), Delivery::Queued)]);
    let queue: Vec<Value> = state(&engine).list(SLEEP_QUEUE_KEY).await.unwrap();
    assert!(queue.is_empty(), "the queue is the other channel's");
}

/// The address of a router's list of messages.
async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/notifications", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Status and body of the answer.
async fn get(client: &Client, address: &str, query: &str) -> (u16, Value) {
    let response = client.get(format!("{address}?{query}")).bearer_auth("signing").send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn client() -> Client {
    system_bus_runtime::tls::install();
    Client::builder().tls_certs_only([]).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_followed_over_http_also_beside_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Services::default());
    let keys = Keys { event: None, signing: Some("signing".to_owned()) };
    let client = client();
    for router in [router(engine.clone(), keys.clone()), keeping_router(engine.clone(), keys)] {
        let address = serve(router).await;
        let (_, newest) = get(&client, &address, "limit=1").await;
        let cursor = newest["data"][0]["cursor"].as_i64().unwrap_or_default();
        let id = cursor.to_string();
        let waiting = tokio::spawn({
            let (client, address) = (client.clone(), address.clone());
            async move { get(&client, &address, &format!("after={cursor}&wait=20")).await }
        });
        push(&engine, message(&id)).await;
        let (status, body) = waiting.await.unwrap();
        assert_eq!((status, body["data"].as_array().map(Vec::len)), (200, Some(1)));
        let kept = &body["data"][0];
        assert_eq!(
            (&kept["id"], &kept["cursor"], &kept["delivery"]),
            (&json!(id), &json!(cursor + 1), &json!("delivered"))
        );
        let rest = get(&client, &address, &format!("after={}", cursor + 1)).await;
        assert_eq!(rest, (200, json!({ "data": [] })));
        assert_eq!(get(&client, &address, "after=x").await.0, 400);
        let stranger = client.get(format!("{address}?after=0&wait=20")).send().await.unwrap();
        assert_eq!(stranger.status(), 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_have_a_bound() {
    const MORE: usize = 3;
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Services::default());
    let address = serve(router(engine.clone(), Keys::default())).await;
    let client = client();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..limits::FOLLOWERS_MAX + MORE {
        let (client, address) = (client.clone(), address.clone());
        asking.spawn(async move { get(&client, &address, "after=0&wait=20").await });
    }
    for _ in 0..MORE {
        let (status, body) = asking.join_next().await.unwrap().unwrap();
        assert_eq!((status, &body["error"]), (503, &json!("64 followers wait already: ask again later")));
    }
    push(&engine, message("1")).await;
    while let Some(answer) = asking.join_next().await {
        let (status, body) = answer.unwrap();
        assert_eq!((status, &body["data"][0]["id"]), (200, &json!("1")));
    }
}
