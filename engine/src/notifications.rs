//! Messages to the operator: taken in once, held back while the system sleeps, listed, followed.

use std::time::Duration;

use system_bus_runtime::service::gateway::{QueuedMessage, SLEEP_KEY, SLEEP_QUEUE_KEY};
use system_bus_runtime::service::{Delivery, ListEnd, Notification, StateCommand, StateReply};
use tokio::time::Instant;

use crate::core::Core;
use crate::handle::{Engine, SendError};
use crate::limits;
use crate::query::QueryError;
use crate::store::{KeptNotification, StoreError};

impl Core {
    /// Keeps a message under its id and says what became of it. `delivery` is what another channel has decided; without
    /// one the message is for those who list and follow, and it is decided here, in the transaction that would also see
    /// the system fall asleep or wake: so a message is delivered or in the queue that the digest reads, and never lost
    /// between both.
    pub(crate) fn notify(
        &mut self,
        mut notification: Notification,
        delivery: Option<Delivery>,
    ) -> Result<Delivery, StoreError> {
        if let Some(delivery) = self.store.delivery_of(&notification.id)? {
            return Ok(delivery);
        }
        let delivery = match delivery {
            Some(delivery) => delivery,
            None => {
                notification.ts = self.now;
                self.deliver_or_queue(&notification)?
            }
        };
        self.store.add_notification(&notification, delivery)?;
        Ok(delivery)
    }

    fn deliver_or_queue(&self, notification: &Notification) -> Result<Delivery, StoreError> {
        let sleep = self.store.apply_state(SLEEP_KEY, &StateCommand::Get, self.now)?;
        if notification.passes_sleep() || !matches!(sleep, StateReply::Text(Some(_))) {
            return Ok(Delivery::Delivered);
        }
        // A queued message is plain data.
        let Ok(item) = serde_json::to_string(&QueuedMessage::of(notification.clone())) else {
            return Ok(Delivery::Delivered);
        };
        let push = StateCommand::Push { item, end: ListEnd::Last, keep: None };
        Ok(match self.store.apply_state(SLEEP_QUEUE_KEY, &push, self.now)? {
            // The queue is full, or not a queue: better told too early than not at all.
            StateReply::Refused(_) => Delivery::Delivered,
            _ => Delivery::Queued,
        })
    }
}

/// Why a follower gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// The store cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The engine has stopped.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Engine {
    /// Messages to the operator, newest first.
    pub async fn notifications(&self, count: u32) -> Result<Vec<KeptNotification>, QueryError> {
        let count = count.min(limits::LIST_ROWS_MAX);
        self.reader()
            .ask(move |connection| {
                let columns = KeptNotification::COLUMNS;
                connection
                    .prepare_cached(&format!("SELECT {columns} FROM notifications ORDER BY seq DESC LIMIT ?1"))?
                    .query_map([count], KeptNotification::read)?
                    .collect()
            })
            .await
    }

    /// Messages behind `cursor`, oldest first. When there are none yet, waits until one comes, for at most `wait`. A
    /// cursor that is ahead of all messages is of a store that is no more: it counts as 0.
    pub async fn notifications_after(
        &self,
        cursor: i64,
        count: u32,
        wait: Duration,
    ) -> Result<Vec<KeptNotification>, FollowError> {
        let until = Instant::now() + wait.min(limits::FOLLOW_TIME_MAX);
        // What comes while the store is read is noted here.
        let mut arrivals = self.arrivals();
        loop {
            let found = self.kept_after(cursor, count).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            tokio::select! {
                arrived = arrivals.changed() => arrived.map_err(|_| SendError::Unavailable)?,
                () = self.ended() => return Err(SendError::Unavailable.into()),
                () = tokio::time::sleep_until(until) => return Ok(found),
            }
        }
    }

    async fn kept_after(&self, cursor: i64, count: u32) -> Result<Vec<KeptNotification>, QueryError> {
        let count = count.min(limits::LIST_ROWS_MAX);
        self.reader()
            .ask(move |connection| {
                let columns = KeptNotification::COLUMNS;
                let last: i64 = connection
                    .prepare_cached("SELECT coalesce(max(seq), 0) FROM notifications")?
                    .query_row([], |row| row.get(0))?;
                let after = if cursor > last { 0 } else { cursor };
                connection
                    .prepare_cached(&format!(
                        "SELECT {columns} FROM notifications WHERE seq > ?1 ORDER BY seq LIMIT ?2"
                    ))?
                    .query_map([after, i64::from(count)], KeptNotification::read)?
                    .collect()
            })
            .await
    }
}
