//! Tells the operator that a task was completed, so that what follows from it is done.
//!
//! Starts on `todoist/task.completed`. A task that one of our agents has closed is no news: the mark that the agent
//! leaves is asked for first, and it ends a minute later for each task on its own. When the mark cannot be read the
//! operator is told, because an echo costs less than silence. A delivery that Todoist repeats has the same event id and
//! starts nothing; a step that runs twice asks again and sends the same message, which the gateway keeps once.

use events::todoist::TodoistTaskCompleted;
use system_bus_runtime::prelude::*;

use super::todoist_task::{Message, Outcome, project_name, prompt};
use crate::clients::todoist::{Todoist, is_closed_by_agent};

const REQUEST: &str = "See what follows from it: a next task, an appointment that is no longer needed, somebody to \
                       tell. If nothing does, a word is enough.";

/// Tells the operator that a task was completed, so that what follows from it is done.
#[inngest_fn(
    id = "todoist-task-completed-notify",
    name = "Todoist → gateway: task completed",
    event = TodoistTaskCompleted,
    role = cluster,
)]
pub async fn todoist_task_completed_notify(
    event: Event<TodoistTaskCompleted>,
    step: Step,
    todoist: Todoist,
    state: State,
    gateway: Gateway,
) -> Result<Outcome> {
    let task = &event.data.task;
    let echo = step.run("check-agent-closed", is_closed_by_agent(&state, &task.task_id)).await;
    if echo.unwrap_or(false) {
        return Ok(Outcome::Echo { task_id: task.task_id.clone() });
    }
    let project = step.run("enrich-context", project_name(&todoist, &task.project_id)).await;
    let prompt = step
        .run("build-prompt", async { Ok::<_, Error>(prompt("✅ Task completed", task, &project, &[], REQUEST)) })
        .await?;
    let message = Message::of(task, &project, &prompt);
    let notified = step.run("notify-gateway", gateway.notify("todoist.task.completed", message)).await?;
    Ok(Outcome::told(task, &project, notified))
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::testing::Harness;

    use super::*;
    use crate::webhooks_notify::todoist_task::{sample, todoist};

    fn harness(todoist: Todoist) -> Harness {
        let completed = TodoistTaskCompleted { task: sample(), task_description: None };
        Harness::of::<todoist_task_completed_notify>().event(completed).service(todoist)
    }

    #[tokio::test]
    async fn the_operator_learns_of_it() {
        let (vendor, todoist) = todoist().await;
        let report = harness(todoist).run().await;
        assert_eq!(report.steps, ["check-agent-closed", "enrich-context", "build-prompt", "notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "todoist.task.completed");
        let prompt = notification.payload["prompt"].as_str().expect("a text");
        assert!(prompt.starts_with("## ✅ Task completed\n\n- task: Buy Milk (Shopping)\n"), "{prompt}");
        assert_eq!(
            (&notification.payload["taskId"], &notification.payload["enriched"]),
            (&sample().task_id.into(), &true.into())
        );
        assert_eq!(vendor.lines(), ["GET /projects/6Jf8VQXxpwv56VQ7"]);
    }

    #[tokio::test]
    async fn what_an_agent_has_closed_is_no_news() {
        let (vendor, todoist) = todoist().await;
        let harness = harness(todoist).state("todoist:agent-closed:6X7rM8997g3RQmvh", &true);
        let report = harness.run().await;
        assert_eq!(report.steps, ["check-agent-closed"]);
        assert_eq!(report.value::<Outcome>(), Ok(Outcome::Echo { task_id: sample().task_id }));
        assert!(report.notifications.is_empty() && vendor.requests().is_empty());
        harness.check_all().await;
    }

    #[tokio::test]
    async fn the_mark_of_another_task_hides_nothing() {
        let (_vendor, todoist) = todoist().await;
        let report = harness(todoist).state("todoist:agent-closed:another", &true).run().await;
        assert_eq!(report.notified(), ["todoist.task.completed"]);
    }

    #[tokio::test]
    async fn when_the_mark_cannot_be_read_the_operator_is_told() {
        let (_vendor, todoist) = todoist().await;
        let report = harness(todoist).fail_step("check-agent-closed", Error::terminal("the store is gone")).run().await;
        assert_eq!(report.notified(), ["todoist.task.completed"]);
    }

    #[tokio::test]
    async fn it_survives_failures() {
        let (_vendor, todoist) = todoist().await;
        harness(todoist).check_all().await;
    }
}
