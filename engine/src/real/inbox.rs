//! Deliveries of webhooks: with their events in one transaction, once, and on their way to a server.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::prelude::*;
use system_bus_runtime::webhook::{DeliveryState, InboxFilter, NewDelivery, Outcome, Settlement};

use super::*;
use crate::HandOn;

/// A vendor has reported something.
#[event("real/vendor.reported")]
struct VendorReported {}

/// Counts what the vendor reports.
#[inngest_fn(id = "real-vendor", event = VendorReported)]
async fn real_vendor(step: Step, bench: Bench) -> Result<()> {
    step.run("count", async {
        bench.executions.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Error>(())
    })
    .await?;
    Ok(())
}

fn delivery(key: &str, outcome: Outcome) -> NewDelivery {
    NewDelivery {
        provider: "vendor",
        key: key.to_owned(),
        headers: [("x-kind".to_owned(), "report".to_owned())].into(),
        body: Bytes::from(format!("{{\"key\":\"{key}\"}}")),
        outcome,
        again: false,
    }
}

fn reported(key: &str) -> Outcome {
    let event = NewEvent::new(&VendorReported {}).unwrap().with_id(format!("vendor-{key}"));
    Outcome::Events(vec![event])
}

async fn executed(bench: &Bench, engine: &Engine, count: u32) {
    while engine.stats().runs_ended() < u64::from(count) {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.executions.load(Ordering::SeqCst), count);
}

#[tokio::test]
async fn a_delivery_and_its_events_are_one_and_a_second_one_does_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    let inbox = engine.inbox(HandOn::Here);
    let first = inbox.take_in(delivery("d-1", reported("d-1"))).await.unwrap();
    assert_eq!((first.state, first.duplicate, first.events.len()), (DeliveryState::Handled, false, 1));
    let again = inbox.take_in(delivery("d-1", reported("d-1"))).await.unwrap();
    assert_eq!((again.id, again.duplicate, &again.events), (first.id, true, &first.events));
    executed(&bench, &engine, 1).await;
    let kept = inbox.delivery(first.id).await.unwrap().unwrap();
    assert_eq!((kept.summary.repeats, &kept.body[..]), (1, &br#"{"key":"d-1"}"#[..]));
    assert_eq!(kept.headers["x-kind"], "report");
    let fates = engine.fates("vendor-d-1".to_owned()).await.unwrap().unwrap();
    assert_eq!(fates.event.internal_id, first.events[0]);
}

#[tokio::test]
async fn a_store_that_fails_keeps_neither_delivery_nor_event() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    let inbox = engine.inbox(HandOn::Here);
    engine.fail_next_commit();
    assert!(inbox.take_in(delivery("d-1", reported("d-1"))).await.unwrap_err().is_retryable());
    engine.stop(Duration::ZERO).await;
    let engine = open(directory.path(), &bench);
    let inbox = engine.inbox(HandOn::Here);
    assert_eq!(inbox.list(InboxFilter { count: 10, ..InboxFilter::default() }).await.unwrap(), []);
    assert!(engine.event("vendor-d-1".to_owned()).await.unwrap().is_none());
    let receipt = inbox.take_in(delivery("d-1", reported("d-1"))).await.unwrap();
    assert!(!receipt.duplicate, "the vendor's second try counts");
    executed(&bench, &engine, 1).await;
}

#[tokio::test]
async fn what_came_to_nothing_is_taken_in_when_it_comes_again_and_is_understood() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    let inbox = engine.inbox(HandOn::Here);
    for (key, outcome, state) in [
        ("failed", Outcome::Problem("what is this".to_owned()), DeliveryState::Failed),
        ("ignored", Outcome::Events(Vec::new()), DeliveryState::Ignored),
    ] {
        let first = inbox.take_in(delivery(key, outcome.clone())).await.unwrap();
        assert_eq!((first.state, first.duplicate), (state, false));
        assert!(inbox.take_in(delivery(key, outcome)).await.unwrap().duplicate);
        let understood = inbox.take_in(delivery(key, reported(key))).await.unwrap();
        assert_eq!((understood.id, understood.state), (first.id, DeliveryState::Handled));
        assert_eq!(inbox.delivery(first.id).await.unwrap().unwrap().summary.problem, None);
        assert!(inbox.take_in(delivery(key, reported(key))).await.unwrap().duplicate);
    }
    executed(&bench, &engine, 2).await;
}

#[tokio::test]
async fn a_replay_sends_what_was_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    let inbox = engine.inbox(HandOn::Here);
    let failed = inbox.take_in(delivery("d-1", Outcome::Problem("what is this".to_owned()))).await.unwrap();
    let replay = |outcome| NewDelivery { again: true, ..delivery("d-1", outcome) };
    let still = inbox.take_in(replay(Outcome::Problem("still not".to_owned()))).await.unwrap();
    assert_eq!((still.id, still.state), (failed.id, DeliveryState::Failed));
    assert_eq!(inbox.delivery(failed.id).await.unwrap().unwrap().summary.problem.as_deref(), Some("still not"));
    let handled = inbox.take_in(replay(reported("d-1"))).await.unwrap();
    assert_eq!((handled.state, handled.duplicate), (DeliveryState::Handled, false));
    let twice = inbox.take_in(replay(reported("d-1"))).await.unwrap();
    assert_eq!(twice.events, handled.events, "the same event, which starts nothing a second time");
    executed(&bench, &engine, 1).await;
}

#[tokio::test]
async fn what_is_a_servers_waits_in_order_until_it_is_settled() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    let inbox = engine.inbox(HandOn::Server);
    for key in ["a", "b", "c", "d"] {
        let receipt = inbox.take_in(delivery(key, reported(key))).await.unwrap();
        assert_eq!((receipt.state, receipt.events.len()), (DeliveryState::Waiting, 0));
    }
    engine.stop(Duration::ZERO).await;
    let engine = open(directory.path(), &bench);
    let inbox = engine.inbox(HandOn::Server);
    let keys = |waiting: Vec<system_bus_runtime::webhook::KeptDelivery>| {
        waiting.into_iter().map(|kept| kept.summary.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(inbox.waiting(10, usize::MAX).await.unwrap()), ["a", "b", "c", "d"]);
    assert_eq!(keys(inbox.waiting(2, usize::MAX).await.unwrap()), ["a", "b"]);
    assert_eq!(keys(inbox.waiting(10, 1).await.unwrap()), ["a"], "one goes however large it is");
    let waiting = inbox.waiting(10, usize::MAX).await.unwrap();
    let ids: Vec<i64> = waiting.iter().map(|kept| kept.summary.id).collect();
    let settlements = vec![
        (ids[0], Settlement::Handled(vec!["e-1".to_owned()])),
        (ids[1], Settlement::Failed("too large".to_owned())),
        (ids[2], Settlement::Delayed("nobody answers".to_owned())),
        (ids[3], Settlement::Ignored),
    ];
    inbox.settle(settlements).await.unwrap();
    let states: Vec<_> = inbox.list(InboxFilter { count: 10, ..InboxFilter::default() }).await.unwrap();
    let states: Vec<_> = states.iter().map(|kept| (kept.key.as_str(), kept.state, kept.problem.as_deref())).collect();
    assert_eq!(
        states,
        [
            ("d", DeliveryState::Ignored, None),
            ("c", DeliveryState::Waiting, Some("nobody answers")),
            ("b", DeliveryState::Failed, Some("too large")),
            ("a", DeliveryState::Handled, None),
        ]
    );
    inbox.settle(vec![(ids[0], Settlement::Failed("late".to_owned()))]).await.unwrap();
    assert_eq!(inbox.delivery(ids[0]).await.unwrap().unwrap().summary.state, DeliveryState::Handled);
    let counts = inbox.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.failed), (1, 1));
    assert_eq!(json!(inbox.delivery(ids[0]).await.unwrap().unwrap().summary)["state"], "handled");
}
