//! The state of functions: values, lists, sets and hashes by key.
//!
//! A key is one row of `state`; the items of a list, set or hash are rows of `state_items`. What has expired is as good as
//! gone; retention removes it, and so does whoever uses its key again.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use system_bus_runtime::service::{ListEnd, STATE_ITEMS_MAX, StateCommand, StateKind, StateProblem, StateReply};

use super::{Millis, Store, StoreError};
use crate::core::later;

impl Store {
    /// Does a command within the open transaction.
    pub(crate) fn apply_state(&self, key: &str, command: &StateCommand, now: Millis) -> Result<StateReply, StoreError> {
        apply_state(&self.connection, key, command, now)
    }

    /// Removes up to `limit` items and keys that have expired; whether there may be more.
    pub(super) fn remove_expired_state(&self, now: Millis, limit: i64) -> Result<bool, StoreError> {
        // A key goes after its last item, so that one with many items takes several transactions.
        let items = self
            .connection
            .prepare_cached(
                "DELETE FROM state_items WHERE (key, item) IN (
                     SELECT state_items.key, item FROM state CROSS JOIN state_items ON state_items.key = state.key
                     WHERE expires_at <= ?1 LIMIT ?2)",
            )?
            .execute(params![now, limit])?;
        let keys = self
            .connection
            .prepare_cached(
                "DELETE FROM state WHERE key IN (
                     SELECT key FROM state WHERE expires_at <= ?1
                     AND NOT EXISTS (SELECT 1 FROM state_items WHERE state_items.key = state.key) LIMIT ?2)",
            )?
            .execute(params![now, limit])?;
        let full = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(items >= full || keys >= full)
    }
}

/// Does a command; one that reads needs no transaction that writes.
pub(crate) fn apply_state(
    connection: &Connection,
    key: &str,
    command: &StateCommand,
    now: Millis,
) -> Result<StateReply, StoreError> {
    let slot = Slot { connection, key, now };
    let found = slot.find()?;
    let is_wrong = |found: &Found| command.kind().is_some_and(|kind| kind != found.kind);
    if found.as_ref().is_some_and(is_wrong) {
        return Ok(StateReply::Refused(StateProblem::WrongKind));
    }
    let items = found.as_ref().map_or(0, |found| found.items);
    let is_there = found.is_some();
    Ok(match command {
        StateCommand::Get => StateReply::Text(slot.value()?),
        StateCommand::Set { value, expires_after, only_if_absent } => {
            let is_free = !is_there || !only_if_absent;
            if is_free {
                slot.create(StateKind::Value, value, *expires_after)?;
            }
            StateReply::Flag(is_free)
        }
        StateCommand::Take => {
            let value = slot.value()?;
            slot.remove()?;
            StateReply::Text(value)
        }
        StateCommand::Increment { by, expires_after } => {
            let count = match slot.value()? {
                Some(text) => match text.parse::<i64>() {
                    Ok(count) => count,
                    Err(_) => return Ok(StateReply::Refused(StateProblem::NotANumber)),
                },
                None => 0,
            };
            let Some(count) = count.checked_add(*by) else {
                return Ok(StateReply::Refused(StateProblem::Overflow));
            };
            if is_there {
                slot.change("UPDATE state SET value = ?2 WHERE key = ?1", &count.to_string())?;
            } else {
                slot.create(StateKind::Value, &count.to_string(), *expires_after)?;
            }
            StateReply::Number(count)
        }
        StateCommand::Acquire { owner, lasts } => {
            let is_free = slot.value()?.is_none_or(|held| held == *owner);
            if is_free {
                slot.create(StateKind::Value, owner, Some(*lasts))?;
            }
            StateReply::Flag(is_free)
        }
        StateCommand::Release { owner } => {
            let is_held = slot.value()?.is_some_and(|held| held == *owner);
            if is_held {
                slot.remove()?;
            }
            StateReply::Flag(is_held)
        }
        StateCommand::Push { item, end, keep } => {
            let kept = keep.map_or(items + 1, |keep| (items + 1).min(i64::from(keep)));
            if kept > i64::from(STATE_ITEMS_MAX) {
                return Ok(StateReply::Refused(StateProblem::Full));
            }
            slot.ensure(is_there, StateKind::List)?;
            slot.push(item, *end, kept)?;
            slot.count(kept)?;
            StateReply::Number(kept)
        }
        StateCommand::List => StateReply::Texts(slot.items(is_there, |row| row.get(1))?),
        StateCommand::TakeList => {
            let items = slot.items(is_there, |row| row.get(1))?;
            slot.remove()?;
            StateReply::Texts(items)
        }
        StateCommand::AddMember(member) => slot.put(StateKind::Set, found.as_ref(), member, None)?,
        StateCommand::SetField { field, value } => slot.put(StateKind::Hash, found.as_ref(), field, Some(value))?,
        StateCommand::RemoveMember(item) | StateCommand::RemoveField(item) => {
            let removed = is_there && slot.change("DELETE FROM state_items WHERE key = ?1 AND item = ?2", item)? > 0;
            match (removed, items) {
                (true, 1) => slot.remove()?,
                (true, _) => slot.count(items - 1)?,
                (false, _) => {}
            }
            StateReply::Flag(removed)
        }
        StateCommand::HasMember(member) => StateReply::Flag(is_there && slot.item(member)?.is_some()),
        StateCommand::Field(field) if is_there => StateReply::Text(slot.item(field)?.flatten()),
        StateCommand::Field(_) => StateReply::Text(None),
        StateCommand::Members => StateReply::Texts(slot.items(is_there, |row| row.get(0))?),
        StateCommand::Fields => {
            let fields = slot.items(is_there, |row| Ok((row.get(0)?, row.get(1)?)))?;
            StateReply::Fields(fields.into_iter().collect())
        }
        StateCommand::Expire(after) => {
            if is_there {
                slot.change("UPDATE state SET expires_at = ?2 WHERE key = ?1", &later(now, *after))?;
            }
            StateReply::Flag(is_there)
        }
        StateCommand::Remove => {
            slot.remove()?;
            StateReply::Flag(is_there)
        }
    })
}

/// What a key holds that has not expired.
struct Found {
    kind: StateKind,
    items: i64,
}

/// The place of one key.
struct Slot<'a> {
    connection: &'a Connection,
    key: &'a str,
    now: Millis,
}

impl Slot<'_> {
    fn find(&self) -> Result<Option<Found>, StoreError> {
        self.connection
            .prepare_cached("SELECT kind, items FROM state WHERE key = ?1 AND (expires_at IS NULL OR expires_at > ?2)")?
            .query_row(params![self.key, self.now], |row| Ok(Found { kind: kind_of(row.get(0)?), items: row.get(1)? }))
            .optional()
    }

    fn value(&self) -> Result<Option<String>, StoreError> {
        self.connection
            .prepare_cached("SELECT value FROM state WHERE key = ?1 AND (expires_at IS NULL OR expires_at > ?2)")?
            .query_row(params![self.key, self.now], |row| row.get(0))
            .optional()
    }

    /// Makes the key anew, in place of what it held.
    fn create(&self, kind: StateKind, value: &str, expires_after: Option<Duration>) -> Result<(), StoreError> {
        let expires_at = expires_after.map(|after| later(self.now, after));
        self.remove_items()?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO state (key, value, expires_at, kind) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.key, value, expires_at, number_of(kind)])
            .map(drop)
    }

    /// Makes an empty list, set or hash unless there is one.
    fn ensure(&self, is_there: bool, kind: StateKind) -> Result<(), StoreError> {
        if is_there { Ok(()) } else { self.create(kind, "", None) }
    }

    fn remove(&self) -> Result<(), StoreError> {
        self.remove_items()?;
        self.connection.prepare_cached("DELETE FROM state WHERE key = ?1")?.execute([self.key]).map(drop)
    }

    fn remove_items(&self) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM state_items WHERE key = ?1")?.execute([self.key]).map(drop)
    }

    fn change(&self, statement: &str, value: &dyn ToSql) -> Result<usize, StoreError> {
        self.connection.prepare_cached(statement)?.execute(params![self.key, value])
    }

    fn count(&self, items: i64) -> Result<(), StoreError> {
        self.change("UPDATE state SET items = ?2 WHERE key = ?1", &items).map(drop)
    }

    /// Adds an item at an end of the list and removes from the other one what is more than `kept`.
    fn push(&self, item: &str, end: ListEnd, kept: i64) -> Result<(), StoreError> {
        let (next, trim) = match end {
            ListEnd::First => (
                "SELECT coalesce(min(item) - 1, 0) FROM state_items WHERE key = ?1",
                "DELETE FROM state_items WHERE key = ?1 AND item >= ?2 + ?3",
            ),
            ListEnd::Last => (
                "SELECT coalesce(max(item) + 1, 0) FROM state_items WHERE key = ?1",
                "DELETE FROM state_items WHERE key = ?1 AND item <= ?2 - ?3",
            ),
        };
        let position: i64 = self.connection.prepare_cached(next)?.query_row([self.key], |row| row.get(0))?;
        self.insert(&position, Some(item))?;
        self.connection.prepare_cached(trim)?.execute(params![self.key, position, kept]).map(drop)
    }

    /// Adds a member or sets a field; whether it is new.
    fn put(
        &self,
        kind: StateKind,
        found: Option<&Found>,
        item: &str,
        value: Option<&String>,
    ) -> Result<StateReply, StoreError> {
        let items = found.map_or(0, |found| found.items);
        let is_new = found.is_none() || self.item(item)?.is_none();
        if is_new && items >= i64::from(STATE_ITEMS_MAX) {
            return Ok(StateReply::Refused(StateProblem::Full));
        }
        self.ensure(found.is_some(), kind)?;
        self.insert(&item, value.map(String::as_str))?;
        if is_new {
            self.count(items + 1)?;
        }
        Ok(StateReply::Flag(is_new))
    }

    fn insert(&self, item: &dyn ToSql, value: Option<&str>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO state_items (key, item, value) VALUES (?1, ?2, ?3)")?
            .execute(params![self.key, item, value])
            .map(drop)
    }

    /// The value of an item that is there; members have none.
    fn item(&self, item: &str) -> Result<Option<Option<String>>, StoreError> {
        self.connection
            .prepare_cached("SELECT value FROM state_items WHERE key = ?1 AND item = ?2")?
            .query_row([self.key, item], |row| row.get(0))
            .optional()
    }

    /// All items in order, each from its name and its value.
    fn items<T>(&self, is_there: bool, read: impl Fn(&Row<'_>) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
        if !is_there {
            return Ok(Vec::new());
        }
        self.connection
            .prepare_cached("SELECT item, value FROM state_items WHERE key = ?1 ORDER BY item")?
            .query_map([self.key], read)?
            .collect()
    }
}

const KINDS: [StateKind; 4] = [StateKind::Value, StateKind::List, StateKind::Set, StateKind::Hash];

/// A kind as it is stored.
fn number_of(kind: StateKind) -> i64 {
    match kind {
        StateKind::Value => 0,
        StateKind::List => 1,
        StateKind::Set => 2,
        StateKind::Hash => 3,
    }
}

fn kind_of(number: i64) -> StateKind {
    KINDS.into_iter().find(|kind| number_of(*kind) == number).unwrap_or(StateKind::Value)
}

#[cfg(test)]
impl Store {
    /// Brings all expiries forward.
    pub(crate) fn expire_state_earlier(&self, millis: Millis) -> Result<(), StoreError> {
        self.connection.execute("UPDATE state SET expires_at = expires_at - ?1", [millis]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Place;

    const NOW: Millis = 1_000;

    fn store() -> Store {
        Store::open(&Place::Memory).unwrap().0
    }

    fn append(store: &Store, key: &str, now: Millis) -> StateReply {
        let command = StateCommand::Push { item: "1".to_owned(), end: ListEnd::Last, keep: None };
        store.apply_state(key, &command, now).unwrap()
    }

    fn rows(store: &Store) -> (i64, i64) {
        let query = "SELECT (SELECT count(*) FROM state), (SELECT count(*) FROM state_items)";
        store.connection.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    #[test]
    fn retention_removes_what_expired_in_parts() {
        let store = store();
        for _ in 0..25 {
            append(&store, "old", NOW);
            append(&store, "kept", NOW);
        }
        store.apply_state("old", &StateCommand::Expire(Duration::from_millis(1)), NOW).unwrap();
        assert!(!store.remove_expired_state(NOW, 10).unwrap(), "nothing has expired yet");
        let mut parts = 0;
        while store.remove_expired_state(NOW + 1, 10).unwrap() {
            parts += 1;
            assert!(parts <= 3, "it comes to an end");
        }
        assert_eq!((parts, rows(&store)), (2, (1, 25)));
    }

    #[test]
    fn a_key_that_is_used_again_leaves_nothing_of_what_expired() {
        let store = store();
        append(&store, "key", NOW);
        append(&store, "key", NOW);
        store.apply_state("key", &StateCommand::Expire(Duration::from_millis(1)), NOW).unwrap();
        assert!(append(&store, "key", NOW + 1) == StateReply::Number(1));
        assert_eq!(rows(&store), (1, 1));
    }

    #[test]
    fn nothing_is_left_of_an_emptied_set() {
        let store = store();
        for command in [StateCommand::AddMember("a".to_owned()), StateCommand::RemoveMember("a".to_owned())] {
            assert!(store.apply_state("key", &command, NOW).unwrap() == StateReply::Flag(true));
        }
        assert_eq!(rows(&store), (0, 0));
    }
}
