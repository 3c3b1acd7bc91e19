//! Delivers the end of a CI run, with the list of its artefacts, to the sessions that subscribed to it.
//!
//! Starts on `github/workflow_run.completed`. A delivery that comes again within 7 days reaches nobody twice: it is known
//! by GitHub's id of the delivery and the run. When the artefacts cannot be listed, the event is delivered without them
//! and says why.

use events::github::GithubWorkflowRunCompleted;
use serde_json::Value;
use system_bus_runtime::prelude::*;

use super::delivery::{Courier, Dispatched, Webhook};
use super::subscription::find;
use crate::clients::github::{Artifact, Github};
use crate::environment::Environment;
use crate::text::or_unknown;

const PROVIDER: &str = "github";
const EVENT: &str = "workflow_run.completed";

/// Artefacts that a session is shown; all are in the message beside.
const SHOWN_MAX: usize = 10;

/// Delivers the end of a CI run, with the list of its artefacts, to the sessions that subscribed to it.
#[inngest_fn(
    id = "webhook-subscription-dispatch-github-workflow-run-completed",
    name = "Webhook subscriptions: workflow run completed",
    event = GithubWorkflowRunCompleted,
    retries = 2,
    concurrency(limit = 8, key = "event.data.runId"),
    role = cluster,
)]
pub async fn webhook_subscription_dispatch_github_workflow_run_completed(
    event: Event<GithubWorkflowRunCompleted>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
    github: Github,
    environment: Environment,
) -> Result<Dispatched> {
    let completed = &event.data;
    let mut data = serde_json::to_value(completed)?.as_object().cloned().unwrap_or_default();
    let found = step.run("match-subscriptions", find(PROVIDER, EVENT, &data, event.ts, &state)).await?;
    // Most runs are nobody's business, and GitHub counts what it is asked.
    if found.matches.is_empty() {
        return Ok(Dispatched::to_nobody(&found));
    }
    let artifacts = github.artifacts(&completed.repository, completed.run_id);
    let (artifacts, error) = match step.run("fetch-artifacts", artifacts).await {
        Ok(artifacts) => (artifacts, None),
        Err(error) => (Vec::new(), Some(error.message)),
    };
    let prompt = prompt(completed, &artifacts, error.as_deref());
    data.insert("artifacts".to_owned(), serde_json::to_value(&artifacts)?);
    data.extend(error.map(|error| ("artifactFetchError".to_owned(), Value::from(error))));
    let webhook = Webhook {
        provider: PROVIDER.to_owned(),
        event: EVENT.to_owned(),
        delivery: delivery(&event),
        data,
        prompt,
        ts: event.ts,
    };
    let courier = Courier { run: &run, state: &state, gateway: &gateway, environment: &environment };
    courier.dispatch(&step, &webhook, &found).await
}

fn delivery(event: &Event<GithubWorkflowRunCompleted>) -> String {
    let GithubWorkflowRunCompleted { delivery_id, run_id, .. } = &event.data;
    let delivery = if delivery_id.trim().is_empty() { &event.id } else { delivery_id };
    format!("{EVENT}:{delivery}:{run_id}")
}

fn prompt(completed: &GithubWorkflowRunCompleted, artifacts: &[Artifact], error: Option<&str>) -> String {
    let ended = [&completed.conclusion, &completed.status].into_iter().find(|text| !text.is_empty());
    let ended = ended.map_or("unknown", String::as_str);
    let commit: String = completed.head_sha.chars().take(8).collect();
    let mut lines = vec![
        format!("## 🔔 {} in {}: {ended}", or_unknown(&completed.workflow_name), or_unknown(&completed.repository)),
        String::new(),
        "You subscribed to this event. See whether it asks for something.".to_owned(),
        String::new(),
        format!(
            "- run: #{}, started by {}",
            completed.run_number.unwrap_or(completed.run_id),
            or_unknown(&completed.actor_login)
        ),
        format!("- commit: `{}` on {}", or_unknown(&commit), or_unknown(&completed.branch)),
    ];
    if !completed.html_url.is_empty() {
        lines.push(format!("- page: {}", completed.html_url));
    }
    let shown = artifacts.iter().take(SHOWN_MAX).map(|artifact| {
        let expired = if artifact.expired { ", expired" } else { "" };
        format!("- artefact: {} ({} bytes{expired})", artifact.name, artifact.size_in_bytes)
    });
    lines.extend(shown);
    if let Some(more) = artifacts.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        lines.push(format!("- and {more} more artefacts"));
    }
    lines.extend(error.map(|error| format!("- the artefacts are not known: {error}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;
    use system_bus_runtime::testing::{Harness, Report};

    use super::*;
    use crate::clients::vendor::{Answer, Vendor, secrets};

    const CLAIM: &str = "joelclaw:webhook:dedup:a:workflow_run.completed:d-1:987";

    fn completed(repository: &str) -> GithubWorkflowRunCompleted {
        GithubWorkflowRunCompleted {
            delivery_id: "d-1".to_owned(),
            run_id: 987,
            run_number: Some(42),
            workflow_name: "CI".to_owned(),
            event: "push".to_owned(),
            conclusion: "failure".to_owned(),
            branch: "main".to_owned(),
            head_sha: "0123456789abcdef".to_owned(),
            actor_login: "octocat".to_owned(),
            repository: repository.to_owned(),
            ..GithubWorkflowRunCompleted::default()
        }
    }

    fn harness(github: &Vendor, event: GithubWorkflowRunCompleted) -> Harness {
        let record = json!({
            "id": "a", "provider": "github", "event": "workflow_run.completed", "sessionId": "pi-7", "active": true,
            "filters": { "repo": "ACME/widgets", "conclusion": " Failure" }, "createdAt": "2026-01-01T00:00:00.000Z",
        });
        Harness::of::<webhook_subscription_dispatch_github_workflow_run_completed>()
            .event(event)
            .service(Github::new(github.base(), secrets([("GITHUB_TOKEN", "t")])))
            .state_hash("joelclaw:webhook:subscriptions", [("a", record)])
            .state_set("joelclaw:webhook:index:github:workflow_run.completed", ["a"])
    }

    fn artifact(name: String) -> Value {
        json!({
            "id": 11, "name": name, "size_in_bytes": 42, "expired": true, "url": "https://api.example/11",
            "archive_download_url": "https://api.example/11/zip",
        })
    }

    async fn github(artifacts: usize) -> Vendor {
        let artifacts: Vec<_> = (0..artifacts).map(|index| artifact(format!("log-{index}"))).collect();
        Vendor::start(move |_| Answer::json(&json!({ "artifacts": artifacts }))).await
    }

    fn dispatched(report: &Report) -> Dispatched {
        report.value().expect("succeeds")
    }

    #[tokio::test]
    async fn a_session_gets_the_run_with_its_artefacts() {
        let github = github(12).await;
        let report = harness(&github, completed("acme/widgets")).run().await;
        assert_eq!(report.steps, ["match-subscriptions", "fetch-artifacts", "deliver-a", "notify-a"]);
        assert_eq!((dispatched(&report).delivered, dispatched(&report).notified_sessions), (1, 1));
        let [message] = &report.notifications[..] else { panic!("one message") };
        assert_eq!(message.origin_session.as_deref(), Some("pi-7"));
        let payload = &message.payload;
        assert_eq!((&payload["provider"], &payload["event"]), (&json!("github"), &json!("workflow_run.completed")));
        assert_eq!((&payload["runId"], &payload["artifacts"][11]["name"]), (&json!(987), &json!("log-11")));
        assert_eq!(payload.get("artifactFetchError"), None);
        let prompt = payload["prompt"].as_str().expect("a text");
        assert!(prompt.starts_with("## 🔔 CI in acme/widgets: failure\n"), "{prompt}");
        assert!(prompt.ends_with("- artefact: log-9 (42 bytes, expired)\n- and 2 more artefacts"), "{prompt}");
        let envelope = &report.state.value("joelclaw:webhook:events:a").expect("is kept")[0];
        assert_eq!(envelope["data"]["artifacts"], payload["artifacts"]);
        assert!(report.state.value(CLAIM).is_some());
    }

    #[tokio::test]
    async fn a_run_that_nobody_subscribed_to_is_not_asked_about() {
        let github = github(0).await;
        let report = harness(&github, completed("acme/other")).run().await;
        assert_eq!(dispatched(&report), Dispatched::to_nobody(&super::super::subscription::Matches::default()));
        assert!(github.requests().is_empty() && report.notifications.is_empty());
    }

    #[tokio::test]
    async fn when_the_artefacts_are_not_known_the_event_says_so() {
        let github = Vendor::start(|_| Answer::empty(StatusCode::NOT_FOUND)).await;
        let report = harness(&github, completed("acme/widgets")).run().await;
        let payload = &report.notifications[0].payload;
        assert_eq!(payload["artifactFetchError"], "`github` answered 404");
        assert_eq!(payload["artifacts"], json!([]));
        let prompt = payload["prompt"].as_str().expect("a text");
        assert!(prompt.ends_with("- the artefacts are not known: `github` answered 404"), "{prompt}");
    }

    #[tokio::test]
    async fn the_same_delivery_reaches_nobody_twice() {
        let github = github(0).await;
        let report = harness(&github, completed("acme/widgets")).state(CLAIM, &"another run").run().await;
        assert_eq!((dispatched(&report).duplicates, report.notifications.len()), (1, 0));
    }

    #[tokio::test]
    async fn it_survives_failures() {
        let github = github(1).await;
        harness(&github, completed("acme/widgets")).check_all().await;
    }
}
