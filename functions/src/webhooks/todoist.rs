//! Todoist's webhook: tasks that were added, completed or deleted, and comments on them.
//!
//! A delivery is signed with HMAC-SHA256 over its raw body under the app's client secret, not under the verification
//! token that the app's page shows ([vendor](https://developer.todoist.com/api/v1/#tag/Webhooks)). One that failed is
//! delivered up to three times more under the same id.

use events::todoist::{TodoistCommentAdded, TodoistTask, TodoistTaskCompleted, TodoistTaskCreated, TodoistTaskDeleted};
use serde::de::DeserializeOwned;
use system_bus_runtime::prelude::*;

use crate::text_or_number::TextOrNumber;

/// Turns Todoist's deliveries into events.
#[webhook_provider(
    id = "todoist",
    signature(
        hmac_sha256,
        header = "x-todoist-hmac-sha256",
        encoding = base64,
        secret = "TODOIST_CLIENT_SECRET",
        lease = "todoist_client_secret",
    ),
    delivery_id(header = "x-todoist-delivery-id"),
    emits(TodoistCommentAdded, TodoistTaskCompleted, TodoistTaskCreated, TodoistTaskDeleted),
)]
fn todoist(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let Kind { event_name } = delivery.json()?;
    let (id, event) = match event_name.as_str() {
        "note:added" => comment_added(delivery.json()?)?,
        "item:completed" => task_event(delivery, |task, task_description| {
            NewEvent::new(&TodoistTaskCompleted { task, task_description })
        })?,
        "item:added" => task_event(delivery, |task, _| NewEvent::new(&TodoistTaskCreated { task }))?,
        "item:deleted" => task_event(delivery, |task, _| NewEvent::new(&TodoistTaskDeleted { task }))?,
        _ => return Ok(Vec::new()),
    };
    // A recurring task is completed many times: what tells them apart is the delivery.
    Ok(vec![event.with_id(format!("todoist-{event_name}-{id}-{}", delivery.id))])
}

fn comment_added(body: Body<Note>) -> Result<(String, NewEvent)> {
    let note = body.event_data;
    let item = note.item.unwrap_or_default();
    let initiator = body.initiator.unwrap_or_default();
    let Some(task_id) = note.item_id.or(note.task_id).or(item.id) else {
        return Err(Error::terminal("`event_data`: missing field `item_id`"));
    };
    let data = TodoistCommentAdded {
        task_id: task_id.to_string(),
        comment_id: note.id.to_string(),
        comment_content: note.content.unwrap_or_default(),
        task_content: item.content.unwrap_or_default(),
        project_id: text(note.project_id.or(item.project_id)),
        initiator_id: text(initiator.id.or(body.user_id)),
    };
    Ok((data.comment_id.clone(), NewEvent::new(&data)?))
}

/// The id of the delivery's task, and the event that `new` makes of the task and its description.
fn task_event(
    delivery: &Delivery<'_>,
    new: impl Fn(TodoistTask, Option<String>) -> Result<NewEvent>,
) -> Result<(String, NewEvent)> {
    let Body::<Item> { event_data: item, .. } = delivery.json()?;
    let id = item.id.to_string();
    let task = TodoistTask {
        task_id: id.clone(),
        task_content: item.content.unwrap_or_default(),
        project_id: text(item.project_id),
        labels: item.labels.unwrap_or_default().iter().map(TextOrNumber::to_string).collect(),
    };
    Ok((id, new(task, item.description)?))
}

fn text(value: Option<TextOrNumber>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

// Todoist's payloads, as far as they are used. Ids are texts, and numbers in older versions.

#[derive(Deserialize)]
struct Kind {
    event_name: String,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Body<T> {
    event_data: T,
    initiator: Option<Initiator>,
    user_id: Option<TextOrNumber>,
}

#[derive(Default, Deserialize)]
struct Initiator {
    id: Option<TextOrNumber>,
}

#[derive(Deserialize)]
struct Item {
    id: TextOrNumber,
    content: Option<String>,
    description: Option<String>,
    project_id: Option<TextOrNumber>,
    labels: Option<Vec<TextOrNumber>>,
}

#[derive(Deserialize)]
struct Note {
    id: TextOrNumber,
    content: Option<String>,
    item_id: Option<TextOrNumber>,
    task_id: Option<TextOrNumber>,
    project_id: Option<TextOrNumber>,
    /// The task.
    item: Option<NotedItem>,
}

#[derive(Default, Deserialize)]
struct NotedItem {
    id: Option<TextOrNumber>,
    content: Option<String>,
    project_id: Option<TextOrNumber>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use system_bus_runtime::testing::WebhookHarness;

    use super::*;

    // The signature in Todoist's documentation has no body beside it.
    const SECRET: &str = "todoist-client-secret";
    const DELIVERY: (&str, &str) = ("x-todoist-delivery-id", "d-1");
    const SIGNATURE: &str = "XopAvTbYA1hAFCLPQHnxkLysuglp7rge6d+b4xoWojM=";
    const BODY: &str = concat!(
        r#"{"event_name":"item:completed","user_id":"2671355","event_data":{"id":"6X7rM8997g3RQmvh","#,
        r#""content":"Buy Milk","description":"","project_id":"6Jf8VQXxpwv56VQ7","labels":["errand"],"#,
        r#""checked":true},"initiator":{"id":"2671355","email":"ada@example.com","full_name":"Ada","#,
        r#""is_premium":true},"triggered_at":"2025-02-10T10:39:38.000000Z","version":"10"}"#
    );

    fn todoist() -> WebhookHarness {
        WebhookHarness::of("todoist").secret("TODOIST_CLIENT_SECRET", SECRET)
    }

    fn event(body: &Value) -> (String, String, Value) {
        todoist().event(&[DELIVERY], body.to_string())
    }

    #[test]
    fn a_completed_task_becomes_its_event() {
        let (name, key, data) = todoist().event(&[DELIVERY], BODY);
        assert_eq!(name, "todoist/task.completed");
        assert_eq!(key, "todoist-item:completed-6X7rM8997g3RQmvh-d-1");
        let expected = json!({
            "taskId": "6X7rM8997g3RQmvh",
            "taskContent": "Buy Milk",
            "taskDescription": "",
            "projectId": "6Jf8VQXxpwv56VQ7",
            "labels": ["errand"],
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn what_only_resembles_a_delivery_is_refused() {
        todoist().check_refusals(&[("x-todoist-hmac-sha256", SIGNATURE), DELIVERY], BODY);
    }

    #[test]
    fn a_recurring_task_that_is_completed_twice_is_two_events() {
        let key = |delivery: &str| todoist().event(&[("x-todoist-delivery-id", delivery)], BODY).1;
        assert_ne!(key("d-1"), key("d-2"));
        assert_eq!(key("d-1"), key("d-1"));
        let without = |body: &str| todoist().event(&[], body).1;
        assert!(without(BODY).starts_with("todoist-item:completed-6X7rM8997g3RQmvh-body-"));
        assert_eq!(without(BODY), without(BODY));
        assert_ne!(without(BODY), without(&BODY.replace("2025-02-10", "2025-02-11")));
    }

    #[test]
    fn added_and_deleted_tasks_become_their_events() {
        for (kind, expected) in [("item:added", "todoist/task.created"), ("item:deleted", "todoist/task.deleted")] {
            let (name, key, data) = todoist().event(&[DELIVERY], BODY.replace("item:completed", kind));
            assert_eq!((name.as_str(), key), (expected, format!("todoist-{kind}-6X7rM8997g3RQmvh-d-1")));
            let expected = json!({
                "taskId": "6X7rM8997g3RQmvh",
                "taskContent": "Buy Milk",
                "projectId": "6Jf8VQXxpwv56VQ7",
                "labels": ["errand"],
            });
            assert_eq!(data, expected);
        }
    }

    #[test]
    fn a_comment_brings_its_task() {
        let body = json!({
            "event_name": "note:added",
            "user_id": "2671355",
            "event_data": {
                "id": "6XGgm6PHrGgMpCFX",
                "content": "Two bottles, **please**",
                "item_id": "6X7rM8997g3RQmvh",
                "item": { "id": "6X7rM8997g3RQmvh", "content": "Buy Milk", "project_id": "6Jf8VQXxpwv56VQ7" },
            },
            "initiator": { "id": "2671362" },
        });
        let (name, key, data) = event(&body);
        assert_eq!((name.as_str(), key.as_str()), ("todoist/comment.added", "todoist-note:added-6XGgm6PHrGgMpCFX-d-1"));
        let expected = json!({
            "taskId": "6X7rM8997g3RQmvh",
            "commentId": "6XGgm6PHrGgMpCFX",
            "commentContent": "Two bottles, **please**",
            "taskContent": "Buy Milk",
            "projectId": "6Jf8VQXxpwv56VQ7",
            "initiatorId": "2671362",
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn one_field_stands_in_for_another() {
        let comment = |event_data: Value| {
            event(&json!({ "event_name": "note:added", "user_id": 2_671_355, "event_data": event_data })).2
        };
        let data = comment(json!({ "id": "n", "item_id": null, "task_id": "t", "project_id": "p" }));
        assert_eq!((&data["taskId"], &data["projectId"]), (&json!("t"), &json!("p")));
        assert_eq!(data["initiatorId"], "2671355");
        assert_eq!(comment(json!({ "id": "n", "item": { "id": "i" } }))["taskId"], "i");
    }

    #[test]
    fn ids_may_be_numbers() {
        let body = json!({
            "event_name": "item:completed",
            "event_data": { "id": 2_995_104_339_u64, "content": "Buy Milk", "project_id": 2_203_306_141_u64, "labels": [7] },
        });
        let (_, key, data) = event(&body);
        assert_eq!(key, "todoist-item:completed-2995104339-d-1");
        assert_eq!((&data["taskId"], &data["projectId"]), (&json!("2995104339"), &json!("2203306141")));
        assert_eq!(data["labels"], json!(["7"]));
    }

    #[test]
    fn missing_and_null_fields_have_defaults() {
        for event_data in
            [json!({ "id": "t" }), json!({ "id": "t", "content": null, "project_id": null, "labels": null })]
        {
            let (_, _, data) = event(&json!({ "event_name": "item:completed", "event_data": event_data }));
            assert_eq!(data, json!({ "taskId": "t", "taskContent": "", "projectId": "", "labels": [] }));
        }
        let note = json!({ "event_name": "note:added", "initiator": null, "user_id": null,
            "event_data": { "id": "n", "item_id": "t", "content": null, "item": null } });
        let expected = TodoistCommentAdded {
            task_id: "t".to_owned(),
            comment_id: "n".to_owned(),
            ..TodoistCommentAdded::default()
        };
        assert_eq!(serde_json::from_value::<TodoistCommentAdded>(event(&note).2).ok(), Some(expected));
    }

    #[test]
    fn other_events_are_of_no_interest() {
        for kind in ["item:updated", "item:uncompleted", "note:updated", "project:added", "constructor", ""] {
            assert!(todoist().events(&[DELIVERY], json!({ "event_name": kind }).to_string()).is_empty(), "{kind}");
        }
    }

    #[test]
    fn a_body_that_does_not_fit_is_a_problem() {
        for (body, expected) in [
            (json!({}), "missing field `event_name`"),
            (json!({ "event_name": 7 }), "event_name"),
            (json!({ "event_name": "item:added" }), "missing field `event_data`"),
            (json!({ "event_name": "item:added", "event_data": {} }), "`event_data`: missing field `id`"),
            (
                json!({ "event_name": "item:added", "event_data": { "id": [] } }),
                "`event_data.id`: expected a text or a number",
            ),
            (json!({ "event_name": "item:added", "event_data": { "id": "t", "labels": "a" } }), "event_data.labels"),
            (
                json!({ "event_name": "note:added", "event_data": { "id": "n" } }),
                "`event_data`: missing field `item_id`",
            ),
        ] {
            let problem = todoist().problem(&[DELIVERY], body.to_string());
            assert!(problem.contains(expected), "{body}: {problem}");
        }
    }
}
