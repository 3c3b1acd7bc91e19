//! Sleep mode: the operator wants quiet, or has had enough of it.

use system_bus_runtime::event;

/// The operator wants quiet: only what is urgent reaches the gateway, the rest waits.
#[event("system/sleep.requested", sent_by = "cli")]
#[derive(Default, PartialEq)]
pub struct SystemSleepRequested {
    /// For how long, such as `30m` or `1h30m` (units s, m, h, d, w); without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The quiet is over: what has waited is told in one digest.
#[event("system/wake.requested", sent_by = "cli")]
#[derive(Default, PartialEq)]
pub struct SystemWakeRequested {
    /// Only the sleep that began then, in ISO 8601; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}
