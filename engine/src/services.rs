//! The engine's own gateway and state store, for functions that take them as parameters.

use std::sync::Arc;

use system_bus_runtime::error::Error;
use system_bus_runtime::function::Services;
use system_bus_runtime::service::{
    Delivery, Notification, NotificationSink, ServiceFuture, StateCommand, StateReply, StateStore,
};

use crate::clock::{Clock, SystemClock};
use crate::handle::{Link, SendError};
use crate::input::Input;
use crate::query::Reader;

/// `services`, what the engine provides where they hold nothing else, and the history of what goes to the operator.
pub(crate) fn provide(services: Services, link: &Link, reader: &Reader) -> Services {
    let channel = services.find::<Arc<dyn NotificationSink>>();
    let services = services.with::<Arc<dyn NotificationSink>>(Arc::new(Notifications { link: link.clone(), channel }));
    match services.find::<Arc<dyn StateStore>>() {
        Some(_) => services,
        None => services.with::<Arc<dyn StateStore>>(Arc::new(States { link: link.clone(), reader: reader.clone() })),
    }
}

fn unavailable(error: SendError) -> Error {
    Error::retryable(error)
}

/// Keeps messages, so that they can be listed and followed; behind `channel` when there is one.
struct Notifications {
    link: Link,
    channel: Option<Arc<dyn NotificationSink>>,
}

impl NotificationSink for Notifications {
    fn push(&self, mut notification: Notification) -> ServiceFuture<'_, Delivery> {
        Box::pin(async move {
            let delivery = match &self.channel {
                None => None,
                Some(channel) => {
                    notification.ts = SystemClock.now();
                    // Whatever ends between this and the next line is made good by the step's next attempt: the channel
                    // knows the id then, and only the history is new.
                    Some(channel.push(notification.clone()).await?)
                }
            };
            self.link.ask(|reply| Input::Notify { notification, delivery, reply }).await.map_err(unavailable)
        })
    }
}

struct States {
    link: Link,
    reader: Reader,
}

impl StateStore for States {
    fn apply(&self, key: String, command: StateCommand) -> ServiceFuture<'_, StateReply> {
        Box::pin(async move {
            if command.is_read() {
                return self.reader.state(key, command).await.map_err(Error::retryable);
            }
            let _room = self.link.room_for(command.bytes()).map_err(unavailable)?;
            self.link.ask(|reply| Input::State { key, command, reply }).await.map_err(unavailable)
        })
    }
}
