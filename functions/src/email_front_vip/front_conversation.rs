//! What the operator is told of a conversation in Front, and what Front is asked for to tell it.

use serde::{Deserialize, Serialize};
use system_bus_runtime::error::{Result, StepError};
use system_bus_runtime::service::Notified;

use crate::clients::front::Front;
use crate::text::{excerpt, or_unknown};

/// Longer is no subject.
const SUBJECT_CHARS_MAX: usize = 300;

/// What is passed on of tags; a message to the operator has a bound.
const TAGS_MAX: usize = 20;

/// What the operator was told.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The id of the message.
    pub notification_id: String,
    /// Front's id of the conversation.
    pub conversation_id: String,
    /// The subject.
    pub subject: String,
}

impl Told {
    pub(super) fn of(conversation_id: &str, subject: &str, notified: Notified) -> Self {
        let (conversation_id, subject) = (conversation_id.to_owned(), subject.to_owned());
        Self { notification_id: notified.id, conversation_id, subject }
    }
}

/// A conversation as it is now, or why Front could not be asked.
pub(super) type LookedUp = Result<Facts, StepError>;

/// What Front knows of a conversation beyond its report; what it does not know is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) subject: String,
    pub(super) status: String,
    pub(super) assignee: String,
    pub(super) tags: Vec<String>,
}

/// Asks for a conversation.
pub(super) async fn facts(front: &Front, conversation_id: &str) -> Result<Facts> {
    let conversation = front.conversation(conversation_id).await?;
    let tags = conversation.tags.into_iter().take(TAGS_MAX).map(|tag| tag.name);
    Ok(Facts {
        subject: excerpt(&conversation.subject.unwrap_or_default(), SUBJECT_CHARS_MAX),
        status: conversation.status.unwrap_or_default(),
        assignee: conversation.assignee.and_then(|teammate| teammate.shown()).unwrap_or_default(),
        tags: tags.collect(),
    })
}

/// What is known of a conversation: the facts, or what its report says.
pub(super) struct Known<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) subject: String,
    pub(super) facts: Facts,
    failure: Option<&'a StepError>,
}

impl<'a> Known<'a> {
    /// The facts, with the report's subject when Front knows none.
    pub(super) fn of(conversation_id: &'a str, reported_subject: &str, looked_up: &'a LookedUp) -> Self {
        let facts = looked_up.clone().unwrap_or_default();
        let subject =
            if facts.subject.is_empty() { excerpt(reported_subject, SUBJECT_CHARS_MAX) } else { facts.subject.clone() };
        Self { conversation_id, subject, facts, failure: looked_up.as_ref().err() }
    }

    /// Whether Front could be asked for what its report does not say.
    pub(super) fn enriched(&self) -> bool {
        self.failure.is_none()
    }

    /// The message in words: a heading, the facts after `details`, and what the operator's agent is to do.
    pub(super) fn prompt(&self, heading: &str, details: &[String], request: &str) -> String {
        let mut lines = vec![format!("## {heading}"), String::new()];
        lines.extend_from_slice(details);
        lines.push(format!("- subject: {}", or_unknown(&self.subject)));
        if self.enriched() {
            lines.push(format!("- status: {}, assigned to {}", or_unknown(&self.facts.status), self.assignee()));
        }
        if !self.facts.tags.is_empty() {
            lines.push(format!("- tags: {}", self.facts.tags.join(", ")));
        }
        lines.push(format!("- conversation: `{}`", self.conversation_id));
        lines.extend(self.failure.map(|error| format!("- not looked up: {error}")));
        lines.extend([String::new(), request.to_owned()]);
        lines.join("\n")
    }

    fn assignee(&self) -> &str {
        if self.facts.assignee.is_empty() { "nobody" } else { &self.facts.assignee }
    }
}

/// Front for tests: it knows the conversation `cnv_1`.
#[cfg(test)]
pub(super) async fn front() -> (crate::clients::vendor::Vendor, Front) {
    use crate::clients::vendor::{Answer, Vendor};
    use serde_json::json;

    let vendor = Vendor::start(|request| match request.line().as_str() {
        "GET /conversations/cnv_1" => Answer::json(&json!({
            "id": "cnv_1",
            "subject": "The lighthouse",
            "status": "assigned",
            "assignee": { "email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper" },
            "tags": [{ "id": "tag_1", "name": "sea" }, { "id": "tag_2", "name": "urgent" }],
        })),
        _ => Answer::empty(axum::http::StatusCode::NOT_FOUND),
    })
    .await;
    let front = asking(&vendor);
    (vendor, front)
}

/// Front for tests, with this server in its place.
#[cfg(test)]
pub(super) fn asking(vendor: &crate::clients::vendor::Vendor) -> Front {
    Front::new(vendor.base(), crate::clients::vendor::secrets([("FRONT_API_TOKEN", "f-1")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_conversation_is_told_in_words() {
        let (_vendor, front) = front().await;
        let looked_up = Ok(facts(&front, "cnv_1").await.expect("is answered"));
        let known = Known::of("cnv_1", "Hello", &looked_up);
        assert_eq!(
            known.prompt("📧 Mail", &["- from: Ada".to_owned()], "Do something."),
            "## 📧 Mail\n\n- from: Ada\n- subject: The lighthouse\n- status: assigned, assigned to Grace Hopper\n\
             - tags: sea, urgent\n- conversation: `cnv_1`\n\nDo something."
        );
        assert!(known.enriched());
    }

    #[test]
    fn what_could_not_be_looked_up_is_said_and_the_report_s_subject_stays() {
        let looked_up = Err(StepError::new("TerminalError", "`front` answered 404"));
        let known = Known::of("cnv_2", "Hello", &looked_up);
        assert_eq!(
            known.prompt("x", &[], "y"),
            "## x\n\n- subject: Hello\n- conversation: `cnv_2`\n- not looked up: `front` answered 404\n\ny"
        );
        assert!(!known.enriched());
    }

    #[test]
    fn what_front_does_not_know_is_not_made_up() {
        let looked_up = Ok(Facts::default());
        let prompt = Known::of("cnv_3", "", &looked_up).prompt("x", &[], "y");
        assert!(prompt.contains("- subject: unknown\n- status: unknown, assigned to nobody\n"), "{prompt}");
    }
}
