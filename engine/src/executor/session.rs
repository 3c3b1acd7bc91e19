//! The residence of one run: its future, driven by what the core delivers, reporting what each turn brought.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use system_bus_runtime::error::{Error, StepError};
use system_bus_runtime::function::{Context as CallContext, FunctionRegistration, Services};
use system_bus_runtime::protocol::{Execution, Journal, Operation, RunOptions, StepId, Turn, panicked};
use tokio::time::Sleep;

use super::{Mail, Mailbox, Reports};
use crate::effect::Start;
use crate::input::{EndedStep, RegisteredStep, Report};
use crate::store::RunKey;

/// A run whose future is in memory. As a future it ends with the residence.
///
/// It lets steps execute on its own where no counter limits them: that spares every such step the way through the engine's
/// thread. Where one does, only the core knows whether there is a place.
pub(crate) struct Session {
    run: RunKey,
    generation: u64,
    target: Option<StepId>,
    limited: bool,
    deferred: HashSet<StepId>,
    call: Option<(&'static FunctionRegistration, CallContext)>,
    execution: Option<Execution>,
    journal: Journal,
    mailbox: Arc<Mailbox>,
    reports: Reports,
    steps: HashMap<StepId, RunStep>,
    timeouts: Vec<(StepId, Pin<Box<Sleep>>)>,
    delivered: u32,
}

struct RunStep {
    name: String,
    options: RunOptions,
    phase: StepPhase,
}

/// A body that has not ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StepPhase {
    Waiting,
    SelfGranted { started_at: i64 },
    Granted { started_at: i64 },
}

impl Session {
    pub(super) fn new(
        function: &'static FunctionRegistration,
        start: Start,
        services: Services,
        mailbox: Arc<Mailbox>,
        reports: Reports,
    ) -> Self {
        let journal = Journal::new(Some(start.info.id), start.completed);
        let context = CallContext::new(start.info, start.events, journal.clone(), services);
        Self {
            run: start.run,
            generation: start.generation,
            target: start.target,
            limited: start.limited,
            deferred: start.deferred,
            call: Some((function, context)),
            execution: None,
            journal,
            mailbox,
            reports,
            steps: HashMap::new(),
            timeouts: Vec::new(),
            // The start of the main future counts as a delivery.
            delivered: u32::from(start.target.is_none()),
        }
    }

    /// Calls the function at the first poll, so that user code runs on a worker and not on the engine's thread.
    fn begin(&mut self) -> Result<(), Error> {
        if let Some((function, context)) = self.call.take() {
            let called = catch_unwind(AssertUnwindSafe(|| (function.call)(&context)));
            let future = called.unwrap_or_else(|panic| Err(panicked("an extractor", &*panic)))?;
            self.execution = Some(Execution::new(self.journal.clone(), future));
        }
        Ok(())
    }

    fn take_mail(&mut self, context: &Context<'_>) -> Option<Vec<StepId>> {
        let mut abandoned = Vec::new();
        loop {
            let mail = self.mailbox.take(context.waker());
            if mail.is_empty() {
                return Some(abandoned);
            }
            for message in mail {
                match message {
                    Mail::Drop => return None,
                    Mail::Complete(step, result) => {
                        self.delivered += 1;
                        self.journal.complete(step, result);
                    }
                    Mail::Grant(step) => {
                        self.delivered += 1;
                        self.deferred.remove(&step);
                        if !self.grant(step, false) {
                            abandoned.push(step);
                        }
                    }
                }
            }
        }
    }

    fn grant(&mut self, id: StepId, by_itself: bool) -> bool {
        let Some(step) = self.steps.get_mut(&id) else { return false };
        if !self.journal.grant(id) {
            return false;
        }
        let started_at = unix_millis();
        step.phase = if by_itself { StepPhase::SelfGranted { started_at } } else { StepPhase::Granted { started_at } };
        if let Some(timeout) = step.options.timeout {
            self.timeouts.push((id, Box::pin(tokio::time::sleep(timeout))));
        }
        true
    }

    fn self_granted(&self) -> usize {
        self.steps.values().filter(|step| matches!(step.phase, StepPhase::SelfGranted { .. })).count()
    }

    fn executing(&self) -> usize {
        self.steps.values().filter(|step| step.phase != StepPhase::Waiting).count()
    }

    /// Ends the steps whose time-out has passed; whether there was one.
    fn interrupt_late(&mut self, context: &mut Context<'_>) -> bool {
        let mut late = Vec::new();
        self.timeouts.retain_mut(|(step, sleep)| {
            let is_late = sleep.as_mut().poll(context).is_ready();
            if is_late {
                late.push(*step);
            }
            !is_late
        });
        for id in &late {
            let timeout = self.steps.get(id).and_then(|step| step.options.timeout).unwrap_or_default();
            self.journal.interrupt(*id, too_late(timeout));
        }
        !late.is_empty()
    }

    /// Turns until nothing more happens by itself, and reports it all at once.
    fn turn(&mut self, context: &mut Context<'_>, abandoned: Vec<StepId>) -> bool {
        let mut report = Report {
            run: self.run,
            generation: self.generation,
            delivered: 0,
            executing: 0,
            registered: Vec::new(),
            ended: Vec::new(),
            abandoned,
            done: None,
            targeted: self.target.is_some(),
        };
        while let Some(execution) = &mut self.execution {
            let turn = execution.turn(context);
            let again = turn.again;
            let granted = self.take_in(turn, &mut report);
            if report.done.is_some() || (!granted && !self.interrupt_late(context)) {
                if !again && self.target.is_some() {
                    self.check_target(&mut report);
                }
                break;
            }
        }
        report.delivered = std::mem::take(&mut self.delivered);
        report.executing = u32::try_from(self.self_granted()).unwrap_or(u32::MAX);
        let ended = match self.target {
            None => report.done.is_some(),
            Some(_) => !report.ended.is_empty(),
        };
        let has_news = report.delivered > 0
            || report.done.is_some()
            || !report.registered.is_empty()
            || !report.ended.is_empty()
            || !report.abandoned.is_empty();
        if has_news && (self.target.is_none() || ended) {
            (self.reports)(report);
        }
        ended
    }

    /// Sorts what a turn brought; whether a step was let execute, so that another turn is due.
    fn take_in(&mut self, turn: Turn, report: &mut Report) -> bool {
        for step in turn.ended {
            let Some(known) = self.steps.remove(&step.id) else { continue };
            self.timeouts.retain(|(id, _)| *id != step.id);
            let started_at = match known.phase {
                StepPhase::Waiting => unix_millis(),
                StepPhase::SelfGranted { started_at } | StepPhase::Granted { started_at } => started_at,
            };
            report.ended.push(EndedStep {
                id: step.id,
                name: known.name,
                options: known.options,
                started_at,
                result: step.result,
            });
        }
        for step in turn.abandoned {
            self.steps.remove(&step);
            self.timeouts.retain(|(id, _)| *id != step);
            report.registered.retain(|registered| registered.id != step);
            if self.target.is_none() {
                report.abandoned.push(step);
            }
        }
        if turn.done.is_some() {
            report.done = turn.done;
            return false;
        }
        let mut granted = false;
        for step in turn.registered {
            if let Operation::Run(options) = step.operation {
                let known = RunStep { name: step.name.clone(), options, phase: StepPhase::Waiting };
                self.steps.insert(step.id, known);
                if self.may_grant(step.id) && self.grant(step.id, true) {
                    granted = true;
                    continue;
                }
            }
            if self.target.is_none() {
                report.registered.push(RegisteredStep { id: step.id, name: step.name, operation: step.operation });
            }
        }
        granted
    }

    fn may_grant(&self, step: StepId) -> bool {
        match self.target {
            Some(target) => step == target,
            None => !self.limited && !self.deferred.contains(&step),
        }
    }

    /// A retry of one step that does not reach the step any more must not wait for ever.
    fn check_target(&self, report: &mut Report) {
        let Some(target) = self.target else { return };
        if report.ended.is_empty() && self.executing() == 0 {
            report.ended.push(EndedStep {
                id: target,
                name: String::new(),
                options: RunOptions::default(),
                started_at: unix_millis(),
                result: Err(Error::terminal("the function no longer reaches this step").named("StepNotFoundError")),
            });
        }
    }

    fn fail(&mut self, error: Error) {
        (self.reports)(Report {
            run: self.run,
            generation: self.generation,
            delivered: std::mem::take(&mut self.delivered),
            executing: 0,
            registered: Vec::new(),
            ended: Vec::new(),
            abandoned: Vec::new(),
            done: Some(Err(error)),
            targeted: self.target.is_some(),
        });
    }
}

impl Future for Session {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(abandoned) = this.take_mail(context) else { return Poll::Ready(()) };
        if let Err(error) = this.begin() {
            this.fail(error);
            return Poll::Ready(());
        }
        if this.turn(context, abandoned) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn too_late(timeout: Duration) -> Error {
    Error::retryable(format!("the step took longer than its time-out of {timeout:?}")).named(StepError::TIMEOUT)
}

fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
