//! Applies a decision about a request for approval, once, and tells the operator.
//!
//! Starts on `agent/approval.resolved`. The first decision about a request stands: a second one changes nothing, and the
//! operator is told when the two contradict each other. A request that nobody has made, or that is older than 90 days,
//! ends the run with a terminal error.

use events::approval::AgentApprovalResolved;
use system_bus_runtime::prelude::*;

use super::approval::{Approval, Status, quoted};

/// What came of the decision.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// The request.
    pub request_id: String,
    /// The decision that stands.
    pub status: Status,
    /// Whether it is this one; an earlier one stands otherwise.
    pub applied: bool,
}

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    prompt: String,
    request_id: &'a str,
    status: Status,
    reviewer: &'a str,
    learn: bool,
}

/// Applies a decision about a request for approval, once, and tells the operator.
#[inngest_fn(
    id = "agent/approval-resolve",
    event = AgentApprovalResolved,
    retries = 1,
    concurrency(limit = 1, key = "event.data.requestId"),
    role = cluster,
)]
pub async fn agent_approval_resolve(
    event: Event<AgentApprovalResolved>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
) -> Result<Resolved> {
    let standing = step.run("resolve-request", Approval::decide(&event, &run, &state)).await?;
    let applied = standing.was_decided_by(&run);
    if applied {
        step.run("notify-gateway-resolved", gateway.notify("approval.resolved", told(&standing, "##"))).await?;
    } else if standing.status != event.data.status.into() {
        let told = told(&standing, "## Too late:");
        step.run("notify-gateway-contradicted", gateway.notify("approval.contradicted", told)).await?;
    }
    Ok(Resolved { request_id: standing.request_id, status: standing.status, applied })
}

fn told<'a>(standing: &'a Approval, heading: &str) -> Told<'a> {
    let Approval { request_id, agent, operation, status, .. } = standing;
    let decided = match status {
        Status::Approved => "approved",
        Status::Denied => "denied",
        Status::Pending => "pending",
    };
    let decision = standing.decision.as_ref();
    let reviewer = decision.map_or("unknown", |decision| decision.reviewer.as_str());
    let learn = decision.is_some_and(|decision| decision.learn);
    let mut prompt = format!(
        "{heading} {decided} by {}\n\n- request: `{request_id}`\n- agent: {}\n- operation: {}",
        quoted(reviewer),
        quoted(agent),
        quoted(operation)
    );
    if learn {
        prompt.push_str(&format!("\n- from now on without asking: {}", quoted(&standing.category)));
    }
    Told { prompt, request_id, status: *status, reviewer, learn }
}

#[cfg(test)]
mod tests {
    use events::approval::ApprovalStatus;
    use serde_json::{Value, json};
    use system_bus_runtime::testing::{Harness, Report};

    use super::*;

    const PENDING: &str = "approval:pending:r-1";
    const DECISION: &str = "approval:decision:r-1";

    fn resolved(status: ApprovalStatus, learn: Option<bool>) -> AgentApprovalResolved {
        AgentApprovalResolved { request_id: "r-1".to_owned(), status, reviewer: "joel".to_owned(), learn }
    }

    fn request() -> Value {
        json!({
            "requestId": "r-1", "agent": "builder", "category": "deploy", "operation": "deploy web", "reasoning": "green",
            "status": "pending", "createdAt": "2026-01-31T09:00:00.000Z",
        })
    }

    fn decided(status: &str, run: &str) -> Value {
        let mut approval = request();
        let decision = json!({
            "status": status, "decisionAt": "2026-01-31T09:30:00.000Z", "reviewer": "joel", "learn": false,
            "autoApproved": false, "runId": run,
        });
        approval.as_object_mut().expect("an object").append(&mut decision.as_object().expect("an object").clone());
        approval
    }

    fn harness(event: AgentApprovalResolved) -> Harness {
        Harness::of::<agent_approval_resolve>().event(event).now(1_769_851_800_000)
    }

    fn pending(event: AgentApprovalResolved) -> Harness {
        harness(event).state(PENDING, &request())
    }

    fn output(report: &Report) -> Resolved {
        report.value().expect("succeeds")
    }

    #[tokio::test]
    async fn an_approval_is_stored_and_told() {
        let report = pending(resolved(ApprovalStatus::Approved, None)).run().await;
        let expected = Resolved { request_id: "r-1".to_owned(), status: Status::Approved, applied: true };
        assert_eq!(output(&report), expected);
        let stored = report.state.value(DECISION).expect("is stored");
        assert_eq!(stored, decided("approved", stored["runId"].as_str().expect("a run")));
        assert_eq!(report.state.value("approval:decisions"), Some(json!([stored])));
        assert_eq!(report.state.value(PENDING), None);
        assert!(!report.state.keys().contains(&"approval:auto:builder".to_owned()));
        assert_eq!(report.notified(), ["approval.resolved"]);
        let payload = &report.notifications[0].payload;
        assert_eq!((payload["status"].as_str(), payload["reviewer"].as_str()), (Some("approved"), Some("joel")));
    }

    #[tokio::test]
    async fn a_rule_is_learned_when_the_operator_says_so() {
        let report = pending(resolved(ApprovalStatus::Approved, Some(true))).run().await;
        assert_eq!(report.state.value("approval:auto:builder"), Some(json!(["deploy"])));
        assert_eq!(report.notifications[0].payload["learn"], true);
    }

    #[tokio::test]
    async fn a_denial_teaches_nothing() {
        let report = pending(resolved(ApprovalStatus::Denied, Some(true))).run().await;
        assert_eq!(output(&report).status, Status::Denied);
        assert_eq!(report.state.keys(), [DECISION, "approval:decisions"]);
    }

    #[tokio::test]
    async fn a_contradictory_decision_changes_nothing_and_the_operator_learns_of_it() {
        let standing = decided("approved", "another run");
        let report = harness(resolved(ApprovalStatus::Denied, None)).state(DECISION, &standing).run().await;
        let expected = Resolved { request_id: "r-1".to_owned(), status: Status::Approved, applied: false };
        assert_eq!(output(&report), expected);
        assert_eq!(report.state.value(DECISION), Some(standing));
        assert_eq!(report.notified(), ["approval.contradicted"]);
        let prompt = report.notifications[0].payload["prompt"].as_str().expect("a text");
        assert!(prompt.starts_with("## Too late: approved by `joel`"), "{prompt}");
    }

    #[tokio::test]
    async fn the_same_decision_again_is_nobodys_business() {
        let report = harness(resolved(ApprovalStatus::Approved, Some(true)))
            .state(DECISION, &decided("approved", "another run"))
            .run()
            .await;
        assert!(!output(&report).applied && report.notifications.is_empty());
        // Rules that the operator has taken back meanwhile stay so.
        assert_eq!(report.state.keys(), [DECISION]);
    }

    #[tokio::test]
    async fn what_a_dead_run_left_undone_is_done_by_the_next_decision() {
        let standing = decided("approved", "a dead run");
        let report = pending(resolved(ApprovalStatus::Denied, None)).state(DECISION, &standing).run().await;
        assert_eq!(output(&report).status, Status::Approved);
        assert_eq!(report.state.value(PENDING), None);
        assert_eq!(report.state.value("approval:decisions"), Some(json!([standing])));
    }

    #[tokio::test]
    async fn an_unknown_request_is_a_terminal_error() {
        let report = harness(resolved(ApprovalStatus::Approved, None)).run().await;
        let error = report.output.expect_err("is an error");
        assert!(!error.is_retryable() && error.message().contains("`r-1`"), "{error}");
        assert!(report.notifications.is_empty() && report.state.keys().is_empty());
    }

    #[tokio::test]
    async fn it_survives_failures() {
        pending(resolved(ApprovalStatus::Approved, Some(true))).check_all().await;
        let standing = decided("denied", "another run");
        harness(resolved(ApprovalStatus::Approved, None)).state(DECISION, &standing).check_all().await;
    }
}
