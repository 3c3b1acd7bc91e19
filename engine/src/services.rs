//! The engine's own gateway and state store, for functions that take them as parameters.

use std::sync::Arc;

use system_bus_runtime::error::Error;
use system_bus_runtime::function::Services;
use system_bus_runtime::service::{
    Notification, NotificationSink, ServiceFuture, StateCommand, StateReply, StateStore,
};

use crate::handle::{Link, SendError};
use crate::input::Input;
use crate::query::Reader;

/// `services`, and what the engine provides where they hold nothing else.
pub(crate) fn provide(services: Services, link: &Link, reader: &Reader) -> Services {
    let services = match services.find::<Arc<dyn NotificationSink>>() {
        Some(_) => services,
        None => services.with::<Arc<dyn NotificationSink>>(Arc::new(Notifications(link.clone()))),
    };
    match services.find::<Arc<dyn StateStore>>() {
        Some(_) => services,
        None => services.with::<Arc<dyn StateStore>>(Arc::new(States { link: link.clone(), reader: reader.clone() })),
    }
}

fn unavailable(error: SendError) -> Error {
    Error::retryable(error)
}

struct Notifications(Link);

impl NotificationSink for Notifications {
    fn push(&self, notification: Notification) -> ServiceFuture<'_, bool> {
        Box::pin(async move { self.0.ask(|reply| Input::Notify { notification, reply }).await.map_err(unavailable) })
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
