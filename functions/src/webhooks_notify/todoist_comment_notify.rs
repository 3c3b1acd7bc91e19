//! Hands a comment on a task to the operator's agent, as an instruction about that task.
//!
//! Starts on `todoist/comment.added`. What Todoist reports may lack the task, so the task and its project are asked
//! for; when that fails for good, the comment goes on as it came. A delivery that Todoist repeats has the same event id
//! and starts nothing; a step that runs twice asks again and sends the same message, which the gateway keeps once.

use events::todoist::{TodoistCommentAdded, TodoistTask};
use system_bus_runtime::prelude::*;

use super::todoist_task::{Message, Outcome, project_name, prompt};
use crate::clients::todoist::Todoist;
use crate::text::beginning;

/// What is passed on of a comment, twice; a message to the operator has a bound.
const COMMENT_CHARS_MAX: usize = 4_000;

const REQUEST: &str = "The comment is an instruction about this task: do what it asks, or say why not.";

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommentMessage<'a> {
    #[serde(flatten)]
    task: Message<'a>,
    comment_id: &'a str,
    comment_content: &'a str,
}

/// Hands a comment on a task to the operator's agent, as an instruction about that task.
#[inngest_fn(
    id = "todoist-comment-notify",
    name = "Todoist → gateway: comment added",
    event = TodoistCommentAdded,
    role = cluster,
)]
pub async fn todoist_comment_notify(
    event: Event<TodoistCommentAdded>,
    step: Step,
    todoist: Todoist,
    gateway: Gateway,
) -> Result<Outcome> {
    let comment = &event.data;
    let context = step.run("enrich-context", context(&todoist, comment)).await;
    let (task, project) = match context {
        Ok((task, project)) => (task, Ok(project)),
        Err(error) => (as_reported(comment), Err(error)),
    };
    let content = beginning(&comment.comment_content, COMMENT_CHARS_MAX);
    let details = [format!("- comment `{}`: {content}", comment.comment_id)];
    let prompt = step
        .run("build-prompt", async {
            Ok::<_, Error>(prompt("💬 Comment on a task", &task, &project, &details, REQUEST))
        })
        .await?;
    let message = CommentMessage {
        task: Message::of(&task, &project, &prompt),
        comment_id: &comment.comment_id,
        comment_content: &content,
    };
    let notified = step.run("notify-gateway", gateway.notify("todoist.comment.added", message)).await?;
    Ok(Outcome::told(&task, &project, notified))
}

/// The task as it is now, and the name of its project.
async fn context(todoist: &Todoist, comment: &TodoistCommentAdded) -> Result<(TodoistTask, Option<String>)> {
    let task = todoist.task(&comment.task_id).await?;
    let project = project_name(todoist, &task.project_id).await?;
    let task = TodoistTask {
        task_id: comment.task_id.clone(),
        task_content: task.content,
        project_id: task.project_id,
        labels: task.labels,
    };
    Ok((task, project))
}

/// The task as far as the comment's report has it.
fn as_reported(comment: &TodoistCommentAdded) -> TodoistTask {
    TodoistTask {
        task_id: comment.task_id.clone(),
        task_content: comment.task_content.clone(),
        project_id: comment.project_id.clone(),
        labels: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;
    use system_bus_runtime::testing::Harness;

    use super::*;
    use crate::clients::vendor::{Answer, Vendor};
    use crate::webhooks_notify::todoist_task::{asking, todoist};

    fn comment() -> TodoistCommentAdded {
        TodoistCommentAdded {
            task_id: "6X7rM8997g3RQmvh".to_owned(),
            comment_id: "7".to_owned(),
            comment_content: "two bottles\nof oat milk".to_owned(),
            task_content: "Buy Milk".to_owned(),
            project_id: "reported".to_owned(),
            initiator_id: "2671355".to_owned(),
        }
    }

    fn harness(comment: TodoistCommentAdded, todoist: Todoist) -> Harness {
        Harness::of::<todoist_comment_notify>().event(comment).service(todoist)
    }

    #[tokio::test]
    async fn the_agent_gets_the_comment_with_the_task_as_it_is_now() {
        let (vendor, todoist) = todoist().await;
        let report = harness(comment(), todoist).run().await;
        assert_eq!(report.steps, ["enrich-context", "build-prompt", "notify-gateway"]);
        assert_eq!(vendor.lines(), ["GET /tasks/6X7rM8997g3RQmvh", "GET /projects/6Jf8VQXxpwv56VQ7"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "todoist.comment.added");
        let expected = json!({
            "prompt": "## 💬 Comment on a task\n\n- task: Buy oat milk (Shopping)\n- labels: errand\n\
                       - comment `7`: two bottles\nof oat milk\n- id: `6X7rM8997g3RQmvh`\n\n\
                       The comment is an instruction about this task: do what it asks, or say why not.",
            "taskId": "6X7rM8997g3RQmvh",
            "taskContent": "Buy oat milk",
            "projectId": "6Jf8VQXxpwv56VQ7",
            "projectName": "Shopping",
            "labels": ["errand"],
            "enriched": true,
            "commentId": "7",
            "commentContent": "two bottles\nof oat milk",
        });
        assert_eq!(notification.payload, expected);
    }

    #[tokio::test]
    async fn when_todoist_refuses_the_comment_goes_on_as_it_came() {
        let vendor = Vendor::start(|_| Answer::empty(StatusCode::FORBIDDEN)).await;
        let report = harness(comment(), asking(&vendor)).run().await;
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        let payload = &notification.payload;
        assert_eq!((&payload["taskContent"], &payload["projectId"]), (&json!("Buy Milk"), &json!("reported")));
        assert_eq!((&payload["enriched"], &payload["projectName"]), (&json!(false), &json!(null)));
        let prompt = payload["prompt"].as_str().expect("a text");
        assert!(prompt.contains("- not looked up: `todoist` answered 403\n"), "{prompt}");
    }

    #[tokio::test]
    async fn a_long_comment_is_cut() {
        let (_vendor, todoist) = todoist().await;
        let comment = TodoistCommentAdded { comment_content: "é\u{1}".repeat(50_000), ..comment() };
        let report = harness(comment, todoist).run().await;
        let payload = report.notifications[0].payload.to_string();
        assert!(payload.len() < 64 * 1024, "{}", payload.len());
    }

    #[tokio::test]
    async fn it_survives_failures() {
        let (_vendor, todoist) = todoist().await;
        harness(comment(), todoist).check_all().await;
    }
}
