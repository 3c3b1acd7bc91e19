//! Front's webhooks: what happens to the conversations of a shared inbox.
//!
//! Front delivers in two ways (dev.frontapp.com: rule webhooks, application webhooks). A **rule's** delivery is the event
//! itself, signed with HMAC-SHA1 over its JSON as JavaScript writes it. An **application's** delivery wraps the event in
//! `payload`, has longer names, and is signed with HMAC-SHA256 over a time and the raw body; only its header with the
//! time tells the two apart, so that neither passes for the other. An application's delivery is repeated up to three
//! times, with the same event id.

#[path = "front/compact.rs"]
mod compact;
#[path = "front/html.rs"]
mod html;
#[cfg(test)]
#[path = "front/tests.rs"]
mod tests;

use std::collections::BTreeMap;

use events::front::{
    FrontAssigneeChanged, FrontCommentAdded, FrontConversation, FrontConversationArchived, FrontConversationDeleted,
    FrontConversationMoved, FrontConversationReopened, FrontConversationRestored, FrontConversationSnoozed,
    FrontConversationUnsnoozed, FrontLink, FrontLinkAdded, FrontLinkRemoved, FrontMessage, FrontMessageFailed,
    FrontMessageQuarantined, FrontMessageReceived, FrontMessageSent, FrontTag, FrontTagAdded, FrontTagRemoved,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use system_bus_runtime::prelude::*;

/// The header with the time that an application's delivery is signed with; a rule's has none.
const TIMESTAMP: &str = "x-front-request-timestamp";

/// Bytes of a message's HTML; a longer one is cut, so that its event stays below the limit of all events.
const HTML_BYTES_MAX: usize = 128 * 1024;

/// Bytes of a message's text.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a message's beginning.
const PREVIEW_BYTES_MAX: usize = 1_024;

/// Turns Front's deliveries into events.
#[webhook_provider(
    id = "front",
    signature(
        hmac_sha256,
        header = "x-front-signature",
        encoding = base64,
        timestamp(header = "x-front-request-timestamp", join = ":", unit = ms, tolerance = "5m"),
        secret = "FRONT_APPLICATION_SECRET",
        lease = "joelclaw-front-app-secret",
    ),
    signature(
        hmac_sha1,
        header = "x-front-signature",
        encoding = base64,
        also = compact::compact,
        unless = "x-front-request-timestamp",
        secret("FRONT_RULES_WEBHOOK_SECRET", "FRONT_WEBHOOK_SECRET"),
        lease = "front_rules_webhook_secret",
    ),
    // The payload of an application's delivery may be a conversation, of which there are many.
    delivery_id(body = "/payload/id", body = "/id", prefix = "evt_"),
    headers("x-front-request-timestamp"),
    emits(
        FrontMessageReceived,
        FrontMessageSent,
        FrontMessageFailed,
        FrontMessageQuarantined,
        FrontConversationMoved,
        FrontConversationArchived,
        FrontConversationReopened,
        FrontConversationDeleted,
        FrontConversationRestored,
        FrontConversationSnoozed,
        FrontConversationUnsnoozed,
        FrontAssigneeChanged,
        FrontTagAdded,
        FrontTagRemoved,
        FrontLinkAdded,
        FrontLinkRemoved,
        FrontCommentAdded,
    ),
    body_mib_max = 4,
    challenge(echo = "x-front-challenge"),
)]
fn front(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    // The columns of names do not mix: whose delivery it is, is as sure as its signature.
    let application = delivery.header(TIMESTAMP).is_some();
    let (name, report) = if application {
        let Wrapped { kind, payload } = delivery.json::<Wrapped<Report>>()?;
        (kind, payload.unwrap_or_default())
    } else {
        let report: Report = delivery.json()?;
        (report.kind.clone(), report)
    };
    let Some(name) = name else { return Ok(Vec::new()) };
    let target = Target { delivery, application };
    let conversation = report.conversation(application);
    let event = match (application, name.as_str()) {
        (false, "inbound") | (true, "inbound_received") => message(&name, true, conversation, target)?,
        (false, "outbound") | (true, "outbound_sent") => message(&name, false, conversation, target)?,
        (true, "message_delivery_failed") => message_failed(conversation, target)?,
        (false, "move") | (true, "conversation_moved") => NewEvent::new(&FrontConversationMoved { conversation })?,
        (false, "archive") | (true, "conversation_archived") => {
            NewEvent::new(&FrontConversationArchived { conversation })?
        }
        (false, "reopen") | (true, "conversation_reopened") => {
            NewEvent::new(&FrontConversationReopened { conversation })?
        }
        (false, "trash") | (true, "conversation_deleted") => NewEvent::new(&FrontConversationDeleted { conversation })?,
        (false, "restore") | (true, "conversation_restored") => {
            NewEvent::new(&FrontConversationRestored { conversation })?
        }
        (true, "conversation_snoozed") => NewEvent::new(&FrontConversationSnoozed { conversation })?,
        (true, "conversation_snooze_expired") => NewEvent::new(&FrontConversationUnsnoozed { conversation })?,
        (false, "assign" | "unassign") | (true, "assignee_changed") => assignee_changed(&report, conversation, target)?,
        (false, "tag") | (true, "tag_added") => NewEvent::new(&FrontTagAdded { tag: tag(conversation, target)? })?,
        (false, "untag") | (true, "tag_removed") => {
            NewEvent::new(&FrontTagRemoved { tag: tag(conversation, target)? })?
        }
        (_, "link_added") => NewEvent::new(&FrontLinkAdded { link: link(conversation, target)? })?,
        (_, "link_removed") => NewEvent::new(&FrontLinkRemoved { link: link(conversation, target)? })?,
        (false, "comment") | (true, "new_comment_added") => comment_added(conversation, target)?,
        _ => return Ok(Vec::new()),
    };
    let mut key = format!("front-{name}-{}", delivery.id);
    if let Some(emitted_at) = report.emitted_at.as_ref().and_then(Value::as_f64) {
        key.push('-');
        key.push_str(ryu_js::Buffer::new().format(emitted_at));
    }
    Ok(vec![event.with_id(key)])
}

fn message(name: &str, is_inbound: bool, conversation: FrontConversation, target: Target<'_>) -> Result<NewEvent> {
    let message: Message = target.read()?;
    let attachment_count = message.attachments.map_or(0, |attachments| attachments.len());
    let blurb = html::one_line(&message.blurb.unwrap_or_default());
    let body = message.body.unwrap_or_default();
    let texts = [
        html::one_line(&message.text.unwrap_or_default()),
        blurb.clone(),
        html::text(&body),
        match attachment_count {
            0 => String::new(),
            1 => "[Attachment-only message: 1 attachment]".to_owned(),
            count => format!("[Attachment-only message: {count} attachments]"),
        },
    ];
    let Some(body_plain) = texts.into_iter().find(|text| !text.is_empty()) else {
        let members: BTreeMap<String, IgnoredAny> = target.read()?;
        return NewEvent::new(&FrontMessageQuarantined {
            conversation_id: conversation.conversation_id,
            message_id: message.id.unwrap_or_default(),
            event_type: name.to_owned(),
            reason: "missing-message-text".to_owned(),
            payload_keys: members.into_keys().collect(),
        });
    };
    let recipients = message.recipients.unwrap_or_default();
    let from = recipients.iter().find(|recipient| recipient.role.as_deref() == Some("from"));
    let author = message.author.unwrap_or_default().email;
    let to = recipients.iter().filter(|recipient| recipient.role.as_deref() == Some("to"));
    let created_at = [message.created_at, message.created_at_camel, message.received_at];
    let message = FrontMessage {
        conversation_id: conversation.conversation_id,
        message_id: message.id.unwrap_or_default(),
        from: from.and_then(|from| from.handle.clone()).or(author).unwrap_or_default(),
        from_name: from.and_then(|from| from.name.clone()).unwrap_or_default(),
        to: to.filter_map(|recipient| recipient.handle.clone()).collect(),
        subject: message.subject.unwrap_or(conversation.subject),
        body: beginning(body, HTML_BYTES_MAX),
        preview: beginning(if blurb.is_empty() { body_plain.clone() } else { blurb }, PREVIEW_BYTES_MAX),
        body_plain: beginning(body_plain, TEXT_BYTES_MAX),
        is_inbound,
        attachment_count: u64::try_from(attachment_count).unwrap_or(u64::MAX),
        created_at: created_at.iter().flatten().next().and_then(milliseconds),
    };
    if is_inbound {
        NewEvent::new(&FrontMessageReceived { message })
    } else {
        NewEvent::new(&FrontMessageSent { message })
    }
}

fn message_failed(conversation: FrontConversation, target: Target<'_>) -> Result<NewEvent> {
    let message: Message = target.read()?;
    NewEvent::new(&FrontMessageFailed {
        conversation_id: conversation.conversation_id,
        message_id: message.id.unwrap_or_default(),
        subject: message.subject.unwrap_or(conversation.subject),
        error: message.error_type,
    })
}

fn assignee_changed(report: &Report, conversation: FrontConversation, target: Target<'_>) -> Result<NewEvent> {
    let assignee: Option<Teammate> = target.find()?;
    let is_unassign = match report.kind.as_deref() {
        Some("unassign") => true,
        Some("assign") => false,
        // An application's delivery may leave it to the conversation.
        _ => assignee.is_none() && report.conversation.as_ref().is_some_and(Conversation::is_unassigned),
    };
    let assignee = assignee.unwrap_or_default();
    let names = [assignee.first_name, assignee.last_name].into_iter().flatten().filter(|name| !name.is_empty());
    NewEvent::new(&FrontAssigneeChanged {
        conversation_id: conversation.conversation_id,
        assignee_email: assignee.email.unwrap_or_default(),
        assignee_name: names.collect::<Vec<_>>().join(" "),
        is_unassign,
    })
}

fn comment_added(conversation: FrontConversation, target: Target<'_>) -> Result<NewEvent> {
    let comment: Comment = target.read()?;
    NewEvent::new(&FrontCommentAdded {
        conversation_id: conversation.conversation_id,
        comment_body: beginning(comment.body.unwrap_or_default(), HTML_BYTES_MAX),
        author_email: comment.author.unwrap_or_default().email.unwrap_or_default(),
    })
}

fn tag(conversation: FrontConversation, target: Target<'_>) -> Result<FrontTag> {
    let tag: Named = target.read()?;
    Ok(FrontTag {
        conversation_id: conversation.conversation_id,
        tag_name: tag.name.unwrap_or_default(),
        tag_id: tag.id.unwrap_or_default(),
    })
}

fn link(conversation: FrontConversation, target: Target<'_>) -> Result<FrontLink> {
    let link: Named = target.read()?;
    Ok(FrontLink {
        conversation_id: conversation.conversation_id,
        link_name: link.name.unwrap_or_default(),
        link_id: link.id.unwrap_or_default(),
        link_url: link.external_url.unwrap_or_default(),
    })
}

/// The text, or as much of it as is allowed.
fn beginning(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

/// A time in milliseconds since 1970: of a number, or a text that is one, in seconds or milliseconds, or of a date.
fn milliseconds(time: &Value) -> Option<i64> {
    let number = match time {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let date = || time.as_str()?.trim().parse::<jiff::Timestamp>().ok().map(|date| date.as_millisecond());
    let milliseconds = match number {
        Some(number) if !f64::is_finite(number) => None,
        // Seconds reach it in the year 33658, milliseconds have since 2001.
        Some(number) if number > 1e12 => Some(number),
        Some(number) => Some(number * 1_000.0),
        None => return date().filter(|date| *date > 0),
    };
    // A number beyond the range becomes its end.
    milliseconds.map(|milliseconds| milliseconds.round() as i64).filter(|milliseconds| *milliseconds > 0)
}

// Front's deliveries, as far as they are used. Any field may be missing or null.

/// An application's delivery.
#[derive(Deserialize)]
struct Wrapped<T> {
    #[serde(rename = "type")]
    kind: Option<String>,
    payload: Option<T>,
}

/// What has happened; a rule's delivery is one. What it has happened to is left aside.
#[derive(Default, Deserialize)]
struct Report {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    subject: Option<String>,
    emitted_at: Option<Value>,
    conversation: Option<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    id: Option<String>,
    subject: Option<String>,
    status: Option<String>,
}

impl Report {
    /// The conversation; an application's payload may be one.
    fn conversation(&self, application: bool) -> FrontConversation {
        let (id, subject) = match &self.conversation {
            Some(conversation) => (&conversation.id, &conversation.subject),
            None if application => (&self.id, &self.subject),
            None => (&None, &None),
        };
        FrontConversation {
            conversation_id: id.clone().unwrap_or_default(),
            subject: subject.clone().unwrap_or_default(),
        }
    }
}

impl Conversation {
    fn is_unassigned(&self) -> bool {
        self.status.as_deref() == Some("unassigned")
    }
}

/// What it has happened to, which has another form for each kind of event.
#[derive(Clone, Copy)]
struct Target<'a> {
    delivery: &'a Delivery<'a>,
    application: bool,
}

impl Target<'_> {
    /// The target, or an empty one.
    fn read<T: DeserializeOwned + Default>(self) -> Result<T> {
        self.find().map(Option::unwrap_or_default)
    }

    fn find<T: DeserializeOwned>(self) -> Result<Option<T>> {
        // From the whole body, so that an error names the whole path.
        let report = if self.application {
            self.delivery.json::<Wrapped<WithTarget<T>>>()?.payload
        } else {
            Some(self.delivery.json::<WithTarget<T>>()?)
        };
        Ok(report.and_then(|report| report.target).and_then(|target| target.data))
    }
}

#[derive(Deserialize)]
struct WithTarget<T> {
    target: Option<Data<T>>,
}

#[derive(Deserialize)]
struct Data<T> {
    data: Option<T>,
}

#[derive(Default, Deserialize)]
struct Message {
    id: Option<String>,
    subject: Option<String>,
    text: Option<String>,
    blurb: Option<String>,
    body: Option<String>,
    error_type: Option<String>,
    recipients: Option<Vec<Recipient>>,
    author: Option<Teammate>,
    attachments: Option<Vec<IgnoredAny>>,
    created_at: Option<Value>,
    #[serde(rename = "createdAt")]
    created_at_camel: Option<Value>,
    received_at: Option<Value>,
}

#[derive(Deserialize)]
struct Recipient {
    role: Option<String>,
    handle: Option<String>,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Teammate {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Comment {
    body: Option<String>,
    author: Option<Teammate>,
}

/// A tag or a link.
#[derive(Default, Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
    external_url: Option<String>,
}
