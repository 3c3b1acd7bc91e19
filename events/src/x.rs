//! What the social network X reports by webhook.

use serde_json::{Map, Value};
use system_bus_runtime::event;

/// Something happened on an account, or on what it is subscribed to.
#[event("x/account_activity.received")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct XAccountActivityReceived {
    /// Where it comes from; always `x-webhook`.
    pub source: String,
    /// X's id of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_user_id: Option<String>,
    /// The kinds of activity in the payload, such as `favorite_events`; `account_activity` when none is known.
    pub event_types: Vec<String>,
    /// X's id of the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<String>,
    /// The first 24 hexadecimal digits of the SHA-256 of the payload.
    pub payload_hash: String,
    /// All that X sends, as it sends it.
    pub payload: Map<String, Value>,
}
