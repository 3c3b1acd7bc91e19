//! The engine's own gateway and state store, for functions that take them as parameters.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use system_bus_runtime::error::Error;
use system_bus_runtime::function::Services;
use system_bus_runtime::service::{Notification, NotificationSink, ServiceFuture, StateStore};

use crate::handle::{Link, SendError};
use crate::input::Input;
use crate::limits;
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
    fn read(&self, key: String) -> ServiceFuture<'_, Option<Box<RawValue>>> {
        Box::pin(async move { self.reader.state(key).await.map_err(Error::retryable) })
    }

    fn write(
        &self,
        key: String,
        value: Box<RawValue>,
        expires_after: Option<Duration>,
        only_if_absent: bool,
    ) -> ServiceFuture<'_, bool> {
        Box::pin(async move {
            if value.get().len() > limits::STEP_BYTES_MAX {
                let bytes = value.get().len();
                let text =
                    format!("the state under `{key}` has {bytes} bytes, the limit is {}", limits::STEP_BYTES_MAX);
                return Err(Error::terminal(text));
            }
            let input = |reply| Input::SetState { key, value, expires_after, only_if_absent, reply };
            self.link.ask(input).await.map_err(unavailable)
        })
    }

    fn remove(&self, key: String) -> ServiceFuture<'_, bool> {
        Box::pin(async move { self.link.ask(|reply| Input::RemoveState { key, reply }).await.map_err(unavailable) })
    }
}
