//! What the core remembers of a run whose future is in memory.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use system_bus_runtime::event::ReceivedEvent;
use system_bus_runtime::function::RunId;
use system_bus_runtime::protocol::StepId;

use crate::flow::Slot;
use crate::store::{Millis, PendingKind, RunKey};

/// A run whose future is in memory.
pub(crate) struct Resident {
    pub(crate) generation: u64,
    pub(crate) id: RunId,
    pub(crate) function: usize,
    pub(crate) event: Arc<ReceivedEvent>,
    pub(crate) slots: Arc<[Slot]>,
    pub(crate) parent: Option<(RunKey, String)>,
    /// Attempts of the code between steps that have failed since the last finished step.
    pub(crate) attempt: u32,
    /// The position of the next finished step.
    pub(crate) position: i64,
    /// Places held under each of `slots`; none while idle.
    pub(crate) places: u32,
    /// All its open steps wait, and its places are given back.
    pub(crate) idle: bool,
    /// Deliveries that it has not taken in yet.
    pub(crate) undelivered: u32,
    /// Steps that execute because the residence itself let them.
    pub(crate) self_granted: u32,
    /// Steps that execute because the core let them.
    pub(crate) granted: HashSet<StepId>,
    /// Steps that execute beside the resident future, in a retry of their own.
    pub(crate) targets: HashSet<StepId>,
    /// Steps that wait for a place.
    pub(crate) queued: VecDeque<StepId>,
    /// Steps that wait for a time, an event, a run, or their next attempt.
    pub(crate) pending: HashMap<StepId, Waiting>,
    /// Steps whose body the resident future has used up: their retry needs another future.
    pub(crate) spent: HashSet<StepId>,
    /// Whether the store may hold rows of this run that its end must remove.
    pub(crate) has_rows: bool,
}

/// A step that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// The name, with `:n` for a repeat.
    pub(crate) name: String,
    pub(crate) kind: PendingKind,
    /// Attempts that have failed.
    pub(crate) attempts: u32,
    pub(crate) started_at: Millis,
    pub(crate) due: Option<Millis>,
}

impl Resident {
    /// Steps that execute now.
    pub(crate) fn executing(&self) -> u32 {
        let count = self.granted.len() + self.targets.len();
        self.self_granted + u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Whether nothing will happen before one of its open steps is completed from outside.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.executing() == 0 && self.undelivered == 0 && self.queued.is_empty() && !self.pending.is_empty()
    }

    /// The earliest time at which one of its open steps goes on by itself.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.pending.values().filter_map(|waiting| waiting.due).min()
    }
}
