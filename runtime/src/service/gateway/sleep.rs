//! What happens to messages while the system sleeps: which ones pass, and as what the others wait.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Notification, Urgency};

/// The key of the state that is there while the system sleeps: a [`SleepState`].
pub const SLEEP_KEY: &str = "system:sleep";

/// The key of the list of what waits, oldest first: [`QueuedMessage`]s. A message that finds
/// [`STATE_ITEMS_MAX`](crate::service::STATE_ITEMS_MAX) of them is delivered at once, so that none is lost.
pub const SLEEP_QUEUE_KEY: &str = "sleep:queue";

/// Characters of a summary.
const SUMMARY_LENGTH_MAX: usize = 220;

/// The fields of a payload that say it best, the best first.
const SPEAKING_FIELDS: [&str; 7] = ["summary", "message", "prompt", "text", "title", "subject", "detail"];

/// Since when the system sleeps, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SleepState {
    /// When it began, in ISO 8601.
    pub since: String,
    /// Why, in somebody's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For how long, as it was asked for, such as `1h30m`; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
}

/// A message that waits until the system wakes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedMessage {
    /// The message's type.
    pub event: String,
    /// When it was said, in ISO 8601.
    pub timestamp: String,
    /// What it says, in short.
    pub summary: String,
    /// The whole message; other programs may queue without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Notification>,
}

impl QueuedMessage {
    /// A message as it waits.
    pub fn of(notification: Notification) -> Self {
        Self {
            event: notification.kind.clone(),
            timestamp: iso_time(notification.ts),
            summary: notification.summary(),
            record: Some(notification),
        }
    }
}

impl Notification {
    /// Whether it reaches the operator while the system sleeps: because it is urgent, or, where nobody said so, because
    /// of its type or of the conversation that it belongs to.
    pub fn passes_sleep(&self) -> bool {
        self.urgency == Urgency::Urgent
            || self.kind == "alert"
            || self.is_vip()
            || self.is_deploy_failure()
            || self.kind.starts_with("system/health.alert")
            || self.is_direct_message()
    }

    fn is_vip(&self) -> bool {
        starts_with_any(&self.kind, ["vip/", "vip."])
    }

    fn is_deploy_failure(&self) -> bool {
        self.kind.ends_with("deploy.failed")
            || self.kind.contains("deploy") && (self.kind.contains("failed") || self.kind.contains("error"))
    }

    fn is_direct_message(&self) -> bool {
        let field = |name| self.payload.get(name).and_then(Value::as_str).unwrap_or_default();
        let sessions = [self.origin_session.as_deref().unwrap_or_default(), field("originSession")];
        starts_with_any(&self.kind, ["telegram/", "telegram.", "discord/", "discord."])
            || sessions.iter().any(|session| starts_with_any(session, ["telegram:", "discord:"]))
            || starts_with_any(field("source"), ["telegram", "discord"])
    }

    /// Its type and what it says, in at most 220 characters.
    pub fn summary(&self) -> String {
        let said = SPEAKING_FIELDS.iter().find_map(|field| {
            let text = self.payload.get(field)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        });
        let empty = self.payload.is_null() || self.payload.as_object().is_some_and(serde_json::Map::is_empty);
        let text = match said {
            Some(text) => format!("{}: {text}", self.kind),
            None if empty => self.kind.clone(),
            None => format!("{}: {}", self.kind, self.payload),
        };
        if text.chars().count() <= SUMMARY_LENGTH_MAX {
            return text;
        }
        text.chars().take(SUMMARY_LENGTH_MAX - 1).chain(['…']).collect()
    }
}

fn starts_with_any<const N: usize>(text: &str, starts: [&str; N]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}

/// A time in milliseconds since 1970 as ISO 8601 in UTC, such as `2026-01-31T06:00:00.000Z`.
pub fn iso_time(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX });
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(kind: &str, payload: Value) -> Notification {
        Notification {
            id: "1".to_owned(),
            kind: kind.to_owned(),
            source: "test".to_owned(),
            payload,
            ts: 1_769_839_200_500,
            origin_session: None,
            urgency: Urgency::Normal,
        }
    }

    #[test]
    fn what_passes_while_the_system_sleeps() {
        for (kind, payload, passes) in [
            ("alert", json!({}), true),
            ("alerts", json!({}), false),
            ("vip/mail", json!({}), true),
            ("vip.mail", json!({}), true),
            ("vipmail", json!({}), false),
            ("deploy.failed", json!({}), true),
            ("web.deploy.failed", json!({}), true),
            ("vercel.deploy.error", json!({}), true),
            ("vercel.deploy.succeeded", json!({}), false),
            ("backup.failed", json!({}), false),
            ("system/health.alert", json!({}), true),
            ("system/health.alert.disk", json!({}), true),
            ("system/health.checked", json!({}), false),
            ("telegram/message", json!({}), true),
            ("telegram.message", json!({}), true),
            ("discord/message", json!({}), true),
            ("discord.message", json!({}), true),
            ("telegrams", json!({}), false),
            ("progress", json!({"originSession": "telegram:42"}), true),
            ("progress", json!({"originSession": "discord:42"}), true),
            ("progress", json!({"originSession": "telegram"}), false),
            ("progress", json!({"source": "telegram-bot"}), true),
            ("progress", json!({"source": "discord"}), true),
            ("progress", json!({"source": "slack"}), false),
            ("progress", json!({"source": 7}), false),
            ("progress", json!({}), false),
            ("github.workflow_run.completed", json!({"conclusion": "failure"}), false),
        ] {
            assert_eq!(message(kind, payload.clone()).passes_sleep(), passes, "{kind} {payload}");
        }
    }

    #[test]
    fn what_is_urgent_passes_whatever_its_type() {
        let urgent = Notification { urgency: Urgency::Urgent, ..message("github.workflow_run.completed", json!({})) };
        assert!(urgent.passes_sleep());
    }

    #[test]
    fn what_a_conversation_waits_for_passes() {
        let origin = Notification { origin_session: Some("telegram:42".to_owned()), ..message("progress", json!({})) };
        assert!(origin.passes_sleep());
        let other = Notification { origin_session: Some("pi-7".to_owned()), ..message("progress", json!({})) };
        assert!(!other.passes_sleep());
    }

    #[test]
    fn a_summary_is_what_the_payload_says_best() {
        for (payload, expected) in [
            (json!({"detail": "d", "message": " m ", "n": 1}), "ci: m"),
            (json!({"summary": "  ", "subject": "s"}), "ci: s"),
            (json!({"message": 7, "n": 1}), r#"ci: {"message":7,"n":1}"#),
            (json!({}), "ci"),
            (Value::Null, "ci"),
        ] {
            assert_eq!(message("ci", payload.clone()).summary(), expected, "{payload}");
        }
        let long = message("ci", json!({ "message": "é".repeat(500) })).summary();
        assert_eq!(long.chars().count(), 220);
        assert!(long.starts_with("ci: é") && long.ends_with("é…"), "{long}");
    }

    #[test]
    fn a_queued_message_keeps_the_whole_record() {
        let record = message("ci", json!({"message": "red", "run": 7}));
        let queued = serde_json::to_value(QueuedMessage::of(record.clone())).unwrap();
        assert_eq!(queued["event"], "ci");
        assert_eq!(queued["timestamp"], "2026-01-31T06:00:00.500Z");
        assert_eq!(queued["summary"], "ci: red");
        assert_eq!(serde_json::from_value::<Notification>(queued["record"].clone()).unwrap(), record);
        let foreign: QueuedMessage =
            serde_json::from_value(json!({"event": "a", "timestamp": "t", "summary": "s"})).unwrap();
        assert_eq!(foreign.record, None);
    }

    #[test]
    fn times_have_milliseconds_and_never_fail() {
        assert_eq!(iso_time(0), "1970-01-01T00:00:00.000Z");
        assert!(iso_time(i64::MIN).starts_with('-') && iso_time(i64::MAX).starts_with("9999"));
    }
}
