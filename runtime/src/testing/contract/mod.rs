//! What every state store must do, whatever stands behind it.
//!
//! [`check_state_store`] goes through [`State`] only, as functions do. Time passes when the subject says so, so that
//! nothing here waits.

mod collections;
mod values;

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::service::{STATE_ITEMS_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, State, StateStore};

/// A state store under test: one that is empty, and a way to let time pass for it.
pub trait StateSubject: Sync {
    /// The store.
    fn store(&self) -> Arc<dyn StateStore>;

    /// Lets this much time pass for what expires.
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// Checks that a store does all that [`State`] promises.
///
/// # Panics
/// When it does not.
pub async fn check_state_store(subject: &impl StateSubject) {
    let state = State::new(subject.store());
    values::check(&state).await;
    values::check_counters(&state, subject).await;
    values::check_locks(&state, subject).await;
    values::check_expiry(&state, subject).await;
    collections::check_lists(&state).await;
    collections::check_sets(&state).await;
    collections::check_hashes(&state).await;
    collections::check_expiry(&state, subject).await;
    check_kinds(&state).await;
    check_sizes(&state).await;
    check_items(&state).await;
}

const MINUTE: Duration = Duration::from_secs(60);

/// The value of a call that must succeed.
#[track_caller]
fn good<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{}: {}", error.name(), error.message()))
}

/// A call that must fail for good, with `part` in its message.
#[track_caller]
fn refused<T: Debug>(result: Result<T>, part: &str) {
    let error = result.map(|value| panic!("`{value:?}` in place of an error that says `{part}`")).unwrap_or_else(|e| e);
    assert!(error.message().contains(part), "`{part}` is not in `{}`", error.message());
    assert!(!error.is_retryable(), "no other attempt cures `{}`", error.message());
}

/// A key holds one kind, and no other use of it does anything.
async fn check_kinds(state: &State) {
    good(state.set("kinds:value", &1, None).await);
    good(state.list_append("kinds:list", &1, None).await);
    good(state.set_add("kinds:set", "1").await);
    good(state.hash_set("kinds:hash", "1", &1).await);
    for key in ["kinds:list", "kinds:set", "kinds:hash"] {
        refused(state.get::<u32>(key).await, "WRONGTYPE");
        refused(state.set(key, &1, None).await, "WRONGTYPE");
        refused(state.set_if_absent(key, &1, Some(MINUTE)).await, "WRONGTYPE");
        refused(state.take::<u32>(key).await, "WRONGTYPE");
        refused(state.increment(key, 1, Some(MINUTE)).await, "WRONGTYPE");
        refused(state.acquire(key, "a", MINUTE).await, "WRONGTYPE");
        refused(state.release(key, "a").await, "WRONGTYPE");
    }
    for key in ["kinds:value", "kinds:set", "kinds:hash"] {
        refused(state.list_append(key, &1, None).await, "WRONGTYPE");
        refused(state.list_prepend(key, &1, Some(1)).await, "WRONGTYPE");
        refused(state.list::<u32>(key).await, "WRONGTYPE");
        refused(state.list_take::<u32>(key).await, "WRONGTYPE");
    }
    for key in ["kinds:value", "kinds:list", "kinds:hash"] {
        refused(state.set_add(key, "1").await, "WRONGTYPE");
        refused(state.set_remove(key, "1").await, "WRONGTYPE");
        refused(state.set_contains(key, "1").await, "WRONGTYPE");
        refused(state.set_members(key).await, "WRONGTYPE");
    }
    for key in ["kinds:value", "kinds:list", "kinds:set"] {
        refused(state.hash_set(key, "1", &1).await, "WRONGTYPE");
        refused(state.hash_get::<u32>(key, "1").await, "WRONGTYPE");
        refused(state.hash_entries::<u32>(key).await, "WRONGTYPE");
        refused(state.hash_remove(key, "1").await, "WRONGTYPE");
    }
    assert_eq!(good(state.take("kinds:value").await), Some(1));
    assert_eq!(good(state.list::<u32>("kinds:list").await), [1]);
    assert_eq!(good(state.set_members("kinds:set").await), ["1"]);
    assert_eq!(good(state.hash_entries("kinds:hash").await), [("1".to_owned(), 1)].into());
    for key in ["kinds:list", "kinds:set", "kinds:hash"] {
        assert!(good(state.expire(key, MINUTE).await), "any kind expires");
        assert!(good(state.remove(key).await), "any kind is removed");
        good(state.set(key, &2, None).await);
        assert_eq!(good(state.get(key).await), Some(2), "a key that was removed is free for any kind");
    }
}

/// The bounds of keys and values; what is within them is kept as it is.
async fn check_sizes(state: &State) {
    for key in ["", "with space", "mit Umläuten ⏱", "line\nbreak \0 nothing {}"] {
        good(state.set(key, &key, None).await);
        assert_eq!(good(state.get::<String>(key).await).as_deref(), Some(key));
        assert!(good(state.set_add("sizes:names", key).await));
    }
    assert_eq!(good(state.set_members("sizes:names").await)[0], "", "members are texts of any form");
    let longest = "k".repeat(STATE_KEY_BYTES_MAX);
    let too_long = "k".repeat(STATE_KEY_BYTES_MAX + 1);
    good(state.hash_set(&longest, &longest, &1).await);
    assert_eq!(good(state.hash_get(&longest, &longest).await), Some(1));
    refused(state.set(&too_long, &1, None).await, "has 1025 bytes, the limit is 1024");
    refused(state.hash_set("sizes:hash", &too_long, &1).await, "the limit is 1024");
    refused(state.set_contains("sizes:set", &too_long).await, "the limit is 1024");
    refused(state.acquire("sizes:lock", &too_long, MINUTE).await, "the limit is 1024");
    refused(state.publish(&too_long, "").await, "the limit is 1024");
    // Two bytes are the quotes.
    let largest = "v".repeat(STATE_VALUE_BYTES_MAX - 2);
    good(state.set("sizes:value", &largest, None).await);
    assert_eq!(good(state.take::<String>("sizes:value").await), Some(largest.clone()));
    let too_large = largest + "v";
    refused(state.set("sizes:value", &too_large, None).await, "the limit is 4194304");
    refused(state.list_append("sizes:list", &too_large, None).await, "the limit is 4194304");
    refused(state.hash_set("sizes:hash", "field", &too_large).await, "the limit is 4194304");
    assert_eq!(good(state.list::<String>("sizes:list").await), [""; 0]);
}

/// A list, set or hash does not grow without end.
async fn check_items(state: &State) {
    const TOGETHER: u32 = 500;
    for start in (0..STATE_ITEMS_MAX).step_by(TOGETHER as usize) {
        let items = (start..start + TOGETHER).map(async |item| {
            good(state.list_append("items:list", &item, None).await);
            good(state.set_add("items:set", item.to_string()).await);
            good(state.hash_set("items:hash", item.to_string(), &item).await);
        });
        futures::future::join_all(items).await;
    }
    refused(state.list_append("items:list", &0, None).await, "`items:list` has 10000 items");
    refused(state.list_prepend("items:list", &0, Some(STATE_ITEMS_MAX + 1)).await, "`STATE_ITEMS_MAX`");
    refused(state.set_add("items:set", "new").await, "the set under `items:set` has 10000 items");
    refused(state.hash_set("items:hash", "new", &0).await, "the hash under `items:hash` has 10000 items");
    assert!(!good(state.set_add("items:set", "1").await), "a member that is there needs no room");
    assert!(!good(state.hash_set("items:hash", "1", &2).await), "a field that is there needs no room");
    assert_eq!(good(state.list_append("items:list", &0, Some(STATE_ITEMS_MAX)).await), u64::from(STATE_ITEMS_MAX));
    assert_eq!(good(state.list_take::<u32>("items:list").await).len(), STATE_ITEMS_MAX as usize);
    assert_eq!(good(state.set_members("items:set").await).len(), STATE_ITEMS_MAX as usize);
    assert!(good(state.set_remove("items:set", "1").await));
    assert!(good(state.set_add("items:set", "new").await), "what was removed leaves room");
    assert!(good(state.hash_remove("items:hash", "1").await));
    assert!(good(state.hash_set("items:hash", "new", &0).await), "what was removed leaves room");
}
