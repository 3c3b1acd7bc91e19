//! Webhooks: a delivery from a vendor, verified and turned into typed events.

mod delivery;
mod provider;
mod signature;

pub use delivery::{Delivery, Rejection, receive};
pub use provider::{Provider, find, providers};
pub use signature::{hmac_sha256, matches_hex};
