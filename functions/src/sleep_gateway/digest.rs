//! The digest of what has waited while the system slept.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Items that are kept for the digest; the others are counted.
const ITEMS_MAX: usize = 200;

/// Sources that the digest names, the busiest first.
const SOURCES_MAX: usize = 8;

/// Items that the digest shows.
const SAMPLES_MAX: usize = 6;

/// Characters of an item's words; what this program queues is shorter.
const WORDS_LENGTH_MAX: usize = 220;

/// What has waited: all of it counted, the first of it shown.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Waited {
    /// All messages.
    pub(super) count: usize,
    /// How many of each source, the busiest first.
    pub(super) sources: Vec<(String, usize)>,
    /// The oldest messages, in short.
    pub(super) items: Vec<Item>,
}

/// One message, in short.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Item {
    /// Its type.
    pub(super) event: String,
    /// When it was said, in ISO 8601.
    pub(super) timestamp: String,
    /// What it says.
    pub(super) summary: String,
}

impl Waited {
    /// What the queue holds. Other programs queue as well, so an item may be anything.
    pub(super) fn of(queue: &[Value]) -> Self {
        let mut sources: Vec<(String, usize)> = Vec::new();
        for item in queue {
            let event = text(item, "event").unwrap_or_default();
            let source = source(&event);
            match sources.iter_mut().find(|(known, _)| known == source) {
                Some((_, count)) => *count += 1,
                None => sources.push((source.to_owned(), 1)),
            }
        }
        // Stable: of two that are as busy the older one comes first.
        sources.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        sources.truncate(SOURCES_MAX);
        Self { count: queue.len(), sources, items: queue.iter().take(ITEMS_MAX).map(Item::of).collect() }
    }

    /// The digest for people.
    pub(super) fn text(&self, slept_for: Option<&str>) -> String {
        let mut lines = vec![format!("Messages that waited: {}", self.count)];
        lines.extend(slept_for.map(|slept_for| format!("Slept for: {slept_for}")));
        lines.push("By source:".to_owned());
        lines.extend(self.sources.iter().map(|(source, count)| format!("- {source}: {count}")));
        lines.push("First of them:".to_owned());
        // A summary may have several lines, of which each would look like a message.
        let line = |item: &Item| item.summary.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.extend(self.items.iter().take(SAMPLES_MAX).map(|item| format!("- {}", line(item))));
        let left_out = self.count.saturating_sub(self.items.len().min(SAMPLES_MAX));
        if left_out > 0 {
            lines.push(format!("and {left_out} more: `system-bus notifications` lists them"));
        }
        lines.join("\n")
    }
}

impl Item {
    fn of(queued: &Value) -> Self {
        let event = text(queued, "event").unwrap_or_else(|| "unknown".to_owned());
        let summary = text(queued, "summary").unwrap_or_else(|| event.clone());
        Self { timestamp: text(queued, "timestamp").unwrap_or_default(), event, summary }
    }
}

/// A field's words, unless it has none.
fn text(item: &Value, field: &str) -> Option<String> {
    let text = item.get(field)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(WORDS_LENGTH_MAX).collect())
}

/// Where an event comes from: its name up to the first `/` or `.`.
fn source(event: &str) -> &str {
    let source = event.split(['/', '.']).next().unwrap_or_default().trim();
    if source.is_empty() { "system" } else { source }
}

/// How long something took, as `7h 5m` or `12m`.
pub(super) fn span(millis: i64) -> String {
    let minutes = millis.max(0) / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn queued(event: &str) -> Value {
        json!({"event": event, "timestamp": "2026-01-31T06:00:00.000Z", "summary": format!("{event}: said")})
    }

    #[test]
    fn the_busiest_sources_come_first_and_the_oldest_messages_are_shown() {
        let events = ["ci.failed", "github.push", "github/pull", "video.ready", "github.push", "ci.passed", "a", "b"];
        let mut queue = events.map(queued);
        queue[0]["summary"] = json!("ci.failed:\n\n- said");
        let waited = Waited::of(&queue);
        assert_eq!(
            waited.text(Some("8h 0m")),
            "Messages that waited: 8\nSlept for: 8h 0m\nBy source:\n- github: 3\n- ci: 2\n- video: 1\n- a: 1\n- b: 1\n\
             First of them:\n- ci.failed: - said\n- github.push: said\n- github/pull: said\n- video.ready: said\n\
             - github.push: said\n- ci.passed: said\nand 2 more: `system-bus notifications` lists them"
        );
    }

    #[test]
    fn a_long_queue_is_counted_and_not_kept() {
        let queue: Vec<Value> = (0..1_000).map(|n| queued(&format!("s{n}.happened"))).collect();
        let waited = Waited::of(&queue);
        assert_eq!((waited.count, waited.sources.len(), waited.items.len()), (1_000, SOURCES_MAX, ITEMS_MAX));
        assert!(waited.text(None).ends_with("and 994 more: `system-bus notifications` lists them"));
    }

    #[test]
    fn what_other_programs_queue_may_be_anything() {
        let queue =
            [json!("text"), json!(null), json!({"event": " ", "summary": 7}), json!({"event": "/a"}), json!([])];
        let waited = Waited::of(&queue);
        assert_eq!(waited.sources, [("system".to_owned(), 5)]);
        assert_eq!((waited.items[0].event.as_str(), waited.items[3].summary.as_str()), ("unknown", "/a"));
        let long = Waited::of(&[json!({"event": "e".repeat(10_000), "summary": "é".repeat(10_000)})]);
        assert_eq!(long.items[0].summary.chars().count(), WORDS_LENGTH_MAX);
    }

    #[test]
    fn spans_are_hours_and_minutes() {
        for (millis, expected) in [(-5, "0m"), (59_999, "0m"), (720_000, "12m"), (25_500_000, "7h 5m")] {
            assert_eq!(span(millis), expected);
        }
    }
}
