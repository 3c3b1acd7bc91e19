//! Tells the operator whose a conversation is now.
//!
//! Starts on `front/assignee.changed`. A delivery that Front repeats has the same event id and starts nothing; a step
//! that runs twice asks again and sends the same message, which the gateway keeps once.

use events::front::FrontAssigneeChanged;
use system_bus_runtime::prelude::*;

use super::front_conversation::{Known, Told, facts};
use crate::clients::front::Front;

const REQUEST: &str = "A word is enough, unless the conversation is the operator's now: then see what there is to do.";

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    prompt: &'a str,
    conversation_id: &'a str,
    assignee_email: &'a str,
    assignee_name: &'a str,
    subject: &'a str,
    tags: &'a [String],
    enriched: bool,
}

/// Tells the operator whose a conversation is now.
#[inngest_fn(
    id = "front-assignee-changed-notify",
    name = "Front → gateway: assignee changed",
    event = FrontAssigneeChanged,
    role = host,
)]
pub async fn front_assignee_changed_notify(
    event: Event<FrontAssigneeChanged>,
    step: Step,
    front: Front,
    gateway: Gateway,
) -> Result<Told> {
    let change = &event.data;
    let looked_up = step.run("enrich-context", facts(&front, &change.conversation_id)).await;
    let known = Known::of(&change.conversation_id, "", &looked_up);
    let who = assignee(change, &known);
    let details = [format!("- now with: {who}")];
    let prompt = step
        .run("build-prompt", async { Ok::<_, Error>(known.prompt("👤 Conversation assigned", &details, REQUEST)) })
        .await?;
    let message = Message {
        prompt: &prompt,
        conversation_id: &change.conversation_id,
        assignee_email: &change.assignee_email,
        assignee_name: who,
        subject: &known.subject,
        tags: &known.facts.tags,
        enriched: known.enriched(),
    };
    let notified = step.run("notify-gateway", gateway.notify("front.assignee.changed", message)).await?;
    Ok(Told::of(&change.conversation_id, &known.subject, notified))
}

/// Who has it now. The report of a removal may still name who had it before.
fn assignee<'a>(change: &'a FrontAssigneeChanged, known: &'a Known) -> &'a str {
    if change.is_unassign {
        return "nobody";
    }
    let names = [&change.assignee_name, &change.assignee_email, &known.facts.assignee];
    names.into_iter().find(|name| !name.is_empty()).map_or("nobody", String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use system_bus_runtime::testing::Harness;

    use super::*;
    use crate::email_front_vip::front_conversation::front;

    fn change() -> FrontAssigneeChanged {
        FrontAssigneeChanged {
            conversation_id: "cnv_1".to_owned(),
            assignee_email: "ada@example.com".to_owned(),
            assignee_name: "Ada".to_owned(),
            is_unassign: false,
        }
    }

    fn harness(change: FrontAssigneeChanged, front: Front) -> Harness {
        Harness::of::<front_assignee_changed_notify>().event(change).service(front)
    }

    #[tokio::test]
    async fn the_operator_learns_whose_it_is() {
        let (_vendor, front) = front().await;
        let report = harness(change(), front).run().await;
        assert_eq!(report.steps, ["enrich-context", "build-prompt", "notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "front.assignee.changed");
        let expected = json!({
            "prompt": notification.payload["prompt"],
            "conversationId": "cnv_1",
            "assigneeEmail": "ada@example.com",
            "assigneeName": "Ada",
            "subject": "The lighthouse",
            "tags": ["sea", "urgent"],
            "enriched": true,
        });
        assert_eq!(notification.payload, expected);
        let prompt = notification.payload["prompt"].as_str().expect("a text");
        assert!(prompt.starts_with("## 👤 Conversation assigned\n\n- now with: Ada\n"), "{prompt}");
    }

    #[tokio::test]
    async fn whose_it_is_comes_from_the_report_or_else_from_front() {
        let (_vendor, front) = front().await;
        let named = async |change: FrontAssigneeChanged| {
            let report = harness(change, front.clone()).run().await;
            report.notifications[0].payload["assigneeName"].as_str().expect("a text").to_owned()
        };
        let unnamed = FrontAssigneeChanged { assignee_name: String::new(), ..change() };
        assert_eq!(named(unnamed.clone()).await, "ada@example.com");
        let unknown = FrontAssigneeChanged { assignee_email: String::new(), ..unnamed };
        assert_eq!(named(unknown).await, "Grace Hopper");
        assert_eq!(named(FrontAssigneeChanged { is_unassign: true, ..change() }).await, "nobody");
    }

    #[tokio::test]
    async fn it_survives_failures() {
        let (_vendor, front) = front().await;
        harness(change(), front).check_all().await;
    }
}
