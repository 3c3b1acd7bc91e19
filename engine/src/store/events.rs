//! Events and their fates.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};
use serde_json::value::RawValue;
use system_bus_runtime::event::{NewEvent, ReceivedEvent};
use ulid::Ulid;

use super::{EventKey, Millis, Store, StoreError, ulid_bytes, ulid_from};

/// A stored event.
#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) key: EventKey,
    pub(crate) id: Ulid,
    /// The sender's id.
    pub(crate) sender_id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Box<RawValue>,
    pub(crate) ts: Millis,
    pub(crate) v: Option<String>,
    pub(crate) received_at: Millis,
    pub(crate) repeats: i64,
    pub(crate) repeated_at: Option<Millis>,
}

impl EventRow {
    pub(crate) const COLUMNS: &'static str = "seq, id, key, name, data, ts, v, received_at, repeats, repeated_at";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            id: ulid_from(row.get(1)?),
            sender_id: row.get(2)?,
            name: row.get(3)?,
            data: raw(row.get(4)?),
            ts: row.get(5)?,
            v: row.get(6)?,
            received_at: row.get(7)?,
            repeats: row.get(8)?,
            repeated_at: row.get(9)?,
        })
    }

    /// The event as functions get it: under the sender's id when there is one.
    pub(crate) fn received(&self) -> ReceivedEvent {
        ReceivedEvent {
            id: self.sender_id.clone().unwrap_or_else(|| self.id.to_string()),
            name: self.name.clone(),
            data: self.data.clone(),
            ts: self.ts,
            v: self.v.clone(),
        }
    }
}

/// Stored JSON was checked when it came in; should the file have been edited by hand, null is what is left of it.
pub(crate) fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// What became of an event for a function that it did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The trigger's condition does not hold.
    Filtered,
    /// The trigger's condition cannot be evaluated.
    Unevaluable,
}

impl Fate {
    fn text(self) -> &'static str {
        match self {
            Self::Filtered => "filtered out",
            Self::Unevaluable => "condition failed",
        }
    }
}

impl Store {
    /// Adds an event; its data becomes durable with the transaction.
    pub(crate) fn add_event(&self, id: Ulid, event: &NewEvent, now: Millis) -> Result<EventKey, StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO events (id, key, name, data, ts, v, received_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .insert(params![
                ulid_bytes(id),
                event.id,
                event.name,
                event.data.get(),
                event.ts.unwrap_or(now),
                event.v,
                now
            ])
    }

    /// The newest event with the sender's id and name, if it came in within `window`; counts the repeat.
    pub(crate) fn repeat_of(
        &self,
        sender_id: &str,
        name: &str,
        window: Duration,
        now: Millis,
    ) -> Result<Option<Ulid>, StoreError> {
        let since = now.saturating_sub(i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        let found: Option<(EventKey, [u8; 16])> = self
            .connection
            .prepare_cached(
                "SELECT seq, id FROM events WHERE key = ?1 AND name = ?2 AND received_at > ?3 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row(params![sender_id, name, since], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((seq, id)) = found else { return Ok(None) };
        self.connection
            .prepare_cached("UPDATE events SET repeats = repeats + 1, repeated_at = ?2 WHERE seq = ?1")?
            .execute(params![seq, now])?;
        Ok(Some(ulid_from(id)))
    }

    /// The event of this row number.
    pub(crate) fn event(&self, key: EventKey) -> Result<EventRow, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT seq, id, key, name, data, ts, v, received_at, repeats, repeated_at FROM events WHERE seq = ?1",
            )?
            .query_row([key], EventRow::read)
    }

    /// Notes what became of an event for a function.
    pub(crate) fn add_fate(
        &self,
        event: EventKey,
        function: &str,
        fate: Fate,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO fates (event, function, fate, detail) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![event, function, fate.text(), detail])
            .map(drop)
    }
}
