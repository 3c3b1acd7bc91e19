//! GitHub's webhook: CI runs that have ended, packages that were published, and every other event that is declared.
//!
//! A delivery is signed with HMAC-SHA256 over its raw body
//! ([vendor](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries)). GitHub does not repeat a
//! delivery that failed, and one that is repeated by hand keeps its id. A body has at most 25 MB.
//!
//! What has no mapping of its own becomes `github/{event}.{action}`, or `github/{event}` where there is no action, with
//! GitHub's payload as its data: declare a type for it, and it is sent.

use events::github::{GithubPackagePublished, GithubWorkflowRunCompleted};
use serde_json::value::RawValue;
use system_bus_runtime::prelude::*;

/// Turns GitHub's deliveries into events.
#[webhook_provider(
    id = "github",
    signature(
        hmac_sha256,
        header = "x-hub-signature-256",
        prefix = "sha256=",
        secret = "GITHUB_WEBHOOK_SECRET",
        lease = "github_webhook_secret",
    ),
    delivery_id(header = "x-github-delivery"),
    headers("x-github-event"),
    emits(GithubWorkflowRunCompleted, GithubPackagePublished, "github/*"),
    body_mib_max = 25
)]
fn github(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let Some(event) = delivery.header("x-github-event") else {
        return Err(Error::terminal("the header `x-github-event` is missing"));
    };
    let Action { action } = delivery.json()?;
    match (event, action.as_deref()) {
        // It follows a webhook's creation and means that the address works.
        ("ping", _) => Ok(Vec::new()),
        ("workflow_run", Some("completed")) => workflow_run(delivery.json()?, delivery.id),
        ("package", Some("published")) => package(delivery.json()?, delivery.id),
        (event, action) => any(event, action, delivery),
    }
}

#[derive(Deserialize)]
struct Action {
    action: Option<String>,
}

/// The payload as it is, under GitHub's own name.
fn any(event: &str, action: Option<&str>, delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let name = match action {
        Some(action) => format!("github/{event}.{action}"),
        None => format!("github/{event}"),
    };
    let payload: Box<RawValue> = delivery.json()?;
    Ok(vec![NewEvent::named(name, payload).with_id(format!("github-{event}-{}", delivery.id))])
}

fn workflow_run(body: WorkflowRunBody, delivery_id: &str) -> Result<Vec<NewEvent>> {
    let run = body.workflow_run.unwrap_or_default();
    let workflow = body.workflow.unwrap_or_default();
    let repository = body.repository.unwrap_or_default();
    let head_repository = run.head_repository.unwrap_or_default();
    let run_id = run.id.unwrap_or_default();
    let key = format!("github-workflow-run-completed-{delivery_id}-{run_id}");
    let data = GithubWorkflowRunCompleted {
        action: "completed".to_owned(),
        delivery_id: delivery_id.to_owned(),
        run_id,
        run_number: run.run_number,
        run_attempt: run.run_attempt,
        workflow_id: workflow.id.or(run.workflow_id).unwrap_or_default(),
        workflow_name: workflow.name.or(run.name).unwrap_or_default(),
        event: run.event.unwrap_or_default(),
        status: run.status.unwrap_or_default(),
        conclusion: run.conclusion.unwrap_or_default(),
        html_url: run.html_url.unwrap_or_default(),
        jobs_url: run.jobs_url.unwrap_or_default(),
        logs_url: run.logs_url.unwrap_or_default(),
        branch: run.head_branch.unwrap_or_default(),
        head_sha: run.head_sha.unwrap_or_default(),
        actor_login: run.actor.unwrap_or_default().login.unwrap_or_default(),
        head_repository: head_repository.full_name.or_else(|| repository.full_name.clone()).unwrap_or_default(),
        repository: repository.full_name.unwrap_or_default(),
        repository_url: repository.html_url.unwrap_or_default(),
        completed_at: run.updated_at.clone().or_else(|| run.created_at.clone()).unwrap_or_default(),
        created_at: run.created_at.unwrap_or_default(),
        updated_at: run.updated_at.unwrap_or_default(),
    };
    Ok(vec![NewEvent::new(&data)?.with_id(key)])
}

fn package(body: PackageBody, delivery_id: &str) -> Result<Vec<NewEvent>> {
    let package = body.package.unwrap_or_default();
    let version = package.package_version.unwrap_or_default();
    let repository = body.repository.unwrap_or_default();
    let data = GithubPackagePublished {
        action: "published".to_owned(),
        ecosystem: package.ecosystem.unwrap_or_default(),
        package_name: package.name.unwrap_or_default(),
        package_type: package.package_type.unwrap_or_default(),
        package_html_url: package.html_url.unwrap_or_default(),
        version_name: version.name.unwrap_or_default(),
        version_html_url: version.html_url.unwrap_or_default(),
        repository: repository.full_name.unwrap_or_default(),
        repository_url: repository.html_url.unwrap_or_default(),
        sender: body.sender.unwrap_or_default().login.unwrap_or_default(),
    };
    Ok(vec![NewEvent::new(&data)?.with_id(format!("github-package-published-{delivery_id}"))])
}

// GitHub's payloads, as far as they are used. Any field may be missing or null.

#[derive(Deserialize)]
struct WorkflowRunBody {
    workflow_run: Option<WorkflowRun>,
    workflow: Option<Workflow>,
    repository: Option<Repository>,
}

#[derive(Default, Deserialize)]
struct WorkflowRun {
    id: Option<u64>,
    name: Option<String>,
    run_number: Option<u64>,
    run_attempt: Option<u64>,
    workflow_id: Option<u64>,
    event: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    html_url: Option<String>,
    jobs_url: Option<String>,
    logs_url: Option<String>,
    head_branch: Option<String>,
    head_sha: Option<String>,
    actor: Option<User>,
    head_repository: Option<Repository>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

#[derive(Default, Deserialize)]
struct Workflow {
    id: Option<u64>,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Repository {
    full_name: Option<String>,
    html_url: Option<String>,
}

#[derive(Default, Deserialize)]
struct User {
    login: Option<String>,
}

#[derive(Deserialize)]
struct PackageBody {
    package: Option<Package>,
    repository: Option<Repository>,
    sender: Option<User>,
}

#[derive(Default, Deserialize)]
struct Package {
    ecosystem: Option<String>,
    name: Option<String>,
    package_type: Option<String>,
    html_url: Option<String>,
    package_version: Option<PackageVersion>,
}

#[derive(Default, Deserialize)]
struct PackageVersion {
    name: Option<String>,
    html_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use system_bus_runtime::testing::WebhookHarness;
    use system_bus_runtime::webhook::Refusal;

    use super::*;

    const SECRET: &str = "github-test-secret";
    const DELIVERY: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
    const SIGNATURE: &str = "sha256=cde9e38e88a1774d8d5f64d3f4548eb107a4d4a0917f87aaa8911ded5a50188b";
    const BODY: &str = concat!(
        r#"{"action":"completed","workflow_run":{"id":987654321,"name":"CI","run_number":42,"run_attempt":1,"#,
        r#""workflow_id":1234,"event":"push","status":"completed","conclusion":"success","#,
        r#""html_url":"https://github.com/acme/widgets/actions/runs/987654321","#,
        r#""jobs_url":"https://api.github.com/repos/acme/widgets/actions/runs/987654321/jobs","#,
        r#""logs_url":"https://api.github.com/repos/acme/widgets/actions/runs/987654321/logs","#,
        r#""head_branch":"main","head_sha":"0123456789abcdef0123456789abcdef01234567","actor":{"login":"octocat"},"#,
        r#""head_repository":{"full_name":"acme/widgets"},"created_at":"2025-01-02T03:04:05Z","#,
        r#""updated_at":"2025-01-02T03:14:05Z"},"repository":{"full_name":"acme/widgets","#,
        r#""html_url":"https://github.com/acme/widgets"},"workflow":{"id":1234,"name":"CI"},"#,
        r#""sender":{"login":"octocat"}}"#
    );

    fn github() -> WebhookHarness {
        WebhookHarness::of("github").secret("GITHUB_WEBHOOK_SECRET", SECRET)
    }

    /// What a signed delivery becomes.
    fn received(event: &str, delivery: Option<&str>, body: &str) -> Vec<NewEvent> {
        let headers = [("x-github-event", event)].into_iter().chain(delivery.map(|id| ("x-github-delivery", id)));
        github().events(&headers.collect::<Vec<_>>(), body)
    }

    fn only(events: Vec<NewEvent>) -> (String, String, Value) {
        let [event] = &events[..] else { panic!("one event, not {}", events.len()) };
        let data = serde_json::from_str(event.data.get()).expect("is JSON");
        (event.name.clone(), event.id.clone().expect("has a key"), data)
    }

    #[test]
    fn a_workflow_run_becomes_its_event() {
        let headers = [("x-github-event", "workflow_run"), ("x-github-delivery", DELIVERY)];
        let (name, key, data) = github().event(&headers, BODY);
        assert_eq!(name, "github/workflow_run.completed");
        assert_eq!(key, "github-workflow-run-completed-72d3162e-cc78-11e3-81ab-4c9367dc0958-987654321");
        let expected = json!({
            "action": "completed",
            "deliveryId": DELIVERY,
            "runId": 987_654_321,
            "runNumber": 42,
            "runAttempt": 1,
            "workflowId": 1234,
            "workflowName": "CI",
            "event": "push",
            "status": "completed",
            "conclusion": "success",
            "htmlUrl": "https://github.com/acme/widgets/actions/runs/987654321",
            "jobsUrl": "https://api.github.com/repos/acme/widgets/actions/runs/987654321/jobs",
            "logsUrl": "https://api.github.com/repos/acme/widgets/actions/runs/987654321/logs",
            "branch": "main",
            "headSha": "0123456789abcdef0123456789abcdef01234567",
            "actorLogin": "octocat",
            "repository": "acme/widgets",
            "repositoryUrl": "https://github.com/acme/widgets",
            "headRepository": "acme/widgets",
            "createdAt": "2025-01-02T03:04:05Z",
            "updatedAt": "2025-01-02T03:14:05Z",
            "completedAt": "2025-01-02T03:14:05Z",
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn what_only_resembles_a_delivery_is_refused() {
        let headers =
            [("x-hub-signature-256", SIGNATURE), ("x-github-event", "workflow_run"), ("x-github-delivery", DELIVERY)];
        github().check_refusals(&headers, BODY);
    }

    #[test]
    fn missing_and_null_fields_have_defaults() {
        for body in [
            r#"{"action":"completed"}"#,
            r#"{"action":"completed","workflow_run":null,"workflow":null,"repository":null,"extra":[1]}"#,
            r#"{"action":"completed","workflow_run":{"id":null,"actor":null,"head_repository":null,"run_number":null}}"#,
        ] {
            let (_, key, data) = only(received("workflow_run", Some("d-1"), body));
            assert_eq!(key, "github-workflow-run-completed-d-1-0");
            let event: GithubWorkflowRunCompleted = serde_json::from_value(data.clone()).expect("fits the type");
            let expected = GithubWorkflowRunCompleted {
                action: "completed".to_owned(),
                delivery_id: "d-1".to_owned(),
                ..GithubWorkflowRunCompleted::default()
            };
            assert_eq!(event, expected, "{body}");
            assert_eq!((&data["runNumber"], &data["runAttempt"]), (&Value::Null, &Value::Null));
        }
    }

    #[test]
    fn one_field_stands_in_for_another() {
        let body = json!({
            "action": "completed",
            "workflow_run": { "id": 7, "name": "Nightly", "workflow_id": 9, "created_at": "2025-01-02T03:04:05Z" },
            "repository": { "full_name": "acme/widgets" },
        });
        let (_, _, data) = only(received("workflow_run", Some("d-1"), &body.to_string()));
        assert_eq!(data["workflowId"], 9);
        assert_eq!(data["workflowName"], "Nightly");
        assert_eq!(data["headRepository"], "acme/widgets");
        assert_eq!(data["completedAt"], "2025-01-02T03:04:05Z");
        assert_eq!(data["updatedAt"], "");
    }

    #[test]
    fn a_delivery_without_an_id_is_known_by_its_body() {
        let key = |delivery, body| only(received("package", delivery, body)).1;
        let (one, other) = (r#"{"action":"published"}"#, r#"{"action":"published","package":null}"#);
        assert!(key(None, one).starts_with("github-package-published-body-"));
        assert_eq!(key(None, one), key(None, one));
        assert_eq!(key(None, one), key(Some(""), one));
        assert_ne!(key(None, one), key(None, other));
    }

    #[test]
    fn a_package_becomes_its_event_with_the_version_inside_the_package() {
        let body = json!({
            "action": "published",
            "package": {
                "name": "widgets",
                "ecosystem": "CONTAINER",
                "package_type": "CONTAINER",
                "html_url": "https://github.com/acme/widgets/packages/1",
                "package_version": { "name": "sha256:abc", "html_url": "https://github.com/acme/widgets/packages/1/2" },
            },
            "package_version": { "name": "not here" },
            "repository": { "full_name": "acme/widgets", "html_url": "https://github.com/acme/widgets" },
            "sender": { "login": "octocat" },
        });
        let (name, key, data) = only(received("package", Some(DELIVERY), &body.to_string()));
        assert_eq!(name, "github/package.published");
        assert_eq!(key, format!("github-package-published-{DELIVERY}"));
        let expected = json!({
            "action": "published",
            "ecosystem": "CONTAINER",
            "packageName": "widgets",
            "packageType": "CONTAINER",
            "packageHtmlUrl": "https://github.com/acme/widgets/packages/1",
            "versionName": "sha256:abc",
            "versionHtmlUrl": "https://github.com/acme/widgets/packages/1/2",
            "repository": "acme/widgets",
            "repositoryUrl": "https://github.com/acme/widgets",
            "sender": "octocat",
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn a_package_without_a_version_is_still_published() {
        let body = r#"{"action":"published","package":{"name":"widgets","package_version":null}}"#;
        let (_, _, data) = only(received("package", Some("d-1"), body));
        assert_eq!((&data["packageName"], &data["versionName"]), (&json!("widgets"), &json!("")));
    }

    #[test]
    fn deliveries_of_no_interest_become_nothing() {
        for (event, body) in [
            ("ping", r#"{"zen":"keep it simple","hook_id":1}"#),
            ("constructor", "{}"),
            ("issues", r#"{"action":"opened","issue":{"number":1}}"#),
            ("workflow_run", r#"{"action":"requested","workflow_run":{"id":1}}"#),
            ("workflow_run", "{}"),
            ("workflow_run", r#"{"action":null}"#),
            ("package", r#"{"action":"updated"}"#),
        ] {
            assert!(received(event, Some("d-1"), body).is_empty(), "{event} {body}");
        }
    }

    #[test]
    fn a_body_that_does_not_fit_is_refused_with_the_reason() {
        let check = |body: &str, expected: &str| {
            let problem = github().problem(&[("x-github-event", "workflow_run")], body);
            assert!(problem.contains(expected), "{body}: {problem}");
        };
        for body in ["null", "[]", r#"["completed"]"#, "7", r#""completed""#, "true"] {
            check(body, "the body is not a JSON object");
        }
        check(r#"{"action":"completed","workflow_run":{"id":"seven"}}"#, "workflow_run.id");
        check(r#"{"action":"completed","workflow_run":[]}"#, "workflow_run");
    }

    #[test]
    fn the_vendors_own_vector_verifies_and_is_not_json() {
        let harness = github().secret("GITHUB_WEBHOOK_SECRET", "It's a Secret to Everybody");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let refusal = harness.deliver(&[("x-hub-signature-256", signature)], "Hello, World!");
        assert_eq!(refusal.map(drop), Err(Refusal::NotJson));
    }

    /// A repository was given a star.
    #[event("github/star.created")]
    struct StarCreated {
        /// When, in RFC 3339.
        starred_at: String,
    }

    #[test]
    fn an_event_that_is_declared_needs_no_mapping() {
        let body = r#"{"action":"created","starred_at":"2026-01-02T03:04:05Z","sender":{"login":"ada"}}"#;
        let (name, key, data) = only(received("star", Some("d-9"), body));
        assert_eq!((name.as_str(), key.as_str()), ("github/star.created", "github-star-d-9"));
        assert_eq!(data["sender"]["login"], "ada");
        let unfit = github().problem(&[("x-github-event", "star")], r#"{"action":"created","starred_at":7}"#);
        assert!(unfit.contains("`github/star.created` does not fit its schema: `starred_at`"), "{unfit}");
    }
}
