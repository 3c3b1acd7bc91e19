//! What a run of the harness came to.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{HarnessError, MemoryState};
use crate::error::Result;
use crate::event::{EventData, NewEvent, decode};
use crate::function::StepKind;
use crate::outbound::{FetchRequest, InferRequest};
use crate::service::Notification;

/// A signal that a function sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SentSignal {
    /// The signal's name.
    pub signal: String,
    /// What went with it.
    pub data: Value,
}

/// What a run of the harness came to.
#[derive(Debug)]
pub struct Report {
    /// What the function returned in the end.
    pub output: Result<Value>,
    /// The names of the steps, in the order in which they completed.
    pub steps: Vec<String>,
    /// The events that `send_event` steps sent, in order.
    pub sent_events: Vec<NewEvent>,
    /// The signals that `send_signal` steps sent, in order.
    pub sent_signals: Vec<SentSignal>,
    /// The requests of `fetch` steps, in order.
    pub fetched: Vec<FetchRequest>,
    /// The requests of `infer` steps, in order.
    pub inferred: Vec<InferRequest>,
    /// What reached the operator, each message once.
    pub notifications: Vec<Notification>,
    /// What the function left in its state.
    pub state: MemoryState,
    /// The kind of each of `steps`.
    pub(super) kinds: Vec<StepKind>,
    /// Whether the run's fault took place.
    pub(super) struck: bool,
    /// Whether the fault left its step no further attempt.
    pub(super) spent: bool,
}

impl Report {
    /// The output of a good run, typed.
    ///
    /// ```
    /// use system_bus_runtime::{Error, testing::Harness};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let report = Harness::closure(|_| async { Ok::<_, Error>(vec![1, 2]) }).run().await;
    /// assert_eq!(report.value::<Vec<u32>>(), Ok(vec![1, 2]));
    /// # }
    /// ```
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, HarnessError> {
        match &self.output {
            Ok(value) => T::deserialize(value)
                .map_err(|error| HarnessError::Encode { name: "output".to_owned(), message: error.to_string() }),
            Err(error) => {
                Err(HarnessError::Failed { name: error.name().to_owned(), message: error.message().to_owned() })
            }
        }
    }

    /// The data of the sent events of type `T`.
    pub fn sent<T: EventData>(&self) -> Vec<T> {
        let events = self.sent_events.iter().filter(|event| event.name == T::NAME);
        events.filter_map(|event| decode(&event.data).ok()).collect()
    }

    /// The kinds of the notifications, such as `ci.failed`, in order.
    pub fn notified(&self) -> Vec<&str> {
        self.notifications.iter().map(|notification| notification.kind.as_str()).collect()
    }
}
