//! What the shared inbox Front reports by webhook. Text that Front does not send is empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// A message has come in.
#[event("front/message.received")]
#[derive(Default, PartialEq)]
pub struct FrontMessageReceived {
    /// The message.
    #[serde(flatten)]
    pub message: FrontMessage,
}

/// A message has gone out.
#[event("front/message.sent")]
#[derive(Default, PartialEq)]
pub struct FrontMessageSent {
    /// The message.
    #[serde(flatten)]
    pub message: FrontMessage,
}

/// A message could not be delivered.
#[event("front/message.failed")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct FrontMessageFailed {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// Front's id of the message.
    #[serde(default)]
    pub message_id: String,
    /// The subject of the message, or else of the conversation.
    #[serde(default)]
    pub subject: String,
    /// Why, in Front's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A message came without any text that could be shown, and is set aside.
#[event("front/message.quarantined")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct FrontMessageQuarantined {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// Front's id of the message.
    #[serde(default)]
    pub message_id: String,
    /// Front's own name for what has happened, such as `inbound`.
    pub event_type: String,
    /// Why; always `missing-message-text`.
    pub reason: String,
    /// What Front had sent of the message: names of fields, sorted.
    #[serde(default)]
    pub payload_keys: Vec<String>,
}

/// A conversation was moved to another inbox.
#[event("front/conversation.moved")]
#[derive(Default, PartialEq)]
pub struct FrontConversationMoved {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: FrontConversation,
}

/// A conversation was archived.
#[event("front/conversation.archived")]
#[derive(Default, PartialEq)]
pub struct FrontConversationArchived {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: FrontConversation,
}

/// A conversation was opened again.
#[event("front/conversation.reopened")]
#[derive(Default, PartialEq)]
pub struct FrontConversationReopened {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: FrontConversation,
}

/// A conversation was put into the trash.
#[event("front/conversation.deleted")]
#[derive(Default, PartialEq)]
pub struct FrontConversationDeleted {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: FrontConversation,
}

/// A conversation was taken out of the trash.
#[event("front/conversation.restored")]
#[derive(Default, PartialEq)]
pub struct FrontConversationRestored {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: FrontConversation,
}

/// A conversation was put off until later.
#[event("front/conversation.snoozed")]
#[derive(Default, PartialEq)]
pub struct FrontConversationSnoozed {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: FrontConversation,
}

/// The time until which a conversation was put off has come.
#[event("front/conversation.unsnoozed")]
#[derive(Default, PartialEq)]
pub struct FrontConversationUnsnoozed {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: FrontConversation,
}

/// A conversation was given to somebody, or taken from somebody.
#[event("front/assignee.changed")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct FrontAssigneeChanged {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// The address of the assignee.
    #[serde(default)]
    pub assignee_email: String,
    /// The name of the assignee.
    #[serde(default)]
    pub assignee_name: String,
    /// Whether nobody has the conversation now.
    #[serde(default)]
    pub is_unassign: bool,
}

/// A tag was put on a conversation.
#[event("front/tag.added")]
#[derive(Default, PartialEq)]
pub struct FrontTagAdded {
    /// The tag and its conversation.
    #[serde(flatten)]
    pub tag: FrontTag,
}

/// A tag was taken off a conversation.
#[event("front/tag.removed")]
#[derive(Default, PartialEq)]
pub struct FrontTagRemoved {
    /// The tag and its conversation.
    #[serde(flatten)]
    pub tag: FrontTag,
}

/// A link to something elsewhere was put on a conversation.
#[event("front/link.added")]
#[derive(Default, PartialEq)]
pub struct FrontLinkAdded {
    /// The link and its conversation.
    #[serde(flatten)]
    pub link: FrontLink,
}

/// A link was taken off a conversation.
#[event("front/link.removed")]
#[derive(Default, PartialEq)]
pub struct FrontLinkRemoved {
    /// The link and its conversation.
    #[serde(flatten)]
    pub link: FrontLink,
}

/// A teammate commented on a conversation.
#[event("front/comment.added")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct FrontCommentAdded {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// The comment.
    #[serde(default)]
    pub comment_body: String,
    /// The address of who commented.
    #[serde(default)]
    pub author_email: String,
}

/// A message, as all its events describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrontMessage {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// Front's id of the message.
    #[serde(default)]
    pub message_id: String,
    /// The sender's address.
    #[serde(default)]
    pub from: String,
    /// The sender's name.
    #[serde(default)]
    pub from_name: String,
    /// The addresses of those it is sent to.
    #[serde(default)]
    pub to: Vec<String>,
    /// The subject of the message, or else of the conversation.
    #[serde(default)]
    pub subject: String,
    /// The message in HTML, the first 128 KiB of a longer one.
    #[serde(default)]
    pub body: String,
    /// The message as text on one line, the first 64 KiB of a longer one; for one of attachments alone, how many.
    #[serde(default)]
    pub body_plain: String,
    /// The beginning of the message, at most 1 KiB.
    #[serde(default)]
    pub preview: String,
    /// Whether it has come in.
    #[serde(default)]
    pub is_inbound: bool,
    /// How many attachments it has.
    #[serde(default)]
    pub attachment_count: u64,
    /// When it was written, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
}

/// A conversation, as the events of its fate describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrontConversation {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// The subject of the conversation.
    #[serde(default)]
    pub subject: String,
}

/// A tag on a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrontTag {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// The tag's name.
    #[serde(default)]
    pub tag_name: String,
    /// Front's id of the tag.
    #[serde(default)]
    pub tag_id: String,
}

/// A link on a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrontLink {
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// The link's name.
    #[serde(default)]
    pub link_name: String,
    /// Front's id of the link.
    #[serde(default)]
    pub link_id: String,
    /// Where it leads.
    #[serde(default)]
    pub link_url: String,
}
