//! Where deliveries rest: durable before they are answered, shown, and handed on until that is done.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::delivery::KeptHeaders;
use crate::event::NewEvent;
use crate::service::ServiceFuture;

/// What a delivery becomes.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// These events; none when it is of no interest.
    Events(Vec<NewEvent>),
    /// It cannot be turned into events, for this reason.
    Problem(String),
}

/// A delivery on its way in.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The provider's id.
    pub provider: &'static str,
    /// The vendor's id of the delivery, or the body's hash: a second one does nothing.
    pub key: String,
    /// The declared headers.
    pub headers: KeptHeaders,
    /// The body, byte for byte.
    pub body: Bytes,
    /// What it becomes.
    pub outcome: Outcome,
    /// Whether it is taken in even though it was handled before: a replay.
    pub again: bool,
}

/// What became of a delivery that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The delivery's number in the inbox.
    pub id: i64,
    /// Whether it was there already and nothing was done.
    pub duplicate: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// The ids of its events, as far as they are known.
    pub events: Vec<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits to be handed on to the server.
    Waiting,
    /// Its events are at the engine or the server.
    Handled,
    /// It is of no interest to anybody.
    Ignored,
    /// It could not be turned into events, or the server refused them.
    Failed,
}

impl DeliveryState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Handled => "handled",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let states = [Self::Waiting, Self::Handled, Self::Ignored, Self::Failed];
        states
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("unknown state `{text}`: use waiting, handled, ignored or failed"))
    }
}

/// One delivery in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliverySummary {
    /// The number in the inbox.
    pub id: i64,
    /// The provider's id.
    pub provider: String,
    /// The vendor's id of the delivery, or the body's hash.
    pub key: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it failed, or why it could not be handed on so far.
    pub problem: Option<String>,
    /// The ids of its events.
    pub events: Vec<String>,
    /// When it came in, in milliseconds since 1970.
    pub received_at: i64,
    /// When it came to its state.
    pub settled_at: Option<i64>,
    /// How often it came in again and nothing was done.
    pub repeats: i64,
    /// Bytes of its body.
    pub bytes: i64,
}

/// A delivery with what is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptDelivery {
    /// What a list shows.
    pub summary: DeliverySummary,
    /// The declared headers.
    pub headers: KeptHeaders,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// Which deliveries a list shows, newest first.
#[derive(Clone, Debug, Default)]
pub struct InboxFilter {
    /// Only those of this provider.
    pub provider: Option<String>,
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those with a smaller number, for the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub count: u32,
}

/// How many deliveries are not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    /// Those that wait for the server.
    pub waiting: i64,
    /// Those that failed.
    pub failed: i64,
}

/// What became of a delivery that waited.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// The server has its events, under these ids.
    Handled(Vec<String>),
    /// It is of no interest to this program any more.
    Ignored,
    /// The server, or the provider's function, refuses it.
    Failed(String),
    /// It goes on waiting, because of this.
    Delayed(String),
}

/// Where deliveries are kept. What a method has answered is durable.
pub trait Inbox: Send + Sync + 'static {
    /// Takes one in. With the embedded engine its events are taken in by the same transaction.
    fn take_in(&self, delivery: NewDelivery) -> ServiceFuture<'_, Receipt>;
    /// The oldest ones that wait for the server: at most so many, and so many bytes unless the first one has more.
    fn waiting(&self, count: u32, bytes: usize) -> ServiceFuture<'_, Vec<KeptDelivery>>;
    /// Notes what became of deliveries that waited.
    fn settle(&self, settlements: Vec<(i64, Settlement)>) -> ServiceFuture<'_, ()>;
    /// What is there, newest first.
    fn list(&self, filter: InboxFilter) -> ServiceFuture<'_, Vec<DeliverySummary>>;
    /// The one of this number.
    fn delivery(&self, id: i64) -> ServiceFuture<'_, Option<KeptDelivery>>;
    /// How many are not done.
    fn counts(&self) -> ServiceFuture<'_, InboxCounts>;
}
