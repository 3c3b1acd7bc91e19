//! Messages from all channels in one shape.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use system_bus_runtime::event;

/// Somebody wrote in a channel.
#[event("channel/message.received", sent_by = "gateway")]
#[serde(rename_all = "camelCase")]
#[derive(PartialEq)]
pub struct ChannelMessageReceived {
    /// The kind of channel.
    pub channel_type: ChannelType,
    /// The channel's own id of the conversation.
    pub channel_id: String,
    /// What people call the channel.
    pub channel_name: String,
    /// The channel's own id of the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The channel's own id of who wrote.
    pub user_id: String,
    /// The name of who wrote.
    pub user_name: String,
    /// The message.
    pub text: String,
    /// When it was written, in milliseconds since 1970.
    pub timestamp: i64,
    /// The message's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// What only this kind of channel knows.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelType {
    /// Slack.
    Slack,
    /// Discord.
    Discord,
    /// Telegram.
    Telegram,
    /// Mail.
    Email,
}
