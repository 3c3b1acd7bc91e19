//! What a file with a function or an event imports: `use system_bus_runtime::prelude::*;`.

pub use std::time::Duration;

pub use serde::{Deserialize, Serialize};

pub use crate::error::{Error, Result, StepError};
pub use crate::event::{AnyEvent, Cron, Event, EventData, Events, FunctionFailed, NewEvent};
pub use crate::function::{Failure, FromContext, RunInfo};
pub use crate::outbound::{FetchRequest, FetchResponse, InferFormat, InferRequest};
pub use crate::protocol::OnConflict;
pub use crate::service::{Gateway, Invocation, ProcessError, Processes, Secret, SecretSource, Secrets, State};
pub use crate::step::{SignalDelivery, Step};
pub use crate::webhook::Delivery;
pub use system_bus_macros::{EventUnion, event, failure_handler, inngest_fn, webhook_provider};
