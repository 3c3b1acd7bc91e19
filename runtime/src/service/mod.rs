//! Services that functions take as parameters; the engine, or a test, gives them what stands behind.

pub mod gateway;
mod process;
pub mod redis;
mod secrets;
mod state;

pub use self::redis::Redis;
pub use gateway::{Delivery, Gateway, Notification, NotificationSink, Notified, Urgency};
pub use process::{
    EnvValue, Invocation, LocalProcesses, Output, ProcessError, ProcessFuture, ProcessRunner, Processes,
};
pub use secrets::{Secret, SecretSource, Secrets};
pub use state::{
    ListEnd, STATE_EXPIRY_MAX, STATE_ITEMS_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, State, StateCommand,
    StateKind, StateProblem, StateReply, StateStore,
};

use std::future::Future;
use std::pin::Pin;

use crate::error::Result;

/// A future that a service returns through a trait object.
pub type ServiceFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
