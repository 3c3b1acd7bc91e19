//! Webhooks: deliveries from vendors, verified, kept, and turned into typed events.
//!
//! ```text
//! POST /webhooks/{provider} ─▶ bounds ─▶ signature ─▶ JSON? ─▶ provider's function ─▶ inbox ─▶ 200
//!                                 413, 408, 503   401, 429   400     │ events, nothing, or a problem
//!                                                                     ▼
//!                             embedded engine: events in the same transaction · server: handed on until accepted
//! ```
//!
//! **Nothing is answered 2xx before it is in the inbox.** What verifies and cannot be turned into events is kept as
//! well, shown by `system-bus inbox`, and can be replayed after a fix.
//!
//! - `provider`: what a vendor's webhook is; `#[webhook_provider]` registers one
//! - `scheme`: how deliveries are signed
//! - `delivery`: what a provider's function sees
//! - `receive`: from bytes to an outcome, without IO
//! - `inbox`: where deliveries rest
//! - `client`: who delivers, and how often wrong
//! - `body`: reading a body within bounds
//! - `gateway`: the routes
//! - `admin`: what operators ask of the inbox
//! - `forward`: handing on to a server
//! - [`limits`]: every bound, with its reason

mod admin;
mod body;
mod client;
mod delivery;
mod forward;
mod gateway;
mod inbox;
pub mod limits;
mod provider;
mod receive;
mod scheme;

pub use client::TrustedHops;
pub use delivery::{Delivery, KeptHeaders};
pub use gateway::{WebhookConfig, WebhookGateway};
pub use inbox::{
    DeliveryState, DeliverySummary, Inbox, InboxCounts, InboxFilter, KeptDelivery, NewDelivery, Outcome, Receipt,
    Settlement,
};
pub use provider::{Challenge, Emitted, IdSource, ProviderRegistration, Signature};
pub use receive::{Received, Refusal, receive};
pub use scheme::{Algorithm, Encoding, OtherForm, Scheme, Signed, SignedRequest, Timestamp, TimestampPlace};

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
