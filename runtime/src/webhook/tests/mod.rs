//! The routes over an inbox in memory, and the schemes by table.

mod routes;
mod schemes;

use std::sync::{Arc, Mutex, PoisonError};

use super::*;
use crate::error::{Error, Result};
use crate::service::ServiceFuture;

/// Keeps deliveries in memory, as a real inbox decides.
#[derive(Default)]
pub(super) struct MemoryInbox {
    kept: Mutex<Vec<NewDelivery>>,
}

impl MemoryInbox {
    pub(super) fn kept(&self) -> Vec<NewDelivery> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn receive(&self, delivery: NewDelivery) -> Receipt {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|known| (known.provider, &known.key) == (delivery.provider, &delivery.key));
        let (state, events) = match &delivery.outcome {
            Outcome::Problem(_) => (DeliveryState::Failed, Vec::new()),
            Outcome::Events(events) if events.is_empty() => (DeliveryState::Ignored, Vec::new()),
            Outcome::Events(events) => {
                (DeliveryState::Handled, events.iter().filter_map(|event| event.id.clone()).collect())
            }
        };
        let id = i64::try_from(known.unwrap_or(kept.len())).unwrap_or(0);
        if known.is_none() {
            kept.push(delivery);
        }
        Receipt { id, duplicate: known.is_some(), state, events }
    }
}

impl Inbox for MemoryInbox {
    fn take_in(&self, delivery: NewDelivery) -> ServiceFuture<'_, Receipt> {
        Box::pin(async move { Ok(self.receive(delivery)) })
    }

    fn waiting(&self, _count: u32, _bytes: usize) -> ServiceFuture<'_, Vec<KeptDelivery>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn settle(&self, _settlements: Vec<(i64, Settlement)>) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn list(&self, _filter: InboxFilter) -> ServiceFuture<'_, Vec<DeliverySummary>> {
        Box::pin(async { Err(Error::retryable("the store is away")) })
    }

    fn delivery(&self, _id: i64) -> ServiceFuture<'_, Option<KeptDelivery>> {
        Box::pin(async { Ok(None) })
    }

    fn counts(&self) -> ServiceFuture<'_, InboxCounts> {
        Box::pin(async { Ok(InboxCounts::default()) })
    }
}

/// Something was ordered.
#[crate::event("shop/order.placed")]
pub(super) struct OrderPlaced {
    /// How many.
    pub(super) count: u32,
}

/// Turns the shop's deliveries into events.
#[crate::webhook_provider(
    id = "shop",
    signature(hmac_sha256, header = "x-shop-signature", encoding = base64, secret("SHOP_SECRET", "SHOP_OLD_SECRET")),
    delivery_id(header = "x-shop-delivery", body = "/order/id"),
    headers("x-shop-event"),
    emits(OrderPlaced, "shop/*"),
    challenge(echo = "x-shop-challenge"),
)]
fn shop(delivery: &Delivery<'_>) -> Result<Vec<crate::event::NewEvent>> {
    let body: Box<serde_json::value::RawValue> = delivery.json()?;
    match delivery.header("x-shop-event") {
        Some("other") => Ok(vec![crate::event::NewEvent::named("shop/other.happened", body)]),
        Some("foreign") => Ok(vec![crate::event::NewEvent::named("bank/account.emptied", body)]),
        _ => Ok(vec![crate::event::NewEvent::named("shop/order.placed", body)]),
    }
}

/// Asks for a signed word.
#[crate::webhook_provider(
    id = "bank",
    signature(hmac_sha1, header = "x-bank-signature", secret = "BANK_SECRET"),
    emits("bank/*"),
    challenge(query = "word", answer = answer),
)]
fn bank(_delivery: &Delivery<'_>) -> Result<Vec<crate::event::NewEvent>> {
    Ok(Vec::new())
}

fn answer(token: &str, secret: &[u8]) -> std::result::Result<serde_json::Value, &'static str> {
    if token.contains('{') {
        return Err("must not be JSON");
    }
    Ok(serde_json::json!({ "word": token, "bytes": secret.len() }))
}

fn shared(inbox: &Arc<MemoryInbox>) -> Arc<dyn Inbox> {
    inbox.clone()
}
