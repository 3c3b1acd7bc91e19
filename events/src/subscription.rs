//! Feeds that the operator follows.

use system_bus_runtime::event;

/// A look at the feeds was asked for.
#[event("subscription/check-feeds.requested", sent_by("queue-drainer", "sdk"), queued(priority = 2, dedup = "5m"))]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct SubscriptionCheckFeedsRequested {
    /// Whether feeds are looked at that are not due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_all: Option<bool>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}
