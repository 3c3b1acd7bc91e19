//! Agents that are to be woken, started or revived later. An agent lives in a pane of a terminal.

use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// An agent is to be woken, started or revived at some time.
///
/// The list of pending schedules holds the same fields.
#[event("pane/schedule.requested", sent_by = "cli")]
#[serde(rename_all = "camelCase")]
#[derive(PartialEq)]
pub struct PaneScheduleRequested {
    /// The version of this record; always 1.
    #[serde(default = "version")]
    pub version: u32,
    /// The schedule's id, chosen by the sender: one id fires once.
    pub schedule_id: String,
    /// What is to be done.
    pub verb: PaneVerb,
    /// When, in RFC 3339.
    pub at: String,
    /// The pane or the agent to wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The absolute path of the file that the agent is started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief_path: Option<String>,
    /// The loop to revive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loop_id: Option<String>,
    /// What the agent is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Who asks.
    pub requested_by: String,
    /// When it was asked for, in RFC 3339.
    pub created_at: String,
}

/// What a schedule does when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaneVerb {
    /// Wakes the agent named by `target`.
    Wake,
    /// Starts an agent with the file at `briefPath`.
    Spawn,
    /// Revives the loop named by `loopId`.
    Revive,
}

fn version() -> u32 {
    1
}

/// A schedule is not to be carried out.
#[event("pane/schedule.cancelled", sent_by = "cli")]
#[serde(rename_all = "camelCase")]
#[derive(PartialEq)]
pub struct PaneScheduleCancelled {
    /// The schedule.
    pub schedule_id: String,
    /// Who cancels it.
    pub cancelled_by: String,
    /// When, in RFC 3339.
    pub cancelled_at: String,
}

/// Schedules that have lost their run are to be looked for.
#[event("pane/schedule.reconcile.requested", sent_by = "worker-startup")]
#[derive(Default, PartialEq)]
pub struct PaneScheduleReconcileRequested {
    /// Why, such as `startup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
