//! What the engine's core wants done once its transaction is durable.

use std::collections::HashSet;
use std::sync::Arc;

use system_bus_runtime::event::ReceivedEvent;
use system_bus_runtime::function::{RunId, RunInfo};
use system_bus_runtime::protocol::{StepId, StepResult};
use system_bus_runtime::service::{Delivery, StateReply};
use system_bus_runtime::webhook::Receipt;

use crate::input::{Accepted, CancelOutcome, Reply};
use crate::store::RunKey;

/// One thing to do; none is done before the commit.
pub(crate) enum Effect {
    /// Tell a sender that its events are durable.
    Accepted { reply: Reply<Vec<Accepted>>, events: Vec<Accepted> },
    /// Answer a wish to cancel.
    Cancelled { reply: Reply<CancelOutcome>, outcome: CancelOutcome },
    /// Tell a sender which run received its signal.
    Signalled { reply: Reply<Option<RunId>>, run: Option<RunId> },
    /// Tell a function what became of its message, and followers that there may be one.
    Notified { reply: Reply<Delivery>, delivery: Delivery },
    /// Tell a function what became of its command.
    State { reply: Reply<StateReply>, answer: StateReply },
    /// Tell a webhook what became of its delivery.
    Delivered { reply: Reply<Receipt>, receipt: Receipt },
    /// Say that what was asked is done.
    Done { reply: Reply<()> },
    /// Make a run resident, or execute one step of it beside the resident future.
    Start(Box<Start>),
    /// Hand a resident run the result of a step.
    Complete { run: RunKey, step: StepId, result: StepResult },
    /// Let a resident run execute a step.
    Grant { run: RunKey, step: StepId },
    /// End the retry of one step beside a resident future.
    DropTarget { run: RunKey, step: StepId },
    /// End a residence; its futures are dropped.
    Drop { run: RunKey },
    /// Count a run that has ended.
    Ended,
}

/// All that a residence starts with.
pub(crate) struct Start {
    pub(crate) run: RunKey,
    pub(crate) generation: u64,
    /// The function's place in the catalogue.
    pub(crate) function: usize,
    pub(crate) info: RunInfo,
    pub(crate) events: Vec<Arc<ReceivedEvent>>,
    /// Finished steps, in the order in which they completed.
    pub(crate) completed: Vec<(StepId, StepResult)>,
    /// Steps that must not execute before they are granted: their next attempt is not due yet.
    pub(crate) deferred: HashSet<StepId>,
    /// Whether steps need a grant to execute, because a counter limits them.
    pub(crate) limited: bool,
    /// The only step to execute, in a retry beside the resident future.
    pub(crate) target: Option<StepId>,
}
