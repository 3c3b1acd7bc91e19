//! What Todoist reports of tasks and comments by webhook.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// Somebody commented on a task.
#[event("todoist/comment.added")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct TodoistCommentAdded {
    /// Todoist's id of the task.
    pub task_id: String,
    /// Todoist's id of the comment.
    pub comment_id: String,
    /// The comment, in Markdown.
    pub comment_content: String,
    /// The task's title, empty when Todoist does not send it.
    #[serde(default)]
    pub task_content: String,
    /// Todoist's id of the task's project.
    #[serde(default)]
    pub project_id: String,
    /// Todoist's id of the user who commented.
    #[serde(default)]
    pub initiator_id: String,
}

/// A task was completed.
#[event("todoist/task.completed")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct TodoistTaskCompleted {
    /// The task.
    #[serde(flatten)]
    pub task: TodoistTask,
    /// What its title does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_description: Option<String>,
}

/// A task was added.
#[event("todoist/task.created")]
#[derive(Default, PartialEq)]
pub struct TodoistTaskCreated {
    /// The task.
    #[serde(flatten)]
    pub task: TodoistTask,
}

/// A task was deleted.
#[event("todoist/task.deleted")]
#[derive(Default, PartialEq)]
pub struct TodoistTaskDeleted {
    /// The task.
    #[serde(flatten)]
    pub task: TodoistTask,
}

/// A task, as all its events describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TodoistTask {
    /// Todoist's id of the task.
    pub task_id: String,
    /// The task's title, in Markdown.
    pub task_content: String,
    /// Todoist's id of the task's project.
    #[serde(default)]
    pub project_id: String,
    /// The names of the task's labels.
    #[serde(default)]
    pub labels: Vec<String>,
}
