//! Messages to the operator, as long as they are kept.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use system_bus_runtime::service::{Delivery, Notification, Urgency};

use super::{Store, StoreError};

/// A message to the operator, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptNotification {
    /// Its place in the order in which messages came, from 1 and without gaps; where a follower goes on.
    pub cursor: i64,
    /// The message.
    #[serde(flatten)]
    pub notification: Notification,
    /// What became of it.
    pub delivery: Delivery,
}

impl KeptNotification {
    /// What [`KeptNotification::read`] reads, in its order.
    pub(crate) const COLUMNS: &str = "seq, id, type, source, payload, ts, origin_session, urgent, queued";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let payload: String = row.get(4)?;
        Ok(Self {
            cursor: row.get(0)?,
            notification: Notification {
                id: row.get(1)?,
                kind: row.get(2)?,
                source: row.get(3)?,
                payload: serde_json::from_str(&payload).unwrap_or_default(),
                ts: row.get(5)?,
                origin_session: row.get(6)?,
                urgency: if row.get(7)? { Urgency::Urgent } else { Urgency::Normal },
            },
            delivery: delivery(row.get(8)?),
        })
    }
}

fn delivery(queued: bool) -> Delivery {
    if queued { Delivery::Queued } else { Delivery::Delivered }
}

impl Store {
    /// What became of a message that is kept.
    pub(crate) fn delivery_of(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        self.connection
            .prepare_cached("SELECT queued FROM notifications WHERE id = ?1")?
            .query_row([id], |row| row.get(0).map(delivery))
            .optional()
    }

    /// Keeps a message whose id is not there.
    pub(crate) fn add_notification(&self, notification: &Notification, delivery: Delivery) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO notifications (id, type, source, payload, ts, origin_session, urgent, queued)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                notification.id,
                notification.kind,
                notification.source,
                notification.payload.to_string(),
                notification.ts,
                notification.origin_session,
                notification.urgency == Urgency::Urgent,
                delivery == Delivery::Queued
            ])
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::{Place, Store};

    /// The first release knew of no urgency and had no queue.
    #[test]
    fn messages_of_the_first_version_count_as_delivered() {
        let directory = tempfile::tempdir().unwrap();
        let old = Connection::open(directory.path().join("engine.db")).unwrap();
        old.execute_batch(include_str!("schema.sql")).unwrap();
        old.execute_batch(
            "PRAGMA application_id = 0x73627573; PRAGMA user_version = 1;
             INSERT INTO notifications (id, type, source, payload, ts) VALUES ('1', 'ci.failed', 'test', '{\"n\":1}', 5)",
        )
        .unwrap();
        drop(old);
        let (store, _lock) = Store::open(&Place::Directory(directory.path().to_owned())).unwrap();
        let columns = super::KeptNotification::COLUMNS;
        let query = format!("SELECT {columns} FROM notifications");
        let kept = store.connection.query_row(&query, [], super::KeptNotification::read).unwrap();
        assert_eq!(
            serde_json::to_value(kept).unwrap(),
            serde_json::json!({
                "cursor": 1, "id": "1", "type": "ci.failed", "source": "test", "payload": {"n": 1}, "ts": 5,
                "urgency": "normal", "delivery": "delivered",
            })
        );
    }
}
