//! One call of the Inngest protocol: remembered steps go in, an outcome comes out.

use std::future::poll_fn;
use std::task::{Context, Poll};

use serde_json::value::RawValue;

use super::{Ended, Execution, Operation, Registered, StepId};
use crate::error::Error;

/// How one request wants the function to be called (`SDK_SPEC.md` §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Run this step's body and no other.
    pub target: Option<StepId>,
    /// Report even a lone step as planned instead of running it at once.
    pub disable_immediate_execution: bool,
}

/// What a call came to.
#[derive(Debug)]
pub enum Outcome {
    /// The function has ended.
    Done(Result<Box<RawValue>, Error>),
    /// A step's body has ended.
    StepEnded(Vec<Ended>),
    /// Steps wait for what they ask for.
    Planned(Vec<Registered>),
    /// The target step was not reached.
    StepNotFound(StepId),
}

/// Drives one call to its outcome. The result of a step's body is not awaited further: it goes into the response.
pub async fn call(execution: &mut Execution, call: Call) -> Outcome {
    let mut open = Vec::new();
    let mut executing = false;
    let outcome = poll_fn(|context| drive(execution, call, &mut open, &mut executing, context)).await;
    execution.respond();
    outcome
}

fn drive(
    execution: &mut Execution,
    call: Call,
    open: &mut Vec<Registered>,
    executing: &mut bool,
    context: &mut Context<'_>,
) -> Poll<Outcome> {
    loop {
        let turn = execution.turn(context);
        if !turn.ended.is_empty() {
            return Poll::Ready(Outcome::StepEnded(turn.ended));
        }
        if let Some(result) = turn.done {
            return Poll::Ready(Outcome::Done(result));
        }
        open.retain(|step| !turn.abandoned.contains(&step.id));
        open.extend(turn.registered);
        if turn.again || *executing {
            return Poll::Pending;
        }
        let granted = match (call.target, open.as_slice()) {
            // The function awaits something that is no step.
            (_, []) => return Poll::Pending,
            (Some(target), steps) => match steps.iter().position(|step| step.id == target) {
                Some(position) if matches!(steps[position].operation, Operation::Run(_)) => target,
                // It has no body to run: what it asks for is the driver's to do.
                Some(position) => return Poll::Ready(Outcome::Planned(vec![open.swap_remove(position)])),
                // Nothing to wait for and nowhere to go: the code has changed since the step was planned.
                None => return Poll::Ready(Outcome::StepNotFound(target)),
            },
            (None, [only]) if matches!(only.operation, Operation::Run(_)) && !call.disable_immediate_execution => {
                only.id
            }
            (None, _) => return Poll::Ready(Outcome::Planned(std::mem::take(open))),
        };
        *executing = execution.journal().grant(granted);
    }
}
