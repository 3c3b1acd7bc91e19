//! What the telephone company Telnyx reports by webhook.
//!
//! The members of a call or message have Telnyx's own names (developers.telnyx.com, callbacks of call control and of
//! messaging); those about the report itself do not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// A call has begun to ring, in either direction.
#[event("telnyx/call.initiated")]
#[derive(Default, PartialEq)]
pub struct TelnyxCallInitiated {
    /// The report.
    #[serde(flatten)]
    pub report: TelnyxReport,
    /// The call.
    #[serde(flatten)]
    pub call: TelnyxCall,
}

/// A call was answered.
#[event("telnyx/call.answered")]
#[derive(Default, PartialEq)]
pub struct TelnyxCallAnswered {
    /// The report.
    #[serde(flatten)]
    pub report: TelnyxReport,
    /// The call.
    #[serde(flatten)]
    pub call: TelnyxCall,
}

/// A call has ended.
#[event("telnyx/call.hangup", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct TelnyxCallHangup {
    /// The report.
    #[serde(flatten)]
    pub report: TelnyxReport,
    /// The call.
    #[serde(flatten)]
    pub call: TelnyxCall,
    /// Why, such as `normal_clearing`, `user_busy` or `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hangup_cause: Option<String>,
    /// Who ended it: `caller`, `callee` or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hangup_source: Option<String>,
    /// The SIP status that it ended with, such as `603`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip_hangup_cause: Option<String>,
}

/// A text message has come in.
#[event("telnyx/message.received")]
#[derive(Default, PartialEq)]
pub struct TelnyxMessageReceived {
    /// The report.
    #[serde(flatten)]
    pub report: TelnyxReport,
    /// Telnyx's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `inbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// `SMS` or `MMS`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TelnyxParty>,
    /// Whom it was sent to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<TelnyxParty>,
    /// What came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<TelnyxMedia>,
    /// When it came in, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
    /// The profile that says how messages of the number are handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_profile_id: Option<String>,
}

/// What Telnyx says about its report, as opposed to what the report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TelnyxReport {
    /// Telnyx's id of the report, the same when it is delivered again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// When it happened, in RFC 3339; reports may arrive in another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
}

/// A call, as all its events describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TelnyxCall {
    /// The session that all legs of one call share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_session_id: Option<String>,
    /// The id of this leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_leg_id: Option<String>,
    /// The id by which this leg is controlled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_control_id: Option<String>,
    /// The application that controls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// What the application wrote on it, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_state: Option<String>,
    /// `incoming` or `outgoing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The caller's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The number that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How far it is, such as `parked`, `answered` or `hangup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// When it began, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// When it ended, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
}

/// One side of a text message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TelnyxParty {
    /// The number, such as `+15555550100`, or a short code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The telephone company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The kind of line, such as `Wireless` or `VoIP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_type: Option<String>,
}

/// A file that came with a text message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TelnyxMedia {
    /// Where the file lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The SHA-256 of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}
