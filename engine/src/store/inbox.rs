//! Deliveries of webhooks.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};
use system_bus_runtime::webhook::{
    DeliveryState, DeliverySummary, InboxCounts, InboxFilter, KeptDelivery, NewDelivery, Settlement,
};

use super::{Millis, Store, StoreError};

/// The row number of a delivery, which is its number for people.
pub(crate) type DeliveryKey = i64;

const WAITING: i64 = 0;
const HANDLED: i64 = 1;
const IGNORED: i64 = 2;
const FAILED: i64 = 3;

/// What is there under a key.
pub(crate) struct KnownDelivery {
    pub(crate) key: DeliveryKey,
    pub(crate) state: DeliveryState,
    pub(crate) events: Vec<String>,
}

/// What a delivery came to.
pub(crate) struct Settled<'a> {
    pub(crate) state: DeliveryState,
    pub(crate) events: &'a [String],
    pub(crate) problem: Option<&'a str>,
}

impl Settled<'_> {
    fn settled_at(&self, now: Millis) -> Option<Millis> {
        (self.state != DeliveryState::Waiting).then_some(now)
    }

    fn events_json(&self) -> String {
        if self.events.is_empty() { "[]".to_owned() } else { serde_json::to_string(self.events).unwrap_or_default() }
    }
}

impl Store {
    /// The delivery with the vendor's id.
    pub(crate) fn known_delivery(&self, provider: &str, key: &str) -> Result<Option<KnownDelivery>, StoreError> {
        self.connection
            .prepare_cached("SELECT seq, state, events FROM inbox WHERE provider = ?1 AND key = ?2")?
            .query_row(params![provider, key], |row| {
                Ok(KnownDelivery { key: row.get(0)?, state: state_of(row.get(1)?), events: events_of(row.get(2)?) })
            })
            .optional()
    }

    /// Counts a repeat.
    pub(crate) fn repeat_delivery(&self, key: DeliveryKey, now: Millis) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE inbox SET repeats = repeats + 1, repeated_at = ?2 WHERE seq = ?1")?
            .execute(params![key, now])
            .map(drop)
    }

    /// Adds a delivery.
    pub(crate) fn add_delivery(
        &self,
        delivery: &NewDelivery,
        settled: &Settled<'_>,
        now: Millis,
    ) -> Result<DeliveryKey, StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO inbox (provider, key, state, received_at, settled_at, problem, events, headers, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .insert(params![
                delivery.provider,
                delivery.key,
                number_of(settled.state),
                now,
                settled.settled_at(now),
                settled.problem,
                settled.events_json(),
                // Keys and values are texts, so that it can always be written.
                serde_json::to_string(&delivery.headers).unwrap_or_default(),
                &delivery.body[..],
            ])
    }

    /// Replaces what a delivery is and what it came to.
    pub(crate) fn replace_delivery(
        &self,
        key: DeliveryKey,
        delivery: &NewDelivery,
        settled: &Settled<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.connection.prepare_cached("UPDATE inbox SET headers = ?2, body = ?3 WHERE seq = ?1")?.execute(params![
            key,
            serde_json::to_string(&delivery.headers).unwrap_or_default(),
            &delivery.body[..]
        ])?;
        self.settle_delivery(key, settled, now)
    }

    /// Notes what a delivery came to.
    pub(crate) fn settle_delivery(
        &self,
        key: DeliveryKey,
        settled: &Settled<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE inbox SET state = ?2, settled_at = ?3, problem = ?4, events = ?5 WHERE seq = ?1")?
            .execute(params![
                key,
                number_of(settled.state),
                settled.settled_at(now),
                settled.problem,
                settled.events_json()
            ])
            .map(drop)
    }

    /// Notes what became of a delivery that waited; one that does not wait any more has been replayed meanwhile.
    pub(crate) fn settle_waiting(
        &self,
        key: DeliveryKey,
        settlement: &Settlement,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (state, events, problem) = match settlement {
            Settlement::Handled(events) => (DeliveryState::Handled, events.as_slice(), None),
            Settlement::Ignored => (DeliveryState::Ignored, &[][..], None),
            Settlement::Failed(problem) => (DeliveryState::Failed, &[][..], Some(problem.as_str())),
            Settlement::Delayed(problem) => (DeliveryState::Waiting, &[][..], Some(problem.as_str())),
        };
        let waits = self
            .connection
            .prepare_cached("SELECT 1 FROM inbox WHERE seq = ?1 AND state = ?2")?
            .exists(params![key, WAITING])?;
        if waits { self.settle_delivery(key, &Settled { state, events, problem }, now) } else { Ok(()) }
    }

    /// Removes up to `limit` deliveries that were done before `cutoff`, and failed ones from before `failed_cutoff`; what
    /// waits is never removed. Whether there may be more.
    pub(super) fn remove_old_deliveries(
        &self,
        cutoff: Millis,
        failed_cutoff: Millis,
        limit: i64,
    ) -> Result<bool, StoreError> {
        let removed = self
            .connection
            .prepare_cached(
                "DELETE FROM inbox WHERE seq IN (
                     SELECT seq FROM inbox WHERE settled_at < ?1 AND (state != ?3 OR settled_at < ?2) LIMIT ?4)",
            )?
            .execute(params![cutoff, failed_cutoff, FAILED, limit])?;
        Ok(removed >= usize::try_from(limit).unwrap_or(usize::MAX))
    }
}

const SUMMARY: &str = "seq, provider, key, state, problem, events, received_at, settled_at, repeats, length(body)";

/// Deliveries, newest first.
pub(crate) fn list(connection: &Connection, filter: &InboxFilter) -> rusqlite::Result<Vec<DeliverySummary>> {
    let state = filter.state.map(number_of);
    connection
        .prepare_cached(&format!(
            "SELECT {SUMMARY} FROM inbox WHERE seq < ?1 AND (?2 IS NULL OR provider = ?2) AND (?3 IS NULL OR state = ?3)
             ORDER BY seq DESC LIMIT ?4"
        ))?
        .query_map(params![filter.before.unwrap_or(i64::MAX), filter.provider, state, filter.count], summary)?
        .collect()
}

/// One delivery.
pub(crate) fn delivery(connection: &Connection, key: DeliveryKey) -> rusqlite::Result<Option<KeptDelivery>> {
    connection
        .prepare_cached(&format!("SELECT {SUMMARY}, headers, body FROM inbox WHERE seq = ?1"))?
        .query_row([key], kept)
        .optional()
}

/// The oldest deliveries that wait: so many, and so many bytes, but at least one.
pub(crate) fn waiting(connection: &Connection, count: u32, bytes: usize) -> rusqlite::Result<Vec<KeptDelivery>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {SUMMARY}, headers, body FROM inbox WHERE state = {WAITING} ORDER BY seq LIMIT ?1"
    ))?;
    let mut rows = statement.query([count])?;
    let mut found: Vec<KeptDelivery> = Vec::new();
    let mut room = bytes;
    while let Some(row) = rows.next()? {
        let length = usize::try_from(row.get::<_, i64>(9)?).unwrap_or(usize::MAX);
        if length > room && !found.is_empty() {
            break;
        }
        room = room.saturating_sub(length);
        found.push(kept(row)?);
    }
    Ok(found)
}

/// How many are not done.
pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<InboxCounts> {
    // The literal lets the partial index answer.
    let count = |state: i64| {
        connection
            .prepare_cached(&format!("SELECT count(*) FROM inbox WHERE state = {state}"))?
            .query_row([], |row| row.get(0))
    };
    Ok(InboxCounts { waiting: count(WAITING)?, failed: count(FAILED)? })
}

fn summary(row: &Row<'_>) -> rusqlite::Result<DeliverySummary> {
    Ok(DeliverySummary {
        id: row.get(0)?,
        provider: row.get(1)?,
        key: row.get(2)?,
        state: state_of(row.get(3)?),
        problem: row.get(4)?,
        events: events_of(row.get(5)?),
        received_at: row.get(6)?,
        settled_at: row.get(7)?,
        repeats: row.get(8)?,
        bytes: row.get(9)?,
    })
}

fn kept(row: &Row<'_>) -> rusqlite::Result<KeptDelivery> {
    let headers: String = row.get(10)?;
    let body: Vec<u8> = row.get(11)?;
    Ok(KeptDelivery {
        summary: summary(row)?,
        headers: serde_json::from_str(&headers).unwrap_or_default(),
        body: Bytes::from(body),
    })
}

fn events_of(json: String) -> Vec<String> {
    serde_json::from_str(&json).unwrap_or_default()
}

fn number_of(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Waiting => WAITING,
        DeliveryState::Handled => HANDLED,
        DeliveryState::Ignored => IGNORED,
        DeliveryState::Failed => FAILED,
    }
}

/// Only these numbers are written; anything else is shown as what needs a look.
fn state_of(number: i64) -> DeliveryState {
    match number {
        WAITING => DeliveryState::Waiting,
        HANDLED => DeliveryState::Handled,
        IGNORED => DeliveryState::Ignored,
        _ => DeliveryState::Failed,
    }
}
