//! Services that functions take as parameters; the engine, or a test, gives them what stands behind.

mod gateway;
mod process;
mod secrets;
mod state;

pub use gateway::{Gateway, Notification, NotificationSink, Notified};
pub use process::{
    EnvValue, Invocation, LocalProcesses, Output, ProcessError, ProcessFuture, ProcessRunner, Processes,
};
pub use secrets::{Secret, SecretSource, Secrets};
pub use state::{State, StateStore};

use std::future::Future;
use std::pin::Pin;

use crate::error::Result;

/// A future that a service returns through a trait object.
pub type ServiceFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
