//! Drives a function to its end: replays after failed attempts and crashes, steps one at a time.
//!
//! Bodies run before anything else is answered; then time passes on the virtual clock until the next sleep, wait or
//! invocation is due. Steps that are equal in this are taken by name, so that a run is the same every time although
//! `select!` polls its branches in random order.

use std::future::poll_fn;
use std::task::{Context, Poll};

use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{Answer, Fault};
use super::harness::Harness;
use super::open::{Open, encode};
use super::world::World;
use super::{HarnessError, Report};
use crate::error::{Error, StepError};
use crate::function::StepKind;
use crate::protocol::{Ended, Execution, Journal, Operation, Registered, StepResult};
use crate::step::SignalDelivery;

/// Runs the function once, with one fault.
pub(super) async fn run(harness: &Harness, fault: Fault) -> Result<Report, HarnessError> {
    harness.ready()?;
    let mut world = World::new(harness, fault);
    let mut attempt = 0;
    let output = loop {
        match execute(&mut world, attempt).await? {
            End::Replay => {}
            End::Done(Err(error)) if error.is_retryable() && attempt + 1 < harness.subject.attempts_max() => {
                attempt += 1;
                world.count()?;
                world.clock.advance(error.retry_delay().unwrap_or_default());
            }
            End::Done(output) => break output,
        }
    };
    // A failure may well end the run before it comes to all answers; a good run has no such excuse.
    if world.fault == Fault::None
        && output.is_ok()
        && let Some(step) = harness.answers.keys().find(|step| !world.reached.contains(*step))
    {
        return Err(HarnessError::UnusedAnswer(step.clone()));
    }
    let output = output.and_then(|value| serde_json::from_str::<Value>(value.get()).map_err(Error::terminal));
    Ok(world.report(output))
}

/// How one execution of the function ended.
enum End {
    Done(Result<Box<RawValue>, Error>),
    /// A failed attempt or a crash: the function starts again, from what is durable.
    Replay,
}

/// What to do next.
enum Next {
    Turn,
    Replay,
    Wait,
}

async fn execute(world: &mut World<'_>, attempt: u32) -> Result<End, HarnessError> {
    let mut execution = match world.start(attempt) {
        Ok(execution) => execution,
        Err(error) => return Ok(End::Done(Err(error))),
    };
    let mut drive = Drive { world, open: Vec::new(), executing: Vec::new(), turns: 0 };
    poll_fn(|context| drive.advance(&mut execution, context)).await
}

/// Whether a step without a body can fail: a sleep cannot, and a wait has a time-out in place of a failure.
pub(super) fn can_fail(kind: StepKind) -> bool {
    match kind {
        StepKind::Invoke | StepKind::SendEvent | StepKind::SendSignal | StepKind::Fetch | StepKind::Infer => true,
        StepKind::Run | StepKind::Sleep | StepKind::WaitForEvent | StepKind::WaitForSignal => false,
    }
}

/// One execution of the function.
struct Drive<'run, 'harness> {
    world: &'run mut World<'harness>,
    open: Vec<Open>,
    executing: Vec<Open>,
    turns: usize,
}

impl Drive<'_, '_> {
    fn advance(&mut self, execution: &mut Execution, context: &mut Context<'_>) -> Poll<Result<End, HarnessError>> {
        loop {
            let turn = execution.turn(context);
            let mut next = self.take_ended(execution.journal(), turn.ended)?;
            if let (Next::Wait | Next::Turn, Some(output)) = (&next, turn.done) {
                return Poll::Ready(Ok(End::Done(output)));
            }
            self.open.retain(|step| !turn.abandoned.contains(&step.id));
            self.executing.retain(|step| !turn.abandoned.contains(&step.id));
            self.register(turn.registered)?;
            if matches!(next, Next::Wait) && !turn.again {
                next = self.decide(execution.journal())?;
            }
            match next {
                Next::Turn => {}
                Next::Replay => return Poll::Ready(Ok(End::Replay)),
                Next::Wait if self.world.watchdog.is_up(context) => return Poll::Ready(Err(self.never_ends())),
                Next::Wait => return Poll::Pending,
            }
        }
    }

    fn register(&mut self, steps: Vec<Registered>) -> Result<(), HarnessError> {
        self.turns += 1;
        for step in steps {
            if self.world.is_complete(step.id) {
                return Err(HarnessError::RanAgain(step.name));
            }
            self.world.reached.insert(step.name.clone());
            self.open.push(Open::new(step, self.turns, self.world.clock.now()));
        }
        Ok(())
    }

    /// Makes the results of ended bodies durable, or counts their failed attempts.
    fn take_ended(&mut self, journal: &Journal, ended: Vec<Ended>) -> Result<Next, HarnessError> {
        let mut steps = Vec::new();
        for Ended { id, result } in ended {
            if let Some(position) = self.executing.iter().position(|step| step.id == id) {
                steps.push((self.executing.swap_remove(position), result));
            }
        }
        steps.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
        let mut next = Next::Wait;
        for (step, result) in steps {
            if self.world.strikes(Fault::RunTwice, &step.name) {
                return Ok(Next::Replay);
            }
            let after = match result {
                Ok(value) => self.finish(journal, step, Ok(value))?,
                Err(error) => self.fail_attempt(journal, step, error)?,
            };
            // One failed attempt replays the function; the other results of this turn are durable by then.
            if !matches!(next, Next::Replay) {
                next = after;
            }
        }
        Ok(next)
    }

    /// Starts a body, or answers what is due next.
    fn decide(&mut self, journal: &Journal) -> Result<Next, HarnessError> {
        let answers = &self.world.harness.answers;
        let bodies = self.open.iter().enumerate().filter(|(_, step)| step.has_body(answers.get(&step.name)));
        if let Some((position, _)) = bodies.min_by_key(|(_, step)| step.order()) {
            let step = self.open.swap_remove(position);
            return self.start_body(journal, step);
        }
        if !self.executing.is_empty() {
            return Ok(Next::Wait);
        }
        let due = self.open.iter().enumerate().map(|(position, step)| (step.due(answers.get(&step.name)), position));
        match due.min_by_key(|(due, position)| (*due, self.open[*position].order())) {
            None => Ok(Next::Wait),
            Some((i64::MAX, _)) => Err(self.never_ends()),
            Some((due, position)) => {
                let step = self.open.swap_remove(position);
                self.world.clock.set(due.max(self.world.clock.now()));
                self.answer(journal, step)
            }
        }
    }

    fn start_body(&mut self, journal: &Journal, step: Open) -> Result<Next, HarnessError> {
        if self.world.strikes(Fault::FailFirstAttempt, &step.name) {
            let next = self.fail_attempt(journal, step, Error::retryable("the harness fails this attempt"))?;
            self.world.spent = !matches!(next, Next::Replay);
            return Ok(next);
        }
        if self.world.strikes(Fault::FailForGood, &step.name) {
            return self.finish(journal, step, Err(Fault::error()));
        }
        if let Some(Answer::Ends(result)) = self.world.harness.answers.get(&step.name) {
            return self.finish(journal, step, result.clone());
        }
        journal.grant(step.id);
        self.executing.push(step);
        Ok(Next::Turn)
    }

    /// Answers a step that has no body to run.
    fn answer(&mut self, journal: &Journal, mut step: Open) -> Result<Next, HarnessError> {
        if can_fail(step.operation.kind()) && self.world.strikes(Fault::FailForGood, &step.name) {
            return self.finish(journal, step, Err(Fault::error()));
        }
        if let Operation::SendEvent(events) = &mut step.operation
            && !matches!(self.world.harness.answers.get(&step.name), Some(Answer::Ends(_)))
        {
            let result = self.world.send(std::mem::take(events))?;
            return self.finish(journal, step, result);
        }
        if let Operation::SendSignal { signal, data } = &step.operation {
            let result = match self.world.harness.answers.get(&step.name) {
                Some(Answer::Ends(result)) => result.clone(),
                _ => Ok(encode(&step.name, &SignalDelivery::default())?),
            };
            self.world.signal(signal, data, &result);
            return self.finish(journal, step, result);
        }
        let answer = self.world.harness.answers.get(&step.name);
        let result = match step.result(answer, self.world.clock.now())? {
            Some(result) => result,
            None if self.world.is_off_script() => step.no_answer()?,
            None => return Err(HarnessError::NoAnswer { kind: step.operation.kind(), step: step.name }),
        };
        self.world.requested(&step.operation);
        self.finish(journal, step, result)
    }

    fn fail_attempt(&mut self, journal: &Journal, step: Open, error: Error) -> Result<Next, HarnessError> {
        let attempts_max = step.attempts_max().unwrap_or_else(|| self.world.harness.subject.attempts_max());
        let failures = self.world.failures.entry(step.name.clone()).or_insert(0);
        *failures += 1;
        if error.is_retryable() && *failures < attempts_max {
            self.world.clock.advance(error.retry_delay().unwrap_or_default());
            self.world.count()?;
            return Ok(Next::Replay);
        }
        self.finish(journal, step, Err(StepError::from(error)))
    }

    fn finish(&mut self, journal: &Journal, step: Open, result: StepResult) -> Result<Next, HarnessError> {
        let (id, crash) = (step.id, self.world.strikes(Fault::CrashAfter, &step.name));
        self.world.complete(id, step.name, step.operation.kind(), result.clone())?;
        if crash {
            return Ok(Next::Replay);
        }
        journal.complete(id, result);
        Ok(Next::Turn)
    }

    fn never_ends(&self) -> HarnessError {
        let names = |steps: &[Open]| steps.iter().map(|step| format!("`{}`", step.name)).collect::<Vec<_>>().join(", ");
        let waits_for = if !self.executing.is_empty() {
            format!("the body of {} does not end (`hang_step` scripts one that never does)", names(&self.executing))
        } else if !self.open.is_empty() {
            format!("{} never ends, as scripted, and nothing else is left to wait for", names(&self.open))
        } else {
            "it awaits something that is no step".to_owned()
        };
        HarnessError::NeverEnds { limit: self.world.watchdog.limit(), waits_for }
    }
}
