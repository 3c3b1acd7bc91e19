//! Requests to reach the operator outside the gateway.

use system_bus_runtime::event;

/// The operator is to be called by telephone and told something.
#[event("notification/call.requested", sent_by = "cli")]
#[derive(Default, PartialEq)]
pub struct NotificationCallRequested {
    /// What is to be said.
    pub message: String,
    /// The number to call; the operator's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}
