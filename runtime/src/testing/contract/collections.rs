//! Lists, sets and hashes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;

use super::{MINUTE, StateSubject, good, refused};
use crate::service::State;

pub(super) async fn check_lists(state: &State) {
    assert_eq!(good(state.list::<u32>("list").await), [0; 0]);
    assert_eq!(good(state.list_take::<u32>("list").await), [0; 0]);
    for (item, length) in [(3, 1), (4, 2), (5, 3)] {
        assert_eq!(good(state.list_append("list", &item, None).await), length);
    }
    assert_eq!(good(state.list_prepend("list", &2, None).await), 4);
    assert_eq!(good(state.list_prepend("list", &1, Some(9)).await), 5);
    assert_eq!(good(state.list::<u32>("list").await), [1, 2, 3, 4, 5]);
    assert_eq!(good(state.list_append("list", &6, Some(4)).await), 4);
    assert_eq!(good(state.list::<u32>("list").await), [3, 4, 5, 6], "the last ones stay");
    assert_eq!(good(state.list_prepend("list", &7, Some(2)).await), 2);
    assert_eq!(good(state.list::<u32>("list").await), [7, 3], "the first ones stay");
    assert_eq!(good(state.list_append("list", &8, None).await), 3);
    assert_eq!(good(state.list::<u32>("list").await), [7, 3, 8]);
    refused(state.list_append("list", &9, Some(0)).await, "keep at least one");
    refused(state.list::<String>("list").await, "the state under `list` does not fit its type");
    let taken = join_all((0..5).map(|_| async { good(state.list_take::<u32>("list").await) })).await;
    assert_eq!(taken.concat(), [7, 3, 8], "one of them takes the list");
    assert_eq!(good(state.list::<u32>("list").await), [0; 0]);
    assert!(!good(state.remove("list").await), "an empty list is gone");
    join_all((0..50).map(|n| async move { good(state.list_append("list", &n, None).await) })).await;
    let mut items = good(state.list_take::<u32>("list").await);
    items.sort_unstable();
    assert_eq!(items, Vec::from_iter(0..50), "none is lost");
}

pub(super) async fn check_sets(state: &State) {
    assert_eq!(good(state.set_members("set").await), [""; 0]);
    assert!(!good(state.set_contains("set", "a").await));
    assert!(!good(state.set_remove("set", "a").await));
    for member in ["b", "a", "ä", "B", "1"] {
        assert!(good(state.set_add("set", member).await), "`{member}` is new");
    }
    assert!(!good(state.set_add("set", "a").await), "it is there");
    assert_eq!(good(state.set_members("set").await), ["1", "B", "a", "b", "ä"], "members are sorted");
    assert!(good(state.set_contains("set", "a").await));
    assert!(!good(state.set_contains("set", "A").await));
    assert!(good(state.set_remove("set", "a").await));
    assert!(!good(state.set_contains("set", "a").await));
    for member in ["1", "B", "b", "ä"] {
        assert!(good(state.set_remove("set", member).await));
    }
    assert!(!good(state.remove("set").await), "an empty set is gone");
    let added = join_all((0..20).map(|_| async { good(state.set_add("set", "same").await) })).await;
    assert_eq!(added.into_iter().filter(|is_new| *is_new).count(), 1, "it is new for one of them");
}

pub(super) async fn check_hashes(state: &State) {
    assert_eq!(good(state.hash_entries::<u32>("hash").await), BTreeMap::new());
    assert_eq!(good(state.hash_get::<u32>("hash", "a").await), None);
    assert!(!good(state.hash_remove("hash", "a").await));
    assert!(good(state.hash_set("hash", "b", &1).await));
    assert!(good(state.hash_set("hash", "a", &2).await));
    assert!(!good(state.hash_set("hash", "b", &3).await), "the field is there");
    let entries = BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 3)]);
    assert_eq!(good(state.hash_entries("hash").await), entries);
    assert_eq!(good(state.hash_get("hash", "b").await), Some(3));
    assert_eq!(good(state.hash_get::<u32>("hash", "c").await), None);
    refused(state.hash_get::<String>("hash", "b").await, "the state under `hash` does not fit its type");
    assert!(good(state.hash_remove("hash", "a").await));
    assert!(!good(state.hash_remove("hash", "a").await));
    assert!(good(state.hash_remove("hash", "b").await));
    assert!(!good(state.remove("hash").await), "an empty hash is gone");
}

pub(super) async fn check_expiry(state: &State, subject: &impl StateSubject) {
    good(state.list_append("old:list", &1, None).await);
    good(state.set_add("old:set", "a").await);
    good(state.hash_set("old:hash", "a", &1).await);
    for key in ["old:list", "old:set", "old:hash"] {
        assert!(good(state.expire(key, MINUTE).await));
    }
    subject.pass(Duration::from_secs(40)).await;
    assert_eq!(good(state.list_append("old:list", &2, Some(5)).await), 2);
    assert!(good(state.set_add("old:set", "b").await));
    assert!(!good(state.hash_set("old:hash", "a", &2).await));
    subject.pass(Duration::from_secs(40)).await;
    assert_eq!(good(state.list::<u32>("old:list").await), [0; 0], "a new item does not extend it");
    assert_eq!(good(state.list_take::<u32>("old:list").await), [0; 0]);
    assert_eq!(good(state.set_members("old:set").await), [""; 0]);
    assert!(!good(state.set_contains("old:set", "a").await));
    assert!(!good(state.set_remove("old:set", "a").await));
    assert_eq!(good(state.hash_entries::<u32>("old:hash").await), BTreeMap::new());
    assert_eq!(good(state.hash_get::<u32>("old:hash", "a").await), None);
    assert!(!good(state.hash_remove("old:hash", "a").await));
    assert_eq!(good(state.list_append("old:list", &3, None).await), 1, "what expired does not come back");
    assert!(good(state.set_add("old:set", "a").await));
    assert!(good(state.hash_set("old:hash", "b", &3).await));
    subject.pass(MINUTE).await;
    assert_eq!(good(state.list::<u32>("old:list").await), [3], "nor its expiry");
    assert_eq!(good(state.set_members("old:set").await), ["a"]);
    assert_eq!(good(state.hash_entries("old:hash").await), BTreeMap::from([("b".to_owned(), 3)]));
    good(state.list_append("emptied", &1, None).await);
    assert!(good(state.expire("emptied", MINUTE).await));
    assert_eq!(good(state.list_take::<u32>("emptied").await), [1]);
    good(state.list_append("emptied", &2, None).await);
    subject.pass(2 * MINUTE).await;
    assert_eq!(good(state.list::<u32>("emptied").await), [2], "a list that was emptied takes its expiry along");
}
