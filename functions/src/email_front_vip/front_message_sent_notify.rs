//! Tells the operator that a mail has gone out.
//!
//! Starts on `front/message.sent`. A delivery that Front repeats has the same event id and starts nothing; a step that
//! runs twice asks again and sends the same message, which the gateway keeps once.

use events::front::FrontMessageSent;
use system_bus_runtime::prelude::*;

use super::front_conversation::{Known, Told, facts};
use crate::clients::front::Front;
use crate::text::or_unknown;

/// What is passed on of recipients; a message to the operator has a bound.
const RECIPIENTS_MAX: usize = 20;

const REQUEST: &str =
    "Is the conversation done, so that it can be archived, or does it need a tag or a date to come back to it?";

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    prompt: &'a str,
    conversation_id: &'a str,
    to: &'a [String],
    subject: &'a str,
    tags: &'a [String],
    enriched: bool,
}

/// Tells the operator that a mail has gone out.
#[inngest_fn(
    id = "front-message-sent-notify",
    name = "Front → gateway: mail sent",
    event = FrontMessageSent,
    role = host,
)]
pub async fn front_message_sent_notify(
    event: Event<FrontMessageSent>,
    step: Step,
    front: Front,
    gateway: Gateway,
) -> Result<Told> {
    let mail = &event.data.message;
    let looked_up = step.run("enrich-context", facts(&front, &mail.conversation_id)).await;
    let known = Known::of(&mail.conversation_id, &mail.subject, &looked_up);
    let to = &mail.to[..mail.to.len().min(RECIPIENTS_MAX)];
    let details = [format!("- to: {}", or_unknown(&to.join(", ")))];
    let prompt =
        step.run("build-prompt", async { Ok::<_, Error>(known.prompt("📤 Mail sent", &details, REQUEST)) }).await?;
    let message = Message {
        prompt: &prompt,
        conversation_id: &mail.conversation_id,
        to,
        subject: &known.subject,
        tags: &known.facts.tags,
        enriched: known.enriched(),
    };
    let notified = step.run("notify-gateway", gateway.notify("front.message.sent", message)).await?;
    Ok(Told::of(&mail.conversation_id, &known.subject, notified))
}

#[cfg(test)]
mod tests {
    use events::front::FrontMessage;
    use serde_json::json;
    use system_bus_runtime::testing::Harness;

    use super::*;
    use crate::email_front_vip::front_conversation::front;

    fn harness(conversation_id: &str, front: Front) -> Harness {
        let message = FrontMessage {
            conversation_id: conversation_id.to_owned(),
            to: vec!["ada@example.com".to_owned(), "bob@example.com".to_owned()],
            subject: "Hello".to_owned(),
            ..FrontMessage::default()
        };
        Harness::of::<front_message_sent_notify>().event(FrontMessageSent { message }).service(front)
    }

    #[tokio::test]
    async fn the_operator_learns_of_it() {
        let (_vendor, front) = front().await;
        let report = harness("cnv_1", front).run().await;
        assert_eq!(report.steps, ["enrich-context", "build-prompt", "notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "front.message.sent");
        let expected = json!({
            "prompt": notification.payload["prompt"],
            "conversationId": "cnv_1",
            "to": ["ada@example.com", "bob@example.com"],
            "subject": "The lighthouse",
            "tags": ["sea", "urgent"],
            "enriched": true,
        });
        assert_eq!(notification.payload, expected);
        let prompt = notification.payload["prompt"].as_str().expect("a text");
        assert!(prompt.starts_with("## 📤 Mail sent\n\n- to: ada@example.com, bob@example.com\n"), "{prompt}");
        assert_eq!(report.value::<Told>().expect("is told").subject, "The lighthouse");
    }

    #[tokio::test]
    async fn a_conversation_that_front_does_not_know_is_told_as_reported() {
        let (_vendor, front) = front().await;
        let report = harness("cnv_unknown", front).run().await;
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(
            (&notification.payload["subject"], &notification.payload["enriched"]),
            (&json!("Hello"), &json!(false))
        );
    }

    #[tokio::test]
    async fn it_survives_failures() {
        let (_vendor, front) = front().await;
        harness("cnv_1", front).check_all().await;
    }
}
