//! A notification sink that keeps what it takes in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::TestClock;
use crate::service::{Delivery, Notification, NotificationSink, ServiceFuture};

/// Keeps notifications, each id once, in the order in which they came; clones share them.
///
/// ```
/// use std::sync::Arc;
/// use system_bus_runtime::service::Gateway;
/// use system_bus_runtime::testing::RecordingSink;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> system_bus_runtime::Result<()> {
/// let sink = RecordingSink::default();
/// let gateway = Gateway::new(Arc::new(sink.clone()), "test");
/// gateway.notify("ci.failed", "main is red").await?;
/// assert_eq!(sink.notifications()[0].kind, "ci.failed");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecordingSink {
    kept: Arc<Mutex<Vec<Notification>>>,
    clock: TestClock,
}

impl RecordingSink {
    /// A sink that stamps notifications with `clock`.
    pub fn new(clock: TestClock) -> Self {
        Self { kept: Arc::default(), clock }
    }

    /// What was pushed so far.
    pub fn notifications(&self) -> Vec<Notification> {
        self.lock().clone()
    }

    // A push cannot panic halfway, so a poisoned lock still holds whole state.
    fn lock(&self) -> MutexGuard<'_, Vec<Notification>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NotificationSink for RecordingSink {
    fn push(&self, notification: Notification) -> ServiceFuture<'_, Delivery> {
        Box::pin(async move {
            let mut kept = self.lock();
            if kept.iter().all(|known| known.id != notification.id) {
                kept.push(Notification { ts: self.clock.now(), ..notification });
            }
            Ok(Delivery::Delivered)
        })
    }
}
