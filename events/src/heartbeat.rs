//! The heartbeat's wake-up, and the checks that it asks for.

use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// The checks are wanted now, not at the next quarter of an hour.
#[event("system/heartbeat.wake", allow_command_name, sent_by = "cli")]
#[derive(Default, PartialEq)]
pub struct SystemHeartbeatWake {}

/// The open tasks are to be looked through.
#[event("tasks/triage.requested", sent_by = "voice-agent")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct TasksTriageRequested {
    /// How many tasks the sender knows to be open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_count: Option<u64>,
}

/// Old conversations are to be removed.
#[event("sessions/prune.requested")]
#[derive(Default, PartialEq)]
pub struct SessionsPruneRequested {}

/// What triggers the functions is to be compared with what should.
#[event("triggers/audit.requested")]
#[derive(Default, PartialEq)]
pub struct TriggersAuditRequested {}

/// The system's parts are to be probed.
#[event("system/health.requested", sent_by = "voice-agent")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct SystemHealthRequested {
    /// Only this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// How much is probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<HealthMode>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether the dispatch of agents is tried out as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_dispatch_canary: Option<bool>,
}

/// How much a health check probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthMode {
    /// The services that everything needs.
    Core,
    /// The signs of trouble in what was recorded.
    Signals,
    /// Both.
    Full,
}

/// The operator's message channel is to be probed.
#[event("gateway/health.check.requested")]
#[derive(Default, PartialEq)]
pub struct GatewayHealthCheckRequested {}

/// The vault is to be compared with its copies.
#[event("vault/sync.check", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct VaultSyncCheck {}

/// Today's appointments are to be looked up.
#[event("calendar/daily.check", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct CalendarDailyCheck {}

/// Agent loops that no longer move are to be found.
#[event("loops/stale.check", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct LoopsStaleCheck {}
