//! The residence of one run: its future, driven by what the core delivers, reporting what each turn brought.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;
use system_bus_runtime::error::{Error, StepError};
use system_bus_runtime::function::{FunctionRegistration, RunInfo, StepKind};
use system_bus_runtime::middleware::{CallInfo, Input, Sent};
use system_bus_runtime::protocol::{Execution, Journal, Operation, RunOptions, StepId, Turn};
use tokio::time::Sleep;

use super::{Around, Mail, Mailbox};
use crate::effect::Start;
use crate::input::{EndedStep, RegisteredStep, Report};
use crate::limits;
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
    call: Option<(&'static FunctionRegistration, RunInfo, Input)>,
    execution: Option<Execution>,
    journal: Journal,
    around: Around,
    /// Steps whose events the core is sending; none without middleware, which is all that cares.
    sending: HashSet<StepId>,
    mailbox: Arc<Mailbox>,
    steps: HashMap<StepId, RunStep>,
    /// Steps that execute, and those among them that the session itself let execute.
    executing: u32,
    self_granted: u32,
    /// Steps that the core let execute before a replay has reached them.
    early_grants: HashSet<StepId>,
    timeouts: Vec<(StepId, Pin<Box<Sleep>>)>,
    exchanges: Vec<(StepId, Exchange)>,
    delivered: u32,
}

/// A step that executes in the session.
struct RunStep {
    name: String,
    kind: StepKind,
    options: RunOptions,
    /// The request that the session makes in place of a body.
    request: Option<Operation>,
    phase: StepPhase,
}

/// A request that is being made; dropping it ends it.
type Exchange = Pin<Box<dyn Future<Output = Result<Box<RawValue>, Error>> + Send>>;

/// A body that has not ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StepPhase {
    Waiting,
    Executing { started_at: i64, by_itself: bool },
}

impl Session {
    pub(super) fn new(
        function: &'static FunctionRegistration,
        start: Start,
        around: Around,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        let journal = Journal::new(Some(start.info.id), start.completed);
        let input = Input { events: start.events, services: around.services.clone() };
        Self {
            run: start.run,
            generation: start.generation,
            target: start.target,
            limited: start.limited,
            deferred: start.deferred,
            call: Some((function, start.info, input)),
            execution: None,
            journal,
            around,
            sending: HashSet::new(),
            mailbox,
            steps: HashMap::new(),
            executing: 0,
            self_granted: 0,
            early_grants: HashSet::new(),
            timeouts: Vec::new(),
            exchanges: Vec::new(),
            // The start of the main future counts as a delivery.
            delivered: u32::from(start.target.is_none()),
        }
    }

    /// Calls the function at the first poll, so that user code runs on a worker and not on the engine's thread.
    fn begin(&mut self) {
        if let Some((function, run, input)) = self.call.take() {
            let info = CallInfo { run: &run, request: None };
            let journal = self.journal.clone();
            self.execution = Some(Execution::begin(function.call, &info, input, journal, &self.around.middleware));
        }
    }

    /// Takes in what the core has delivered; false when the residence has ended.
    fn take_mail(&mut self, context: &Context<'_>) -> bool {
        loop {
            let mail = self.mailbox.take(context.waker());
            if mail.is_empty() {
                return true;
            }
            for message in mail {
                match message {
                    Mail::Drop => return false,
                    Mail::Complete(step, result) => {
                        self.delivered += 1;
                        if self.sending.remove(&step) {
                            self.around.middleware.after_send(&Sent::of_step(&result));
                        }
                        self.journal.complete(step, result);
                    }
                    Mail::Grant(step) => {
                        self.delivered += 1;
                        self.deferred.remove(&step);
                        if !self.grant(step, false) {
                            // A replay has not reached the step yet, or never will.
                            self.early_grants.insert(step);
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
        step.phase = StepPhase::Executing { started_at, by_itself };
        self.executing += 1;
        self.self_granted += u32::from(by_itself);
        if let Some(timeout) = step.options.timeout {
            self.timeouts.push((id, Box::pin(tokio::time::sleep(timeout))));
        }
        if let Some(request) = step.request.take() {
            let outbound = self.around.outbound.clone();
            self.exchanges.push((id, Box::pin(async move { outbound.perform(&request).await })));
        }
        true
    }

    /// Forgets a step whose body has ended or was dropped; when it started, if it did.
    fn forget(&mut self, id: StepId) -> Option<(RunStep, Option<i64>)> {
        let step = self.steps.remove(&id)?;
        self.timeouts.retain(|(late, _)| *late != id);
        self.exchanges.retain(|(ended, _)| *ended != id);
        let started_at = match step.phase {
            StepPhase::Waiting => None,
            StepPhase::Executing { started_at, by_itself } => {
                self.executing -= 1;
                self.self_granted -= u32::from(by_itself);
                Some(started_at)
            }
        };
        Some((step, started_at))
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

    /// Ends the steps whose request has been answered; whether there was one.
    fn take_responses(&mut self, context: &mut Context<'_>) -> bool {
        let mut responses = Vec::new();
        self.exchanges.retain_mut(|(step, exchange)| match exchange.as_mut().poll(context) {
            Poll::Ready(result) => {
                responses.push((*step, result));
                false
            }
            Poll::Pending => true,
        });
        let any = !responses.is_empty();
        for (step, result) in responses {
            self.journal.end(step, result);
        }
        any
    }

    /// Turns until nothing more happens by itself, and reports it all at once.
    fn turn(&mut self, context: &mut Context<'_>) -> bool {
        let mut report = self.report();
        let mut again = false;
        while let Some(execution) = &mut self.execution {
            let turn = execution.turn(context);
            again = turn.again;
            let granted = self.take_in(turn, &mut report);
            if report.done.is_some() || (!granted && !self.interrupt_late(context) && !self.take_responses(context)) {
                break;
            }
        }
        if !again {
            self.check_target(&mut report);
            report.refused.extend(self.early_grants.drain());
            // A future that has woken itself may be about to register steps: until it is at rest, what it was given does
            // not count as taken in, or the core would find the run at rest too early.
            report.delivered = std::mem::take(&mut self.delivered);
        }
        report.executing = self.self_granted;
        let ended = match self.target {
            None => report.done.is_some(),
            Some(_) => !report.ended.is_empty(),
        };
        let has_news = report.delivered > 0
            || report.done.is_some()
            || !report.registered.is_empty()
            || !report.ended.is_empty()
            || !report.abandoned.is_empty()
            || !report.refused.is_empty();
        if ended {
            self.respond();
        }
        if has_news && (self.target.is_none() || ended) {
            (self.around.reports)(report);
        }
        ended
    }

    /// Sorts what a turn brought; whether a step was let execute, so that another turn is due.
    fn take_in(&mut self, turn: Turn, report: &mut Report) -> bool {
        for step in turn.ended {
            let Some((known, started_at)) = self.forget(step.id) else { continue };
            report.ended.push(EndedStep {
                id: step.id,
                name: known.name,
                kind: known.kind,
                options: known.options,
                started_at: started_at.unwrap_or_else(unix_millis),
                result: step.result,
            });
        }
        for step in turn.abandoned {
            self.forget(step);
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
            let (kind, name) = (step.operation.kind(), step.name);
            // The core hears of a request as of any other step with a body: it need not know what is in it.
            let (operation, request) = match step.operation {
                operation @ (Operation::Fetch(_) | Operation::Infer(_)) => {
                    let options = RunOptions { timeout: Some(limits::REQUEST_TIME_MAX), ..RunOptions::default() };
                    (Operation::Run(options), Some(operation))
                }
                operation => (operation, None),
            };
            if let Operation::Run(options) = operation {
                let known = RunStep { name: name.clone(), kind, options, request, phase: StepPhase::Waiting };
                self.steps.insert(step.id, known);
                let by_core = self.early_grants.remove(&step.id);
                if (by_core || self.may_grant(step.id)) && self.grant(step.id, !by_core) {
                    granted = true;
                    continue;
                }
            }
            if self.target.is_none() {
                if !self.around.middleware.is_empty() && matches!(operation, Operation::SendEvent(_)) {
                    self.sending.insert(step.id);
                }
                report.registered.push(RegisteredStep { id: step.id, name, operation });
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
        if !report.ended.is_empty() || (self.executing > 0 && report.done.is_none()) {
            return;
        }
        let error = match report.done.take() {
            Some(Err(error)) => error,
            Some(Ok(_)) | None => {
                Error::terminal("the function no longer reaches this step").named("StepNotFoundError")
            }
        };
        report.ended.push(EndedStep {
            id: target,
            name: String::new(),
            kind: StepKind::Run,
            options: RunOptions::default(),
            started_at: unix_millis(),
            result: Err(error),
        });
    }

    /// Tells the middleware that the residence ends.
    fn respond(&mut self) {
        if let Some(execution) = &mut self.execution {
            execution.respond();
        }
    }

    fn report(&self) -> Report {
        Report {
            run: self.run,
            generation: self.generation,
            delivered: 0,
            executing: 0,
            registered: Vec::new(),
            ended: Vec::new(),
            abandoned: Vec::new(),
            refused: Vec::new(),
            done: None,
            targeted: self.target.is_some(),
        }
    }
}

impl Future for Session {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if !this.take_mail(context) {
            this.respond();
            return Poll::Ready(());
        }
        this.begin();
        if this.turn(context) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn too_late(timeout: Duration) -> Error {
    Error::retryable(format!("the step took longer than its time-out of {timeout:?}")).named(StepError::TIMEOUT)
}

fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
