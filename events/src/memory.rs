//! What is remembered, reviewed and summed up.

use system_bus_runtime::event;

/// Memories that wait for a review are to be looked through.
#[event("memory/review.check", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct MemoryReviewCheck {}

/// The digest of the day is to be written.
#[event("memory/digest.requested")]
#[derive(Default, PartialEq)]
pub struct MemoryDigestRequested {}
