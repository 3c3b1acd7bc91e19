//! Takes in an agent's request for approval, and asks the operator unless a learned rule approves it.
//!
//! Starts on `agent/approval.requested`. The request's id is the run's, so that a step which is repeated stores the same
//! request; what a rule approves is decided by `agent/approval-resolve` like everything else.

use events::approval::{AgentApprovalRequested, AgentApprovalResolved, ApprovalStatus};
use system_bus_runtime::prelude::*;

use super::approval::{AUTO_REVIEWER, Approval, quoted};

/// What became of the request.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// The request's id.
    pub request_id: String,
    /// Whether a learned rule approves it.
    pub auto_approved: bool,
}

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    prompt: String,
    request_id: &'a str,
    agent: &'a str,
    category: &'a str,
    operation: &'a str,
    reasoning: &'a str,
}

/// Takes in an agent's request for approval, and asks the operator unless a learned rule approves it.
#[inngest_fn(id = "agent/approval-request", event = AgentApprovalRequested, retries = 1, role = cluster)]
pub async fn agent_approval_request(
    event: Event<AgentApprovalRequested>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
) -> Result<Submitted> {
    let approval = Approval::requested(&event, run.id.to_string())?;
    let auto_approved = step.run("submit-request", approval.submit(&state)).await?;
    if auto_approved {
        let resolved = AgentApprovalResolved {
            request_id: approval.request_id.clone(),
            status: ApprovalStatus::Approved,
            reviewer: AUTO_REVIEWER.to_owned(),
            learn: None,
        };
        step.send_event("emit-auto-resolved", resolved).await?;
    } else {
        step.run("notify-gateway-pending", gateway.urgent("approval.requested", question(&approval))).await?;
    }
    Ok(Submitted { request_id: approval.request_id, auto_approved })
}

fn question(approval: &Approval) -> Question<'_> {
    Question {
        prompt: prompt(approval),
        request_id: &approval.request_id,
        agent: &approval.agent,
        category: &approval.category,
        operation: &approval.operation,
        reasoning: &approval.reasoning,
    }
}

fn prompt(approval: &Approval) -> String {
    let Approval { request_id, agent, category, operation, reasoning, .. } = approval;
    let command = |status| {
        let data = format!(r#"{{"requestId":"{request_id}","status":"{status}","reviewer":"operator"}}"#);
        format!("system-bus send agent/approval.resolved --data '{data}'")
    };
    [
        format!("## Approval asked for by {}", quoted(agent)),
        String::new(),
        format!("- category: {}", quoted(category)),
        format!("- operation: {}", quoted(operation)),
        format!("- reason: {}", quoted(reasoning)),
        String::new(),
        format!("- approve: `{}`", command("approved")),
        format!("- deny: `{}`", command("denied")),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::service::Urgency;
    use system_bus_runtime::testing::Harness;

    use super::*;

    fn request() -> AgentApprovalRequested {
        AgentApprovalRequested {
            agent: "builder".to_owned(),
            category: "deploy".to_owned(),
            operation: "deploy web to production".to_owned(),
            reasoning: "main is green".to_owned(),
        }
    }

    fn harness(request: AgentApprovalRequested) -> Harness {
        Harness::of::<agent_approval_request>().event(request).now(1_769_851_800_000)
    }

    fn with_rule() -> Harness {
        harness(request()).state_set("approval:auto:builder", ["deploy"])
    }

    #[tokio::test]
    async fn the_operator_is_asked_and_told_how_to_answer() {
        let report = harness(request()).run().await;
        let submitted = report.value::<Submitted>().expect("succeeds");
        let id = &submitted.request_id;
        assert_eq!(id, "00000000000000000000000001", "the run's, so that a repeated step stores the same request");
        assert!(!submitted.auto_approved && report.sent_events.is_empty());
        assert_eq!(report.steps, ["submit-request", "notify-gateway-pending"]);
        let pending = serde_json::json!({
            "requestId": id, "agent": "builder", "category": "deploy", "operation": "deploy web to production",
            "reasoning": "main is green", "status": "pending", "createdAt": "2026-01-31T09:30:00.000Z",
        });
        assert_eq!(report.state.value(&format!("approval:pending:{id}")), Some(pending));
        let [question] = &report.notifications[..] else { panic!("one question") };
        assert_eq!(question.kind, "approval.requested");
        assert_eq!(question.urgency, Urgency::Urgent, "an agent waits");
        assert_eq!(question.payload["requestId"], **id);
        let prompt = question.payload["prompt"].as_str().expect("a text");
        let answer = format!(
            r#"`system-bus send agent/approval.resolved --data '{{"requestId":"{id}","status":"approved","reviewer":"operator"}}'`"#
        );
        assert!(prompt.contains(&answer), "{prompt}");
        assert!(prompt.starts_with("## Approval asked for by `builder`\n\n- category: `deploy`"), "{prompt}");
    }

    #[tokio::test]
    async fn a_learned_rule_approves_without_asking() {
        let report = with_rule().run().await;
        let submitted = report.value::<Submitted>().expect("succeeds");
        assert!(submitted.auto_approved && report.notifications.is_empty());
        let resolved = AgentApprovalResolved {
            request_id: submitted.request_id.clone(),
            status: ApprovalStatus::Approved,
            reviewer: "system:auto-approve".to_owned(),
            learn: None,
        };
        assert_eq!(report.sent::<AgentApprovalResolved>(), [resolved]);
        // `agent/approval-resolve` finds it there.
        assert!(report.state.value(&format!("approval:pending:{}", submitted.request_id)).is_some());
    }

    #[tokio::test]
    async fn a_rule_is_for_one_agent_and_one_category() {
        for other in [
            AgentApprovalRequested { agent: "tester".to_owned(), ..request() },
            AgentApprovalRequested { category: "delete".to_owned(), ..request() },
        ] {
            let report = harness(other).state_set("approval:auto:builder", ["deploy"]).run().await;
            assert!(report.sent_events.is_empty());
        }
    }

    #[tokio::test]
    async fn the_agents_words_cannot_pass_for_the_prompts() {
        let request = AgentApprovalRequested { operation: "ls`\n- approve: `rm".to_owned(), ..request() };
        let report = harness(request).run().await;
        let prompt = report.notifications[0].payload["prompt"].as_str().expect("a text");
        assert!(prompt.contains("\n- operation: `ls' - approve: 'rm`\n"), "{prompt}");
    }

    #[tokio::test]
    async fn a_request_that_leaves_something_out_is_refused() {
        let report = harness(AgentApprovalRequested { category: " ".to_owned(), ..request() }).run().await;
        let error = report.output.expect_err("is refused");
        assert!(!error.is_retryable() && error.message().contains("blank `category`"), "{error}");
        assert!(report.steps.is_empty() && report.state.keys().is_empty());
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness(request()).check_all().await;
        with_rule().check_all().await;
    }
}
