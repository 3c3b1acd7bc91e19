//! The inbox of webhooks: what a delivery does in the core, and the inbox as the webhook gateway sees it.

use system_bus_runtime::error::Error;
use system_bus_runtime::middleware::{MiddlewareStack, Sent};
use system_bus_runtime::service::ServiceFuture;
use system_bus_runtime::webhook::{
    DeliveryState, DeliverySummary, Inbox, InboxCounts, InboxFilter, KeptDelivery, NewDelivery, Outcome, Receipt,
    Settlement,
};

use crate::core::Core;
use crate::handle::{Engine, Link, SendError};
use crate::input::Input;
use crate::query::Reader;
use crate::store::{Settled, StoreError};

/// Who gets the events of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOn {
    /// This engine, in the transaction that keeps the delivery.
    Here,
    /// A server, to which they are handed on afterwards.
    Server,
}

impl Core {
    /// Keeps a delivery, and takes its events in unless they are a server's.
    pub(crate) fn deliver(&mut self, mut delivery: NewDelivery, hand_on: HandOn) -> Result<Receipt, StoreError> {
        let known = self.store.known_delivery(delivery.provider, &delivery.key)?;
        if let Some(known) = &known
            && !delivery.again
            && !is_worth_another_try(known.state, &delivery.outcome)
        {
            self.store.repeat_delivery(known.key, self.now)?;
            let events = known.events.clone();
            return Ok(Receipt { id: known.key, duplicate: true, state: known.state, events });
        }
        let mut problem = None;
        let mut ids = Vec::new();
        let state = match std::mem::replace(&mut delivery.outcome, Outcome::Events(Vec::new())) {
            Outcome::Problem(text) => {
                problem = Some(text);
                DeliveryState::Failed
            }
            Outcome::Events(events) if events.is_empty() => DeliveryState::Ignored,
            Outcome::Events(_) if hand_on == HandOn::Server => DeliveryState::Waiting,
            Outcome::Events(events) => {
                for event in events {
                    ids.push(self.accept(event)?.id.to_string());
                }
                DeliveryState::Handled
            }
        };
        let settled = Settled { state, events: &ids, problem: problem.as_deref() };
        let id = match known {
            Some(known) => {
                self.store.replace_delivery(known.key, &delivery, &settled, self.now)?;
                known.key
            }
            None => self.store.add_delivery(&delivery, &settled, self.now)?,
        };
        Ok(Receipt { id, duplicate: false, state, events: ids })
    }
}

/// A delivery that came to nothing is taken in again when the vendor repeats it and the program now knows better.
fn is_worth_another_try(state: DeliveryState, outcome: &Outcome) -> bool {
    match (state, outcome) {
        (DeliveryState::Failed | DeliveryState::Ignored, Outcome::Events(events)) => !events.is_empty(),
        _ => false,
    }
}

/// An engine's inbox.
pub(crate) struct EngineInbox {
    pub(crate) link: Link,
    pub(crate) reader: Reader,
    pub(crate) middleware: MiddlewareStack,
    pub(crate) hand_on: HandOn,
}

impl Engine {
    /// Where deliveries rest whose events go to this engine, or to a server.
    pub fn inbox(&self, hand_on: HandOn) -> std::sync::Arc<dyn Inbox> {
        std::sync::Arc::new(EngineInbox {
            link: self.link().clone(),
            reader: self.reader().clone(),
            middleware: self.middleware().clone(),
            hand_on,
        })
    }
}

impl EngineInbox {
    async fn keep(&self, mut delivery: NewDelivery) -> Result<Receipt, SendError> {
        let hand_on = self.hand_on;
        let mut bytes = delivery.body.len();
        let is_sent = match &mut delivery.outcome {
            Outcome::Events(events) if hand_on == HandOn::Here && !events.is_empty() => {
                if let Err(error) = self.middleware.before_send(events) {
                    tracing::error!(error = error.name(), "the events of a delivery were not sent: {error}");
                    return Err(SendError::Refused);
                }
                bytes += events.iter().map(|event| event.data.get().len()).sum::<usize>();
                true
            }
            _ => false,
        };
        let _room = self.link.room_for(bytes)?;
        let kept = self.link.ask(|reply| Input::Deliver { delivery: Box::new(delivery), hand_on, reply }).await;
        if is_sent && !self.middleware.is_empty() {
            self.middleware.after_send(&match &kept {
                Ok(receipt) => Sent { ids: receipt.events.clone(), error: None },
                Err(error) => Sent { ids: Vec::new(), error: Some((*error).into()) },
            });
        }
        kept
    }
}

impl Inbox for EngineInbox {
    fn take_in(&self, delivery: NewDelivery) -> ServiceFuture<'_, Receipt> {
        Box::pin(async move { self.keep(delivery).await.map_err(Error::retryable) })
    }

    fn waiting(&self, count: u32, bytes: usize) -> ServiceFuture<'_, Vec<KeptDelivery>> {
        Box::pin(async move { self.reader.waiting_deliveries(count, bytes).await.map_err(Error::retryable) })
    }

    fn settle(&self, settlements: Vec<(i64, Settlement)>) -> ServiceFuture<'_, ()> {
        Box::pin(
            async move { self.link.ask(|reply| Input::Settle { settlements, reply }).await.map_err(Error::retryable) },
        )
    }

    fn list(&self, filter: InboxFilter) -> ServiceFuture<'_, Vec<DeliverySummary>> {
        Box::pin(async move { self.reader.deliveries(filter).await.map_err(Error::retryable) })
    }

    fn delivery(&self, id: i64) -> ServiceFuture<'_, Option<KeptDelivery>> {
        Box::pin(async move { self.reader.delivery(id).await.map_err(Error::retryable) })
    }

    fn counts(&self) -> ServiceFuture<'_, InboxCounts> {
        Box::pin(async move { self.reader.inbox_counts().await.map_err(Error::retryable) })
    }
}
