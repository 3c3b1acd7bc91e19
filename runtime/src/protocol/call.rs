//! One call of the Inngest protocol: remembered steps go in, outcomes come out.

use std::future::poll_fn;
use std::task::{Context, Poll};

use serde_json::value::RawValue;

use super::{Ended, Execution, Journal, Operation, Registered, StepId, StepResult};
use crate::error::Error;

/// How one request wants the function to be called (`SDK_SPEC.md` §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Execute this step and no other.
    pub target: Option<StepId>,
    /// Report even a lone step as planned instead of executing it at once.
    pub disable_immediate_execution: bool,
}

/// What a call came to.
#[derive(Debug)]
pub enum Outcome {
    /// The function has ended.
    Done(Result<Box<RawValue>, Error>),
    /// This step is to be executed now: [`Conversation::grant`] lets its body run, or the driver does what it asks for
    /// and answers with [`Conversation::remember`].
    Execute(Registered),
    /// The body of the step that executes has ended.
    Ended(Ended),
    /// Steps wait for what they ask for.
    Planned(Vec<Registered>),
    /// The target step was not reached.
    StepNotFound(StepId),
}

/// A call that is led from one outcome to the next: to a single one for an answer, to several while results are sent
/// as checkpoints.
pub struct Conversation {
    execution: Execution,
    call: Call,
    open: Vec<Registered>,
    executing: Option<StepId>,
}

impl Conversation {
    /// A call that has not begun.
    pub fn new(execution: Execution, call: Call) -> Self {
        Self { execution, call, open: Vec::new(), executing: None }
    }

    /// Waits for the next outcome.
    pub async fn next(&mut self) -> Outcome {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The steps of the call.
    pub fn journal(&self) -> &Journal {
        self.execution.journal()
    }

    /// Lets the body of a step run that [`Outcome::Execute`] has named.
    pub fn grant(&mut self, step: StepId) {
        if self.execution.journal().grant(step) {
            self.executing = Some(step);
        }
    }

    /// Ends the executing body from outside, as a time-out does.
    pub fn interrupt(&mut self, step: StepId, error: Error) {
        self.execution.journal().interrupt(step, error);
    }

    /// Hands a step its result, so that the function goes on.
    pub fn remember(&mut self, step: StepId, result: StepResult) {
        self.execution.journal().complete(step, result);
    }

    /// Tells the middleware that the answer is about to leave; the function's end has told it already.
    pub fn respond(&mut self) {
        self.execution.respond();
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut turn = self.execution.turn(context);
        self.open.retain(|step| !turn.abandoned.contains(&step.id));
        self.open.append(&mut turn.registered);
        if self.executing.is_some_and(|step| turn.abandoned.contains(&step)) {
            self.executing = None;
        }
        // One step executes at a time, so one ends.
        if let Some(ended) = turn.ended.pop() {
            self.executing = None;
            return Poll::Ready(Outcome::Ended(ended));
        }
        if let Some(result) = turn.done {
            return Poll::Ready(Outcome::Done(result));
        }
        if turn.again || self.executing.is_some() {
            return Poll::Pending;
        }
        match self.call.target {
            // The function awaits something that is no step.
            _ if self.open.is_empty() => Poll::Pending,
            Some(target) => Poll::Ready(match self.open.iter().position(|step| step.id == target) {
                Some(position) => self.offer(position),
                // Steps wait, and it is not among them: the code has changed since it was planned.
                None => Outcome::StepNotFound(target),
            }),
            None if self.open.len() == 1 && !self.call.disable_immediate_execution => Poll::Ready(self.offer(0)),
            None => Poll::Ready(Outcome::Planned(std::mem::take(&mut self.open))),
        }
    }

    /// A step for the driver to execute, or what it waits for when that is not the driver's to do.
    fn offer(&mut self, position: usize) -> Outcome {
        let step = self.open.swap_remove(position);
        match step.operation {
            Operation::Run(_) | Operation::SendEvent(_) | Operation::SendSignal { .. } => Outcome::Execute(step),
            _ => Outcome::Planned(vec![step]),
        }
    }
}
