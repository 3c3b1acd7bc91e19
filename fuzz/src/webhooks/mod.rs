//! What a vendor delivers, or somebody who claims to be one.
//!
//! An input holds a request: lines `name: value` up to an empty one, then the body.

mod provider;
mod reference;
mod request;
mod webhook_signature;

pub use provider::provider;
pub use webhook_signature::webhook_signature;
