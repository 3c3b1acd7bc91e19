//! The documents that commands show, as far as a worker and a server tell the same.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use system_bus_runtime::function::StepKind;

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunView {
    pub(crate) run_id: String,
    /// The function's id; a server's has the app's id and a hyphen before it.
    pub(crate) function_id: String,
    pub(crate) event_id: Option<String>,
    pub(crate) event_name: Option<String>,
    pub(crate) status: String,
    /// Milliseconds since 1970, as all times here.
    pub(crate) queued_at: i64,
    pub(crate) run_started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) output: Option<Box<RawValue>>,
    /// Finished steps; a server's list does not tell.
    pub(crate) steps: Option<i64>,
    pub(crate) waiting_for: Option<String>,
}

/// One run with its steps.
#[derive(Debug, Serialize)]
pub(crate) struct RunDetailView {
    #[serde(flatten)]
    pub(crate) run: RunView,
    pub(crate) event_data: Option<Box<RawValue>>,
    /// `None` from a server that does not tell.
    pub(crate) step_details: Option<Vec<StepView>>,
}

/// One step.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepView {
    pub(crate) name: String,
    /// What it does; a server does not always tell.
    pub(crate) kind: Option<StepKind>,
    pub(crate) status: String,
    pub(crate) attempts: u32,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) due: Option<i64>,
    pub(crate) output: Option<Box<RawValue>>,
}

/// What became of an event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FatesView {
    pub(crate) event: EventView,
    pub(crate) fates: Vec<FateView>,
}

/// One event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventView {
    pub(crate) internal_id: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) received_at: i64,
    pub(crate) ts: Option<i64>,
    /// How often it came in again; a server does not tell.
    pub(crate) repeats: Option<i64>,
    pub(crate) repeated_at: Option<i64>,
    pub(crate) runs: i64,
}

/// What became of an event for one function.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FateView {
    pub(crate) function_id: String,
    /// `run` and others; `no run` from a server, which does not tell why.
    pub(crate) fate: String,
    pub(crate) detail: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) run_status: Option<String>,
}
