//! Mail from people who matter most.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// A person who matters has written.
#[event("vip/email.received")]
#[serde(rename_all = "camelCase")]
#[derive(PartialEq)]
pub struct VipEmailReceived {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// Front's id of the message.
    pub message_id: String,
    /// The sender's address.
    pub from: String,
    /// The sender's name.
    pub from_name: String,
    /// The addresses of those it is sent to.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The message in HTML.
    pub body: String,
    /// The message as text.
    pub body_plain: String,
    /// The beginning of the message.
    pub preview: String,
    /// Whether it has come in.
    pub is_inbound: bool,
    /// How many attachments it has.
    pub attachment_count: u64,
    /// How it was noticed.
    pub source: VipEmailSource,
}

/// How a mail of a person who matters was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VipEmailSource {
    /// The shared inbox reported it.
    FrontWebhook,
    /// Somebody pointed at it.
    Manual,
}
