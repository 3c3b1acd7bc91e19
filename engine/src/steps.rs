//! The life of a step: reported, waiting, tried again, finished.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use system_bus_runtime::error::{Error, StepError};
use system_bus_runtime::event::{FunctionInvoked, NewEvent, ReceivedEvent, check_name};
use system_bus_runtime::expression::Expression;
use system_bus_runtime::function::StepKind;
use system_bus_runtime::protocol::{Operation, SleepUntil, StepId, StepResult};

use crate::core::{Core, later};
use crate::effect::Effect;
use crate::input::{EndedStep, RegisteredStep, Report};
use crate::limits;
use crate::matcher::EventJson;
use crate::resident::Waiting;
use crate::runs::error_json;
use crate::scheduler::retry_delay;
use crate::store::{Millis, PendingKind, PendingRow, RunKey, RunState, StepRow, StoreError};

impl Core {
    /// What one turn of a resident run brought.
    pub(crate) fn report(&mut self, report: Report) -> Result<(), StoreError> {
        let run = report.run;
        match self.residents.get_mut(&run) {
            Some(resident) if resident.generation == report.generation => {
                debug_assert!(resident.undelivered >= report.delivered, "more was taken in than delivered");
                resident.undelivered = resident.undelivered.saturating_sub(report.delivered);
                if !report.targeted {
                    resident.self_granted = report.executing;
                }
                for step in &report.refused {
                    resident.granted.remove(step);
                }
            }
            _ => return Ok(()),
        }
        for step in report.ended {
            self.body_ended(run, step, report.targeted)?;
        }
        // The end of a run removes all that its steps wait for at once.
        if report.done.is_none() {
            self.abandoned(run, &report.abandoned)?;
        }
        if !self.draining {
            for step in report.registered {
                self.registered(run, step)?;
            }
        }
        match report.done {
            Some(result) if !report.targeted => self.function_ended(run, result),
            _ => self.settle(run),
        }
    }

    fn body_ended(&mut self, run: RunKey, step: EndedStep, targeted: bool) -> Result<(), StoreError> {
        let Some(resident) = self.residents.get_mut(&run) else { return Ok(()) };
        resident.granted.remove(&step.id);
        if !resident.targets.remove(&step.id) && targeted {
            // Its future was dropped meanwhile: nobody waits for this retry any more.
            return Ok(());
        }
        let before = resident.pending.get(&step.id);
        let attempts = before.map_or(0, |waiting| waiting.attempts) + 1;
        let started_at = before.map_or(step.started_at, |waiting| waiting.started_at);
        let name = before.map_or(step.name, |waiting| waiting.name.clone());
        let kind = before.map_or(step.kind, |waiting| waiting.kind.step_kind());
        let config = &self.catalog.function(resident.function).registration.config;
        let attempts_max = step.options.retries.map_or(config.attempts_max(), |retries| retries.saturating_add(1));
        let result = step.result.and_then(|value| bounded(&name, value));
        if let Err(error) = &result
            && error.is_retryable()
            && attempts < attempts_max
        {
            let due = later(self.now, retry_delay(error, step.options.backoff, attempts, &mut self.random));
            resident.spent.insert(step.id);
            let detail = error_json(&StepError::new(error.name().to_owned(), error.message()));
            let waiting = Waiting { name, kind: PendingKind::retry_of(kind), attempts, started_at, due: Some(due) };
            return self.put_waiting(run, step.id, waiting, Some(detail));
        }
        let result = result.map_err(StepError::from);
        self.finish_step(run, step.id, StepRow { name, kind, attempts, started_at, ended_at: self.now, result })
    }

    /// The futures of some steps were dropped: what they waited for no longer matters.
    fn abandoned(&mut self, run: RunKey, steps: &[StepId]) -> Result<(), StoreError> {
        let Some(resident) = self.residents.get_mut(&run) else { return Ok(()) };
        if !resident.queued.is_empty() && !steps.is_empty() {
            let dropped: HashSet<&StepId> = steps.iter().collect();
            resident.queued.retain(|queued| !dropped.contains(queued));
        }
        for step in steps {
            resident.granted.remove(step);
            if resident.targets.remove(step) {
                self.effects.push(Effect::DropTarget { run, step: *step });
            }
            if let Some(waiting) = resident.pending.remove(step) {
                self.store.remove_pending(run, &waiting.name)?;
            }
        }
        Ok(())
    }

    fn registered(&mut self, run: RunKey, step: RegisteredStep) -> Result<(), StoreError> {
        let Some(resident) = self.residents.get_mut(&run) else { return Ok(()) };
        if resident.pending.get(&step.id).is_some_and(|waiting| waiting.due.is_some() || !waiting.kind.is_retry()) {
            // Replayed: it waits as before.
            return Ok(());
        }
        if resident.granted.contains(&step.id) || resident.queued.contains(&step.id) {
            // Its next attempt came due before the replay had reached it.
            return Ok(());
        }
        if resident.pending.len() >= limits::PENDING_STEPS_MAX {
            let error = Error::terminal(format!(
                "the run waits for {} steps at once, which is the limit: wait for some before starting others",
                limits::PENDING_STEPS_MAX
            ));
            return self.end_run(run, RunState::Failed, Err(error.named("TooManyStepsError")));
        }
        match step.operation {
            Operation::Run(_) | Operation::Fetch(_) | Operation::Infer(_) => {
                resident.queued.push_back(step.id);
                Ok(())
            }
            Operation::Sleep(until) => {
                let due = match until {
                    SleepUntil::After(duration) => later(self.now, duration),
                    SleepUntil::At(time) => time,
                };
                if due <= self.now {
                    return self.finish_now(run, step.id, step.name, StepKind::Sleep, Ok(RawValue::NULL.to_owned()));
                }
                self.put_waiting(run, step.id, self.waiting(step.name, PendingKind::Sleep, Some(due)), None)
            }
            Operation::WaitForEvent { event, expression, timeout } => {
                self.wait(run, step.id, step.name, event, expression, timeout)
            }
            Operation::WaitForSignal { signal, timeout, on_conflict } => {
                self.wait_for_signal(run, step.id, step.name, signal, timeout, on_conflict)
            }
            Operation::SendSignal { signal, data } => self.send_signal(run, step.id, step.name, &signal, &data),
            Operation::SendEvent(events) => self.send(run, step.id, step.name, events),
            Operation::Invoke { function, data, timeout } => {
                self.invoke(run, step.id, step.name, &function, data, timeout)
            }
        }
    }

    pub(crate) fn waiting(&self, name: String, kind: PendingKind, due: Option<Millis>) -> Waiting {
        Waiting { name, kind, attempts: 0, started_at: self.now, due }
    }

    fn wait(
        &mut self,
        run: RunKey,
        id: StepId,
        name: String,
        event: &str,
        expression: Option<String>,
        timeout: Duration,
    ) -> Result<(), StoreError> {
        let parsed = match expression.as_deref().map(Expression::parse).transpose() {
            Ok(parsed) => parsed,
            Err(error) => {
                let error = StepError::new(
                    "ExpressionError",
                    format!("the condition of step `{name}` does not parse: {error}"),
                );
                return self.finish_now(run, id, name, StepKind::WaitForEvent, Err(error));
            }
        };
        let Some(resident) = self.residents.get(&run) else { return Ok(()) };
        let own = resident.event.clone();
        let due = Some(later(self.now, timeout));
        self.add_indexed_wait(run, &name, event, parsed.as_ref(), due, &mut EventJson::new(&own))?;
        let waiting = self.waiting(name, PendingKind::Event, due);
        self.put_waiting(run, id, waiting, Some(event.to_owned()))
    }

    /// Sends events in the transaction that remembers the step, so that they are sent exactly once.
    fn send(&mut self, run: RunKey, id: StepId, name: String, events: Vec<NewEvent>) -> Result<(), StoreError> {
        let refused = events.iter().find_map(|event| {
            let bytes = event.data.get().len();
            match check_name(&event.name) {
                Err(problem) => Some(StepError::new("EventError", format!("`{}`: {problem}", event.name))),
                Ok(()) if bytes > limits::EVENT_BYTES_MAX => Some(StepError::new(
                    "EventError",
                    format!("`{}` has {bytes} bytes, the limit is {}", event.name, limits::EVENT_BYTES_MAX),
                )),
                Ok(()) => None,
            }
        });
        if let Some(error) = refused {
            return self.finish_now(run, id, name, StepKind::SendEvent, Err(error));
        }
        let mut ids = Vec::with_capacity(events.len());
        for event in events {
            ids.push(self.accept(event)?.id.to_string());
        }
        let ids = to_raw_value(&ids).unwrap_or_else(|_| RawValue::NULL.to_owned());
        self.finish_now(run, id, name, StepKind::SendEvent, Ok(ids))
    }

    fn invoke(
        &mut self,
        run: RunKey,
        id: StepId,
        name: String,
        function: &str,
        data: Box<RawValue>,
        timeout: Option<Duration>,
    ) -> Result<(), StoreError> {
        let Some(invoked) = self.catalog.find(function) else {
            let error = StepError::new("FunctionNotFoundError", format!("no function `{function}` is registered"));
            return self.finish_now(run, id, name, StepKind::Invoke, Err(error));
        };
        if data.get().len() > limits::STEP_BYTES_MAX {
            let bytes = data.get().len();
            let text = format!("the data for `{function}` has {bytes} bytes, the limit is {}", limits::STEP_BYTES_MAX);
            return self.finish_now(run, id, name, StepKind::Invoke, Err(StepError::new("EventError", text)));
        }
        let event = NewEvent::named(FunctionInvoked::NAME, data);
        let event_id = self.new_id();
        let event_key = self.store.add_event(event_id, &event, self.now)?;
        let received = std::sync::Arc::new(ReceivedEvent {
            id: event_id.to_string(),
            name: event.name,
            data: event.data,
            ts: self.now,
            v: None,
        });
        let due = timeout.map(|timeout| later(self.now, timeout));
        let waiting = self.waiting(name.clone(), PendingKind::Invoke, due);
        self.put_waiting(run, id, waiting, Some(function.to_owned()))?;
        self.new_run(invoked, event_key, received.clone(), &mut EventJson::new(&received), Some((run, &name)))
    }

    pub(crate) fn put_waiting(
        &mut self,
        run: RunKey,
        id: StepId,
        waiting: Waiting,
        detail: Option<String>,
    ) -> Result<(), StoreError> {
        self.store.put_pending(&PendingRow {
            run,
            step: waiting.name.clone(),
            kind: waiting.kind,
            due: waiting.due,
            attempts: waiting.attempts,
            started_at: waiting.started_at,
            detail,
        })?;
        if let Some(due) = waiting.due {
            self.note_due(due);
        }
        if let Some(resident) = self.residents.get_mut(&run) {
            resident.pending.insert(id, waiting);
            resident.has_rows = true;
        }
        Ok(())
    }

    pub(crate) fn finish_now(
        &mut self,
        run: RunKey,
        id: StepId,
        name: String,
        kind: StepKind,
        result: StepResult,
    ) -> Result<(), StoreError> {
        let (started_at, ended_at) = (self.now, self.now);
        self.finish_step(run, id, StepRow { name, kind, attempts: 1, started_at, ended_at, result })
    }

    /// Remembers a step of a resident run and hands it its result once that is durable.
    fn finish_step(&mut self, run: RunKey, id: StepId, row: StepRow) -> Result<(), StoreError> {
        let Some(resident) = self.residents.get_mut(&run) else { return Ok(()) };
        if resident.position >= limits::STEPS_PER_RUN_MAX {
            return self.end_run(run, RunState::Failed, Err(too_many_steps()));
        }
        if resident.pending.remove(&id).is_some() {
            self.store.remove_pending(run, &row.name)?;
        }
        self.store.add_step(run, resident.position, &row)?;
        resident.position += 1;
        if resident.attempt > 0 {
            resident.attempt = 0;
            self.store.reset_attempt(run)?;
        }
        if !self.draining {
            resident.undelivered += 1;
            self.effects.push(Effect::Complete { run, step: id, result: row.result });
        }
        Ok(())
    }

    /// A step that waited has what it waited for; its run goes on.
    pub(crate) fn complete_pending(&mut self, run: RunKey, step: &str, result: StepResult) -> Result<(), StoreError> {
        let Some(row) = self.store.pending_step(run, step)? else { return Ok(()) };
        let finished = StepRow {
            name: row.step,
            kind: row.kind.step_kind(),
            attempts: row.attempts.max(1),
            started_at: row.started_at,
            ended_at: self.now,
            result,
        };
        if self.residents.contains_key(&run) && self.wake(run)? {
            return self.finish_step(run, StepId::of(step), finished);
        }
        self.store.remove_pending(run, step)?;
        let position = self.store.step_count(run)?;
        if position >= limits::STEPS_PER_RUN_MAX {
            return self.end_run(run, RunState::Failed, Err(too_many_steps()));
        }
        self.store.add_step(run, position, &finished)?;
        self.resume_suspended(run)
    }

    /// The pause before a step's next attempt is over.
    pub(crate) fn retry_due(&mut self, mut row: PendingRow) -> Result<(), StoreError> {
        let (run, id) = (row.run, StepId::of(&row.step));
        row.due = None;
        self.store.put_pending(&row)?;
        let Some(resident) = self.residents.get_mut(&run) else { return self.resume_suspended(run) };
        if let Some(waiting) = resident.pending.get_mut(&id) {
            waiting.due = None;
        }
        if resident.idle && resident.spent.contains(&id) {
            // Nothing else executes: replaying the whole run is the simplest future in which the step can run again.
            self.evict(run);
            return self.resume_suspended(run);
        }
        if self.wake(run)? {
            if let Some(resident) = self.residents.get_mut(&run) {
                resident.queued.push_back(id);
            }
            self.settle(run)?;
        }
        Ok(())
    }

    fn resume_suspended(&mut self, run: RunKey) -> Result<(), StoreError> {
        match self.store.run(run)? {
            Some(row) if row.state == RunState::Suspended => self.resume(run),
            _ => Ok(()),
        }
    }
}

fn too_many_steps() -> Error {
    Error::terminal(format!(
        "the run has {} steps, which is the limit: split the work with `step.invoke` or events",
        limits::STEPS_PER_RUN_MAX
    ))
    .named("TooManyStepsError")
}

fn bounded(step: &str, value: Box<RawValue>) -> Result<Box<RawValue>, Error> {
    let bytes = value.get().len();
    if bytes <= limits::STEP_BYTES_MAX {
        return Ok(value);
    }
    Err(Error::terminal(format!(
        "the result of step `{step}` has {bytes} bytes, the limit is {}: store it elsewhere and return its address",
        limits::STEP_BYTES_MAX
    ))
    .named("OutputTooLargeError"))
}
