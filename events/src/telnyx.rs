//! What the telephone company Telnyx reports by webhook: its own payloads, of which these are the fields in use.

use serde_json::{Map, Value};
use system_bus_runtime::event;

/// A call has begun to ring, in either direction.
#[event("telnyx/call.initiated", sent_by = "webhook:telnyx")]
#[derive(Default, PartialEq)]
pub struct TelnyxCallInitiated {
    /// The session that all legs of one call share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_session_id: Option<String>,
    /// The id by which this leg is controlled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_control_id: Option<String>,
    /// `incoming` or `outgoing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The caller's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The number that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Everything else that the vendor sends.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A call was answered.
#[event("telnyx/call.answered", sent_by = "webhook:telnyx")]
#[derive(Default, PartialEq)]
pub struct TelnyxCallAnswered {
    /// The session that all legs of one call share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_session_id: Option<String>,
    /// The id by which this leg is controlled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_control_id: Option<String>,
    /// `incoming` or `outgoing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The caller's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The number that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Everything else that the vendor sends.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
