//! What the operator is told of a task, and what Todoist is asked for to tell it.

use events::todoist::TodoistTask;
use serde::{Deserialize, Serialize};
use system_bus_runtime::error::{Result, StepError};
use system_bus_runtime::service::Notified;

use crate::clients::todoist::Todoist;
use crate::text::{beginning, excerpt, or_unknown};

/// Todoist's own limit for a title.
const TITLE_CHARS_MAX: usize = 500;

/// What is passed on of labels; a message to the operator has a bound.
const LABELS_MAX: usize = 20;

/// What was done about a task.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// One of our agents had done it; nobody was told.
    Echo {
        /// Todoist's id of the task.
        task_id: String,
    },
    /// The operator was told.
    Told {
        /// The id of the message.
        notification_id: String,
        /// Todoist's id of the task.
        task_id: String,
        /// The name of its project, when that could be found out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project_name: Option<String>,
    },
}

impl Outcome {
    pub(super) fn told(task: &TodoistTask, project: &Project, notified: Notified) -> Self {
        Self::Told { notification_id: notified.id, task_id: task.task_id.clone(), project_name: name_of(project) }
    }
}

/// The project's name, `None` for a task without a project; an error when Todoist could not be asked.
pub(super) type Project = Result<Option<String>, StepError>;

/// Asks for a project's name.
pub(super) async fn project_name(todoist: &Todoist, id: &str) -> Result<Option<String>> {
    if id.is_empty() {
        return Ok(None);
    }
    Ok(Some(todoist.project(id).await?.name))
}

fn name_of(project: &Project) -> Option<String> {
    project.as_ref().ok().cloned().flatten()
}

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    prompt: &'a str,
    task_id: &'a str,
    task_content: String,
    project_id: &'a str,
    project_name: Option<String>,
    labels: &'a [String],
    /// Whether Todoist could be asked for what its report does not say.
    enriched: bool,
}

impl<'a> Message<'a> {
    pub(super) fn of(task: &'a TodoistTask, project: &Project, prompt: &'a str) -> Self {
        Self {
            prompt,
            task_id: &task.task_id,
            task_content: beginning(&task.task_content, TITLE_CHARS_MAX),
            project_id: &task.project_id,
            project_name: name_of(project),
            labels: labels(task),
            enriched: project.is_ok(),
        }
    }
}

/// The message in words: a heading, the facts with `details` among them, and what the operator's agent is to do.
pub(super) fn prompt(
    heading: &str,
    task: &TodoistTask,
    project: &Project,
    details: &[String],
    request: &str,
) -> String {
    let title = excerpt(&task.task_content, TITLE_CHARS_MAX);
    let place = name_of(project).map(|name| format!(" ({name})")).unwrap_or_default();
    let mut lines = vec![format!("## {heading}"), String::new(), format!("- task: {}{place}", or_unknown(&title))];
    if !labels(task).is_empty() {
        lines.push(format!("- labels: {}", labels(task).join(", ")));
    }
    lines.extend_from_slice(details);
    lines.push(format!("- id: `{}`", task.task_id));
    if let Err(error) = project {
        lines.push(format!("- not looked up: {error}"));
    }
    lines.extend([String::new(), request.to_owned()]);
    lines.join("\n")
}

fn labels(task: &TodoistTask) -> &[String] {
    &task.labels[..task.labels.len().min(LABELS_MAX)]
}

/// A task for tests.
#[cfg(test)]
pub(super) fn sample() -> TodoistTask {
    TodoistTask {
        task_id: "6X7rM8997g3RQmvh".to_owned(),
        task_content: "Buy Milk".to_owned(),
        project_id: "6Jf8VQXxpwv56VQ7".to_owned(),
        labels: vec!["errand".to_owned(), "home".to_owned()],
    }
}

/// Todoist for tests: the project of [`sample`] is called `Shopping`.
#[cfg(test)]
pub(super) async fn todoist() -> (crate::clients::vendor::Vendor, Todoist) {
    use crate::clients::vendor::{Answer, Vendor};
    use serde_json::json;

    let vendor = Vendor::start(|request| match request.line().as_str() {
        "GET /tasks/6X7rM8997g3RQmvh" => Answer::json(&json!({
            "id": "6X7rM8997g3RQmvh",
            "content": "Buy oat milk",
            "project_id": "6Jf8VQXxpwv56VQ7",
            "labels": ["errand"],
        })),
        "GET /projects/6Jf8VQXxpwv56VQ7" => Answer::json(&json!({ "id": "6Jf8VQXxpwv56VQ7", "name": "Shopping" })),
        _ => Answer::empty(axum::http::StatusCode::NOT_FOUND),
    })
    .await;
    let todoist = asking(&vendor);
    (vendor, todoist)
}

/// Todoist for tests, with this server in its place.
#[cfg(test)]
pub(super) fn asking(vendor: &crate::clients::vendor::Vendor) -> Todoist {
    Todoist::new(vendor.base(), crate::clients::vendor::secrets([("TODOIST_API_TOKEN", "t-1")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_told_in_words() {
        let project = Ok(Some("Shopping".to_owned()));
        let details = ["- comment: soon".to_owned()];
        assert_eq!(
            prompt("📝 New task", &sample(), &project, &details, "Say something."),
            "## 📝 New task\n\n- task: Buy Milk (Shopping)\n- labels: errand, home\n- comment: soon\n\
             - id: `6X7rM8997g3RQmvh`\n\nSay something."
        );
    }

    #[test]
    fn what_could_not_be_looked_up_is_said() {
        let project = Err(StepError::new("TerminalError", "`todoist` answered 401"));
        let task = TodoistTask { task_id: "1".to_owned(), ..TodoistTask::default() };
        assert_eq!(
            prompt("x", &task, &project, &[], "y"),
            "## x\n\n- task: unknown\n- id: `1`\n- not looked up: `todoist` answered 401\n\ny"
        );
        assert!(!Message::of(&task, &project, "").enriched);
    }

    #[test]
    fn a_message_has_a_bound() {
        let task = TodoistTask {
            task_content: "x".repeat(100_000),
            labels: vec!["label".to_owned(); 10_000],
            ..TodoistTask::default()
        };
        let prompt = prompt("x", &task, &Ok(None), &[], "y");
        let message = serde_json::to_string(&Message::of(&task, &Ok(None), &prompt)).expect("is JSON");
        assert!(message.len() < 5_000, "{}", message.len());
    }
}
