//! Tells the operator of a new task, so that an agent may help with it.
//!
//! Starts on `todoist/task.created`. A delivery that Todoist repeats has the same event id and starts nothing; a step
//! that runs twice asks again and sends the same message, which the gateway keeps once.

use events::todoist::TodoistTaskCreated;
use system_bus_runtime::prelude::*;

use super::todoist_task::{Message, Outcome, project_name, prompt};
use crate::clients::todoist::Todoist;

const REQUEST: &str = "See whether you can help: find a date for it, divide it into smaller tasks, look something up, \
                       bring what the vault knows. A mere note needs a word only.";

/// Tells the operator of a new task, so that an agent may help with it.
#[inngest_fn(
    id = "todoist-task-created-notify",
    name = "Todoist → gateway: task created",
    event = TodoistTaskCreated,
    role = cluster,
)]
pub async fn todoist_task_created_notify(
    event: Event<TodoistTaskCreated>,
    step: Step,
    todoist: Todoist,
    gateway: Gateway,
) -> Result<Outcome> {
    let task = &event.data.task;
    let project = step.run("enrich-context", project_name(&todoist, &task.project_id)).await;
    let prompt =
        step.run("build-prompt", async { Ok::<_, Error>(prompt("📝 New task", task, &project, &[], REQUEST)) }).await?;
    let message = Message::of(task, &project, &prompt);
    let notified = step.run("notify-gateway", gateway.notify("todoist.task.created", message)).await?;
    Ok(Outcome::told(task, &project, notified))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::StatusCode;
    use events::todoist::TodoistTask;
    use serde_json::json;
    use system_bus_runtime::testing::{Harness, Report};

    use super::*;
    use crate::clients::vendor::{Answer, Vendor, secrets};
    use crate::webhooks_notify::todoist_task::{asking, sample, todoist};

    fn harness(todoist: Todoist) -> Harness {
        Harness::of::<todoist_task_created_notify>().event(TodoistTaskCreated { task: sample() }).service(todoist)
    }

    fn told_without(report: &Report, why: &str) {
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.payload["enriched"], false);
        assert_eq!(notification.payload["projectName"], json!(null));
        let prompt = notification.payload["prompt"].as_str().expect("a text");
        assert!(prompt.contains(&format!("- not looked up: {why}\n")), "{prompt}");
        assert!(report.output.is_ok());
    }

    #[tokio::test]
    async fn the_operator_learns_of_it() {
        let (_vendor, todoist) = todoist().await;
        let report = harness(todoist).run().await;
        assert_eq!(report.steps, ["enrich-context", "build-prompt", "notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "todoist.task.created");
        let expected = json!({
            "prompt": notification.payload["prompt"],
            "taskId": "6X7rM8997g3RQmvh",
            "taskContent": "Buy Milk",
            "projectId": "6Jf8VQXxpwv56VQ7",
            "projectName": "Shopping",
            "labels": ["errand", "home"],
            "enriched": true,
        });
        assert_eq!(notification.payload, expected);
        let told = Outcome::Told {
            notification_id: notification.id.clone(),
            task_id: sample().task_id,
            project_name: Some("Shopping".to_owned()),
        };
        assert_eq!(report.value::<Outcome>(), Ok(told));
    }

    #[tokio::test]
    async fn trouble_of_todoist_is_waited_for() {
        let asked = AtomicUsize::new(0);
        let vendor = Vendor::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::empty(StatusCode::BAD_GATEWAY),
            1 => Answer::empty(StatusCode::TOO_MANY_REQUESTS).header("retry-after", "5"),
            _ => Answer::json(&json!({ "id": "6Jf8VQXxpwv56VQ7", "name": "Shopping" })),
        })
        .await;
        let report = harness(asking(&vendor)).run().await;
        assert_eq!(vendor.requests().len(), 3);
        assert_eq!(report.notifications[0].payload["projectName"], "Shopping");
    }

    #[tokio::test]
    async fn when_todoist_refuses_the_operator_is_told_without() {
        for (answer, why) in [
            (Answer::empty(StatusCode::UNAUTHORIZED), "`todoist` answered 401"),
            (Answer::empty(StatusCode::NOT_FOUND), "`todoist` answered 404"),
            (Answer::text("text/html", "<html>"), "`todoist` answered with a page instead of JSON"),
        ] {
            let vendor = Vendor::start(move |_| answer.clone()).await;
            told_without(&harness(asking(&vendor)).run().await, why);
            assert_eq!(vendor.requests().len(), 1, "{why}");
        }
    }

    #[tokio::test]
    async fn when_todoist_stays_down_the_operator_is_told_without() {
        let vendor = Vendor::start(|_| Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)).await;
        told_without(&harness(asking(&vendor)).run().await, "`todoist` answered 500");
        assert!(vendor.requests().len() > 1);
    }

    #[tokio::test]
    async fn without_a_token_the_operator_is_told_without() {
        let todoist = Todoist::new("http://127.0.0.1:1", secrets([]));
        let report = harness(todoist).run().await;
        let why = "`TODOIST_API_TOKEN` (lease `todoist_api_token`) is not set, and this worker leases nothing: set the variable";
        told_without(&report, why);
    }

    #[tokio::test]
    async fn a_task_without_a_project_needs_no_question() {
        let (vendor, todoist) = todoist().await;
        let task = TodoistTask { project_id: String::new(), ..sample() };
        let harness = Harness::of::<todoist_task_created_notify>().event(TodoistTaskCreated { task }).service(todoist);
        let report = harness.run().await;
        assert!(vendor.requests().is_empty());
        assert_eq!(report.notifications[0].payload["enriched"], true);
    }

    #[tokio::test]
    async fn it_survives_failures() {
        let (_vendor, todoist) = todoist().await;
        harness(todoist).check_all().await;
    }
}
