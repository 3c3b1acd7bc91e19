//! What a vendor's webhook is: its secret, its signature, and the events it becomes.

use super::Delivery;
use crate::error::Result;
use crate::event::NewEvent;

/// One vendor; submit it with `inventory::submit!`, and `POST /webhooks/{id}` serves it.
pub struct Provider {
    /// The last part of the path.
    pub id: &'static str,
    /// The environment variables that may hold the secret; the first that is set wins.
    pub secrets: &'static [&'static str],
    /// Whether the delivery was signed with the secret. Compares in constant time.
    pub verify: fn(&Delivery, secret: &[u8]) -> bool,
    /// The events that the delivery stands for; none for one that nobody is interested in.
    pub events: fn(&Delivery) -> Result<Vec<NewEvent>>,
}

inventory::collect!(Provider);

/// The providers that are linked into this binary, sorted by id.
pub fn providers() -> Vec<&'static Provider> {
    let mut providers: Vec<_> = inventory::iter::<Provider>.into_iter().collect();
    providers.sort_by_key(|provider| provider.id);
    providers
}

/// The provider with this id.
pub fn find(id: &str) -> Option<&'static Provider> {
    inventory::iter::<Provider>.into_iter().find(|provider| provider.id == id)
}
