//! The operator's mail.

use system_bus_runtime::event;

/// The inbox is to be looked through.
#[event("email/triage.requested", sent_by = "voice-agent")]
#[derive(Default, PartialEq)]
pub struct EmailTriageRequested {}
