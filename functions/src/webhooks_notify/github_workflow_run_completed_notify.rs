//! Tells the operator how a CI run ended.
//!
//! Starts on `github/workflow_run.completed`. A delivery that GitHub repeats has the same event id and starts nothing;
//! a step that runs twice sends the same message, which the gateway keeps once.

use events::github::GithubWorkflowRunCompleted;
use system_bus_runtime::prelude::*;

use crate::text::or_unknown;

/// What the operator was told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The id of the message.
    pub notification_id: String,
    /// The repository, as `owner/name`.
    pub repository: String,
    /// The workflow's name.
    pub workflow_name: String,
    /// How the run ended.
    pub conclusion: String,
    /// GitHub's id of the run.
    pub run_id: u64,
}

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    prompt: &'a str,
    repository: &'a str,
    workflow_name: &'a str,
    conclusion: &'a str,
    status: &'a str,
    trigger: &'a str,
    branch: &'a str,
    head_sha: &'a str,
    html_url: &'a str,
    actor_login: &'a str,
    run_id: u64,
    run_number: Option<u64>,
}

/// Tells the operator how a CI run ended.
#[inngest_fn(
    id = "github-workflow-run-completed-notify",
    name = "GitHub → gateway: workflow run completed",
    event = GithubWorkflowRunCompleted,
    role = cluster,
)]
pub async fn github_workflow_run_completed_notify(
    event: Event<GithubWorkflowRunCompleted>,
    step: Step,
    gateway: Gateway,
) -> Result<Told> {
    let run = &event.data;
    let prompt = step.run("build-prompt", async { Ok::<_, Error>(prompt(run)) }).await?;
    let message = message(run, &prompt);
    let kind = "github.workflow_run.completed";
    let told =
        async { if is_bad(run) { gateway.urgent(kind, message).await } else { gateway.notify(kind, message).await } };
    let notified = step.run("notify-gateway", told).await?;
    Ok(Told {
        notification_id: notified.id,
        repository: run.repository.clone(),
        workflow_name: run.workflow_name.clone(),
        conclusion: run.conclusion.clone(),
        run_id: run.run_id,
    })
}

/// Whether somebody has to look at it, even at night.
fn is_bad(run: &GithubWorkflowRunCompleted) -> bool {
    matches!(run.conclusion.as_str(), "failure" | "timed_out" | "startup_failure")
}

fn message<'a>(run: &'a GithubWorkflowRunCompleted, prompt: &'a str) -> Message<'a> {
    Message {
        prompt,
        repository: &run.repository,
        workflow_name: &run.workflow_name,
        conclusion: &run.conclusion,
        status: &run.status,
        trigger: &run.event,
        branch: &run.branch,
        head_sha: &run.head_sha,
        html_url: &run.html_url,
        actor_login: &run.actor_login,
        run_id: run.run_id,
        run_number: run.run_number,
    }
}

fn prompt(run: &GithubWorkflowRunCompleted) -> String {
    let ended = [&run.conclusion, &run.status].into_iter().find(|text| !text.is_empty());
    let ended = ended.map_or("unknown", String::as_str);
    let mark = if ended == "success" { "✅" } else { "❌" };
    let number = run.run_number.unwrap_or(run.run_id);
    let commit: String = run.head_sha.chars().take(8).collect();
    let mut lines = vec![
        format!("## {mark} {} in {}: {ended}", or_unknown(&run.workflow_name), or_unknown(&run.repository)),
        String::new(),
        format!("- run: #{number}, started by {} ({})", or_unknown(&run.actor_login), or_unknown(&run.event)),
        format!("- commit: `{}` on {}", or_unknown(&commit), or_unknown(&run.branch)),
    ];
    if !run.html_url.is_empty() {
        lines.push(format!("- page: {}", run.html_url));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::service::Urgency;
    use system_bus_runtime::testing::Harness;

    use super::*;

    fn ended(conclusion: &str) -> GithubWorkflowRunCompleted {
        GithubWorkflowRunCompleted {
            run_id: 987,
            run_number: Some(42),
            workflow_name: "CI".to_owned(),
            event: "push".to_owned(),
            status: "completed".to_owned(),
            conclusion: conclusion.to_owned(),
            html_url: "https://github.com/acme/widgets/actions/runs/987".to_owned(),
            branch: "main".to_owned(),
            head_sha: "0123456789abcdef".to_owned(),
            actor_login: "octocat".to_owned(),
            repository: "acme/widgets".to_owned(),
            ..GithubWorkflowRunCompleted::default()
        }
    }

    #[tokio::test]
    async fn the_operator_learns_how_the_run_ended() {
        let harness = Harness::of::<github_workflow_run_completed_notify>().event(ended("failure"));
        let report = harness.run().await;
        assert_eq!(report.steps, ["build-prompt", "notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "github.workflow_run.completed");
        assert_eq!(notification.source, "inngest/github/workflow_run.completed");
        assert_eq!(notification.payload["conclusion"], "failure");
        assert_eq!(notification.payload["trigger"], "push");
        assert_eq!(notification.payload["runNumber"], 42);
        assert_eq!(
            notification.payload["prompt"],
            "## ❌ CI in acme/widgets: failure\n\n- run: #42, started by octocat (push)\n- commit: `01234567` on main\n\
             - page: https://github.com/acme/widgets/actions/runs/987"
        );
        let output = report.value::<serde_json::Value>().unwrap();
        assert_eq!(output["notificationId"], notification.id);
        assert_eq!(output["runId"], 987);
    }

    #[tokio::test]
    async fn it_survives_failures() {
        Harness::of::<github_workflow_run_completed_notify>().event(ended("success")).check_all().await;
    }

    #[tokio::test]
    async fn a_failed_run_does_not_wait_while_the_system_sleeps() {
        for (conclusion, urgency) in [
            ("failure", Urgency::Urgent),
            ("timed_out", Urgency::Urgent),
            ("startup_failure", Urgency::Urgent),
            ("success", Urgency::Normal),
            ("cancelled", Urgency::Normal),
            ("", Urgency::Normal),
        ] {
            let harness = Harness::of::<github_workflow_run_completed_notify>().event(ended(conclusion));
            assert_eq!(harness.run().await.notifications[0].urgency, urgency, "{conclusion}");
        }
    }

    #[test]
    fn what_is_missing_is_called_unknown() {
        let prompt = prompt(&GithubWorkflowRunCompleted { run_id: 7, ..GithubWorkflowRunCompleted::default() });
        assert_eq!(
            prompt,
            "## ❌ unknown in unknown: unknown\n\n- run: #7, started by unknown (unknown)\n- commit: `unknown` on unknown"
        );
    }

    #[test]
    fn the_status_stands_in_for_a_missing_conclusion() {
        assert!(prompt(&ended("")).starts_with("## ❌ CI in acme/widgets: completed"));
        assert!(prompt(&ended("success")).starts_with("## ✅ CI in acme/widgets: success"));
    }
}
