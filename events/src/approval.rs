//! Sensitive operations that agents may carry out only when they are approved.

use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// An agent asks to be allowed a sensitive operation.
#[event("agent/approval.requested", sent_by = "agent")]
#[derive(Default, PartialEq)]
pub struct AgentApprovalRequested {
    /// The agent that asks.
    pub agent: String,
    /// The kind of operation, by which rules are learned, such as `deploy`.
    pub category: String,
    /// What exactly is to be done.
    pub operation: String,
    /// Why.
    pub reasoning: String,
}

/// A request for approval was decided.
#[event("agent/approval.resolved", sent_by = "cli")]
#[serde(rename_all = "camelCase")]
#[derive(PartialEq)]
pub struct AgentApprovalResolved {
    /// The request.
    pub request_id: String,
    /// The decision.
    pub status: ApprovalStatus,
    /// Who decided.
    pub reviewer: String,
    /// Whether the agent's requests of this category are to be approved without asking from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learn: Option<bool>,
}

/// What was decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalStatus {
    /// The operation may be carried out.
    Approved,
    /// It may not.
    Denied,
}
