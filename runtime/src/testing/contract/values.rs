//! Values, counters and locks.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;

use super::{MINUTE, StateSubject, good, refused};
use crate::service::State;

const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn check(state: &State) {
    assert_eq!(good(state.get::<u32>("value").await), None);
    assert!(!good(state.remove("value").await));
    assert_eq!(good(state.take::<u32>("value").await), None);
    let value = BTreeMap::from([("a", 1), ("b", 2)]);
    good(state.set("value", &value, None).await);
    assert_eq!(good(state.get("value").await), Some(BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)])));
    refused(state.get::<u32>("value").await, "the state under `value` does not fit its type");
    assert!(!good(state.set_if_absent("value", &1, None).await), "it is there");
    good(state.set("value", &"other", None).await);
    assert_eq!(good(state.take::<String>("value").await).as_deref(), Some("other"));
    assert_eq!(good(state.get::<String>("value").await), None, "it was taken");
    assert!(good(state.set_if_absent("value", &None::<u32>, None).await), "it is free again");
    assert_eq!(good(state.get::<Option<u32>>("value").await), Some(None), "null is a value");
    assert!(good(state.remove("value").await));
    let claims = join_all((0..20).map(|n| async move { good(state.set_if_absent("claim", &n, None).await) })).await;
    assert_eq!(claims.iter().filter(|is_first| **is_first).count(), 1, "one claim wins");
    let winner = claims.iter().position(|is_first| *is_first);
    assert_eq!(good(state.get("claim").await), winner);
    let taken = join_all((0..20).map(|_| async { good(state.take::<usize>("claim").await) })).await;
    assert_eq!(taken.into_iter().flatten().collect::<Vec<_>>(), Vec::from_iter(winner), "one of them takes it");
}

pub(super) async fn check_counters(state: &State, subject: &impl StateSubject) {
    assert_eq!(good(state.increment("count", 2, None).await), 2, "a counter starts at 0");
    assert_eq!(good(state.increment("count", -5, None).await), -3);
    assert_eq!(good(state.get::<i64>("count").await), Some(-3), "a counter is a value");
    good(state.set("count", &i64::MAX, None).await);
    refused(state.increment("count", 1, None).await, "the counter under `count` has no room");
    assert_eq!(good(state.increment("count", -1, None).await), i64::MAX - 1, "all 64 bits count");
    assert_eq!(good(state.increment("least", i64::MIN, None).await), i64::MIN);
    for no_number in ["1.5", "\"1\"", "null", "99999999999999999999"] {
        let value: Box<serde_json::value::RawValue> =
            serde_json::from_str(no_number).unwrap_or_else(|error| panic!("{error}"));
        good(state.set("count", &value, None).await);
        refused(state.increment("count", 1, None).await, "`count` is not a whole number");
    }
    join_all((0..50).map(|_| async { good(state.increment("together", 1, None).await) })).await;
    assert_eq!(good(state.increment("together", 0, None).await), 50, "none is lost");
    assert_eq!(good(state.increment("window", 1, Some(MINUTE)).await), 1);
    subject.pass(40 * SECOND).await;
    assert_eq!(good(state.increment("window", 1, Some(MINUTE)).await), 2);
    subject.pass(40 * SECOND).await;
    assert_eq!(good(state.increment("window", 1, Some(MINUTE)).await), 1, "the window does not slide");
    assert_eq!(good(state.increment("together", 1, Some(MINUTE)).await), 51);
    subject.pass(2 * MINUTE).await;
    assert_eq!(good(state.get("together").await), Some(51), "a counter without expiry gets none later");
}

pub(super) async fn check_locks(state: &State, subject: &impl StateSubject) {
    assert!(!good(state.release("lock", "run-1").await), "nobody has it");
    assert!(good(state.acquire("lock", "run-1", MINUTE).await));
    assert!(!good(state.acquire("lock", "run-2", MINUTE).await), "another has it");
    assert!(!good(state.release("lock", "run-2").await), "only the owner gives it back");
    subject.pass(40 * SECOND).await;
    assert!(good(state.acquire("lock", "run-1", MINUTE).await), "a repeated step succeeds");
    subject.pass(40 * SECOND).await;
    assert!(!good(state.acquire("lock", "run-2", MINUTE).await), "and has it for a minute more");
    assert_eq!(good(state.get::<String>("lock").await).as_deref(), Some("run-1"), "a lock says who has it");
    assert!(good(state.release("lock", "run-1").await));
    assert!(!good(state.release("lock", "run-1").await), "it is given back once");
    assert!(good(state.acquire("lock", "run-2", MINUTE).await));
    subject.pass(61 * SECOND).await;
    assert!(good(state.acquire("lock", "run \"3\"", MINUTE).await), "a lock that is never given back ends");
    assert!(good(state.release("lock", "run \"3\"").await));
    let owners = join_all((0..20).map(|n| async move { good(state.acquire("lock", n.to_string(), MINUTE).await) }));
    assert_eq!(owners.await.into_iter().filter(|has_it| *has_it).count(), 1, "one owner at a time");
}

pub(super) async fn check_expiry(state: &State, subject: &impl StateSubject) {
    good(state.set("soon", &1, Some(MINUTE)).await);
    assert!(good(state.set_if_absent("claimed", &1, Some(MINUTE)).await));
    good(state.set("overwritten", &1, Some(MINUTE)).await);
    good(state.set("overwritten", &2, None).await);
    good(state.set("later", &1, None).await);
    good(state.set("at once", &1, Some(Duration::ZERO)).await);
    good(state.set("never", &1, Some(Duration::MAX)).await);
    assert!(good(state.expire("later", 2 * MINUTE).await));
    assert!(!good(state.expire("absent", MINUTE).await));
    subject.pass(59 * SECOND).await;
    assert!(!good(state.set_if_absent("claimed", &2, Some(MINUTE)).await), "a claim that fails does not extend it");
    assert_eq!(good(state.get("soon").await), Some(1));
    assert_eq!(good(state.get::<u32>("at once").await), None);
    subject.pass(2 * SECOND).await;
    assert_eq!(good(state.get::<u32>("soon").await), None);
    assert_eq!(good(state.take::<u32>("claimed").await), None);
    assert!(!good(state.remove("soon").await), "it is gone already");
    assert!(!good(state.expire("soon", MINUTE).await));
    assert!(good(state.set_if_absent("soon", &2, None).await), "it is free again");
    assert_eq!(good(state.get("overwritten").await), Some(2), "a new value has its own expiry");
    assert_eq!(good(state.get("later").await), Some(1));
    subject.pass(MINUTE).await;
    assert_eq!(good(state.get::<u32>("later").await), None);
    assert_eq!(good(state.get("soon").await), Some(2), "what was set anew does not expire with the old one");
    assert_eq!(good(state.get("never").await), Some(1), "a century is as good as for ever");
}
