//! Architecture decisions and the work that follows from them.

use system_bus_runtime::event;

/// One open decision is to be offered to the operator.
#[event("adr/pitch.requested")]
#[derive(Default, PartialEq)]
pub struct AdrPitchRequested {}
