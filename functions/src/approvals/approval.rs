//! What is kept of requests for approval.
//!
//! | key | holds |
//! | --- | --- |
//! | `approval:auto:{agent}` | set of the categories in which the agent's requests are approved without asking |
//! | `approval:pending:{requestId}` | the [`Approval`] while it waits for a decision, at most 90 days |
//! | `approval:decision:{requestId}` | the [`Approval`] with the first decision about it, which stays for 90 days |
//! | `approval:decisions` | list of the last 1,000 decided [`Approval`]s, the newest first |

use events::approval::{AgentApprovalRequested, AgentApprovalResolved, ApprovalStatus};
use system_bus_runtime::prelude::*;

use crate::timestamp::rfc3339;

/// The reviewer of what a learned rule approves.
pub(super) const AUTO_REVIEWER: &str = "system:auto-approve";

/// How long a request waits for its decision, and a decision is known: nobody comes back to it a quarter later.
const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

const DECISIONS: &str = "approval:decisions";

/// Decisions in the list: what an operator would page through.
const DECISIONS_MAX: u32 = 1_000;

/// A request for approval, and what was decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The request's id: that of the run which took it in.
    pub request_id: String,
    /// The agent that asks.
    pub agent: String,
    /// The kind of operation.
    pub category: String,
    /// What exactly is to be done.
    pub operation: String,
    /// Why.
    pub reasoning: String,
    /// Whether it was decided, and how.
    pub status: Status,
    /// When it was asked for, in RFC 3339.
    pub created_at: String,
    /// The decision, unless it is pending.
    #[serde(flatten)]
    pub decision: Option<Decision>,
}

/// Whether a request was decided, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for a decision.
    Pending,
    /// It was approved.
    Approved,
    /// It was denied.
    Denied,
}

/// Who decided about a request, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// When, in RFC 3339.
    pub decision_at: String,
    /// Who.
    pub reviewer: String,
    /// Whether a rule was learned from it.
    pub learn: bool,
    /// Whether a learned rule made it.
    pub auto_approved: bool,
    /// The run that applied it.
    pub run_id: String,
}

impl From<ApprovalStatus> for Status {
    fn from(status: ApprovalStatus) -> Self {
        match status {
            ApprovalStatus::Approved => Self::Approved,
            ApprovalStatus::Denied => Self::Denied,
        }
    }
}

impl Approval {
    /// The request that `event` makes; one that does not say who asks for what is refused.
    pub(super) fn requested(event: &Event<AgentApprovalRequested>, request_id: String) -> Result<Self> {
        let AgentApprovalRequested { agent, category, operation, reasoning } = &event.data;
        let fields = [("agent", agent), ("category", category), ("operation", operation), ("reasoning", reasoning)];
        if let Some((name, _)) = fields.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(Error::terminal(format!(
                "the request for approval has a blank `{name}`: send it again with one"
            )));
        }
        Ok(Self {
            request_id,
            agent: agent.clone(),
            category: category.clone(),
            operation: operation.clone(),
            reasoning: reasoning.clone(),
            status: Status::Pending,
            created_at: rfc3339(event.ts)?,
            decision: None,
        })
    }

    /// Stores the request; whether a learned rule approves it.
    pub(super) async fn submit(&self, state: &State) -> Result<bool> {
        state.set(pending_key(&self.request_id), self, Some(KEPT)).await?;
        state.set_contains(auto_key(&self.agent), self.category.as_str()).await
    }

    /// Applies a decision, unless there is one: the approval with the decision that stands.
    ///
    /// The first write is the claim, and each of the others may be repeated. The request stays pending until the last of
    /// them, so that a run which dies in between is made good by its own next attempt or by the next decision.
    pub(super) async fn decide(event: &Event<AgentApprovalResolved>, run: &RunInfo, state: &State) -> Result<Self> {
        let id = event.data.request_id.as_str();
        let Some(pending) = state.get::<Self>(pending_key(id)).await? else {
            let standing = state.get(decision_key(id)).await?;
            return standing.ok_or_else(|| Error::terminal(format!("no request for approval `{id}` is known")));
        };
        let decided = pending.decided(event, run)?;
        state.set_if_absent(decision_key(id), &decided, Some(KEPT)).await?;
        let standing = state.get::<Self>(decision_key(id)).await?.unwrap_or(decided);
        if standing.decision.as_ref().is_some_and(|decision| decision.learn) {
            state.set_add(auto_key(&standing.agent), standing.category.as_str()).await?;
        }
        let decisions = state.list::<Self>(DECISIONS).await?;
        if decisions.iter().all(|other| other.request_id != standing.request_id) {
            state.list_prepend(DECISIONS, &standing, Some(DECISIONS_MAX)).await?;
        }
        state.remove(pending_key(id)).await?;
        Ok(standing)
    }

    fn decided(self, event: &Event<AgentApprovalResolved>, run: &RunInfo) -> Result<Self> {
        let resolved = &event.data;
        let decision = Decision {
            decision_at: rfc3339(event.ts)?,
            reviewer: resolved.reviewer.clone(),
            // A denial teaches nothing: it would have to be a rule of another kind.
            learn: resolved.status == ApprovalStatus::Approved && resolved.learn == Some(true),
            auto_approved: resolved.reviewer == AUTO_REVIEWER,
            run_id: run.id.to_string(),
        };
        Ok(Self { status: resolved.status.into(), decision: Some(decision), ..self })
    }

    /// Whether `run` made the decision that stands.
    pub(super) fn was_decided_by(&self, run: &RunInfo) -> bool {
        self.decision.as_ref().is_some_and(|decision| decision.run_id == run.id.to_string())
    }
}

fn auto_key(agent: &str) -> String {
    format!("approval:auto:{agent}")
}

fn pending_key(request_id: &str) -> String {
    format!("approval:pending:{request_id}")
}

fn decision_key(request_id: &str) -> String {
    format!("approval:decision:{request_id}")
}

/// The agent's words as one line of code: they must not look like a line of the prompt.
pub(super) fn quoted(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    format!("`{}`", words.join(" ").replace('`', "'"))
}
