//! Tasks and projects of Todoist (developer.todoist.com, API v1), and which tasks our own agents close.

use system_bus_runtime::function::Context;
use system_bus_runtime::prelude::*;

use super::api::{Api, secrets};

const BASE: &str = "https://api.todoist.com/api/v1";

/// The account's token.
const TOKEN: SecretSource = SecretSource { variables: &["TODOIST_API_TOKEN"], lease: Some("todoist_api_token") };

/// How long an agent's closing of a task is remembered: Todoist reports it within seconds.
const CLOSED_FOR: Duration = Duration::from_secs(60);

/// Asks Todoist. Call it inside a step.
#[derive(Clone)]
pub struct Todoist {
    api: Api,
}

/// A task, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Todoist's id of the task.
    pub id: String,
    /// The title, in Markdown.
    pub content: String,
    /// Todoist's id of the project.
    pub project_id: String,
    /// The names of the labels.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A project, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Todoist's id of the project.
    pub id: String,
    /// The name.
    pub name: String,
}

impl Todoist {
    /// Todoist at another address, with the token among these secrets.
    pub fn new(base: impl Into<String>, secrets: Secrets) -> Self {
        Self { api: Api::new("todoist", base, TOKEN, secrets) }
    }

    /// The task with this id (`GET /tasks/{id}`).
    pub async fn task(&self, id: &str) -> Result<Task> {
        self.api.get(&["tasks", id], &[]).await
    }

    /// The project with this id (`GET /projects/{id}`).
    pub async fn project(&self, id: &str) -> Result<Project> {
        self.api.get(&["projects", id], &[]).await
    }
}

impl FromContext for Todoist {
    fn from_context(context: &Context) -> Result<Self> {
        context.service().or_else(|_| secrets(context).map(|secrets| Self::new(BASE, secrets)))
    }
}

/// Remembers for 60 s that an agent closes this task. Call it before closing, so that Todoist's report of it finds the
/// mark and starts no new work; each task's mark ends on its own.
pub async fn mark_closed_by_agent(state: &State, task_id: &str) -> Result<()> {
    state.set(closed_key(task_id), &true, Some(CLOSED_FOR)).await
}

/// Whether an agent has closed this task within the last 60 s.
pub async fn is_closed_by_agent(state: &State, task_id: &str) -> Result<bool> {
    Ok(state.get(closed_key(task_id)).await?.unwrap_or(false))
}

fn closed_key(task_id: &str) -> String {
    format!("todoist:agent-closed:{}", task_id.trim())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use system_bus_runtime::testing::MemoryState;

    use super::*;
    use crate::clients::vendor::{Answer, Vendor, secrets};

    fn todoist(vendor: &Vendor) -> Todoist {
        Todoist::new(format!("{}/api/v1", vendor.base()), secrets([("TODOIST_API_TOKEN", "t-1")]))
    }

    #[tokio::test]
    async fn a_task_is_asked_for_by_its_id() {
        // The documented answer, shortened.
        let vendor = Vendor::start(|_| {
            Answer::json(&json!({
                "user_id": "2671355",
                "id": "6X7rM8997g3RQmvh",
                "project_id": "6Jf8VQXxpwv56VQ7",
                "section_id": null,
                "parent_id": null,
                "labels": ["errand"],
                "checked": false,
                "due": null,
                "priority": 1,
                "content": "Buy Milk",
                "description": "",
                "note_count": 1,
            }))
        })
        .await;
        let task = todoist(&vendor).task("6X7rM8997g3RQmvh").await.expect("is answered");
        let expected = Task {
            id: "6X7rM8997g3RQmvh".to_owned(),
            content: "Buy Milk".to_owned(),
            project_id: "6Jf8VQXxpwv56VQ7".to_owned(),
            labels: vec!["errand".to_owned()],
        };
        assert_eq!(task, expected);
        let [request] = &vendor.requests()[..] else { panic!("one request") };
        assert_eq!(request.line(), "GET /api/v1/tasks/6X7rM8997g3RQmvh");
        assert_eq!(request.header("authorization"), "Bearer t-1");
    }

    #[tokio::test]
    async fn a_project_is_asked_for_by_its_id() {
        let vendor = Vendor::start(|_| {
            Answer::json(
                &json!({ "id": "6Jf8VQXxpwv56VQ7", "name": "Shopping", "color": "charcoal", "is_shared": false }),
            )
        })
        .await;
        let project = todoist(&vendor).project("6Jf8VQXxpwv56VQ7").await.expect("is answered");
        assert_eq!(project.name, "Shopping");
        assert_eq!(vendor.lines(), ["GET /api/v1/projects/6Jf8VQXxpwv56VQ7"]);
    }

    #[tokio::test]
    async fn the_mark_of_one_task_ends_after_a_minute_whatever_else_is_closed() {
        let store = MemoryState::default();
        let state = State::new(Arc::new(store.clone()));
        let is_closed = async |id| is_closed_by_agent(&state, id).await.expect("is read");
        mark_closed_by_agent(&state, "1").await.expect("is kept");
        store.clock().advance(Duration::from_secs(40));
        mark_closed_by_agent(&state, " 2 ").await.expect("is kept");
        assert!(is_closed("1").await && is_closed("2").await && !is_closed("3").await);
        store.clock().advance(Duration::from_secs(30));
        assert!(!is_closed("1").await && is_closed("2").await);
    }
}
