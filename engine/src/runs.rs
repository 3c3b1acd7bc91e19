//! The life of a run: admitted, started, suspended, resumed, retried, ended.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::value::RawValue;
use system_bus_runtime::error::{Error, StepError};
use system_bus_runtime::event::ReceivedEvent;
use system_bus_runtime::function::{RunId, RunInfo};
use system_bus_runtime::protocol::{StepId, StepResult};

use crate::core::{Core, later};
use crate::effect::{Effect, Start};
use crate::failures::FailedRun;
use crate::flow::{Admission, Slot};
use crate::limits;
use crate::matcher::EventJson;
use crate::resident::{Resident, Waiting};
use crate::scheduler::retry_delay;
use crate::store::{EventKey, NewRun, RunKey, RunRow, RunState, StoreError};

impl Core {
    /// Makes a run of a function; it starts at once when there is room.
    pub(crate) fn new_run(
        &mut self,
        function: usize,
        event_key: EventKey,
        event: Arc<ReceivedEvent>,
        json: &mut EventJson<'_>,
        parent: Option<(RunKey, &str)>,
    ) -> Result<(), StoreError> {
        let catalog = self.catalog.clone();
        let entry = catalog.function(function);
        let slots = if entry.is_limited() { entry.slots(json.get()) } else { Arc::default() };
        let admission = self.admit(&slots);
        let blocked_on = match &admission {
            Admission::Admitted => None,
            Admission::Blocked(key) => Some(&**key),
        };
        let id = RunId(self.new_id());
        let function_id = entry.registration.config.id;
        let key = self
            .store
            .add_run(&NewRun { id, function: function_id, event: event_key, parent, blocked_on }, self.now)?;
        self.add_cancellations(key, &entry.cancel_on, json)?;
        if let Admission::Blocked(blocked_on) = admission {
            *self.blocked.entry(blocked_on.to_string()).or_insert(0) += 1;
            return Ok(());
        }
        let parent = parent.map(|(run, step)| (run, step.to_owned()));
        let has_rows = !entry.cancel_on.is_empty();
        let resident = self.new_resident(id, function, event, slots, parent, has_rows);
        self.start(key, resident, Vec::new());
        Ok(())
    }

    fn admit(&mut self, slots: &[Slot]) -> Admission {
        if self.draining {
            return Admission::Blocked(self.concurrency.worker_key().clone());
        }
        self.concurrency.admit_run(slots)
    }

    fn new_resident(
        &mut self,
        id: RunId,
        function: usize,
        event: Arc<ReceivedEvent>,
        slots: Arc<[Slot]>,
        parent: Option<(RunKey, String)>,
        has_rows: bool,
    ) -> Resident {
        Resident {
            generation: self.new_generation(),
            id,
            function,
            event,
            slots,
            parent,
            attempt: 0,
            position: 0,
            places: 1,
            idle: false,
            // The start itself is delivered: until the first report the run is not at rest.
            undelivered: 1,
            self_granted: 0,
            granted: HashSet::new(),
            targets: HashSet::new(),
            queued: VecDeque::new(),
            pending: HashMap::new(),
            spent: HashSet::new(),
            has_rows,
        }
    }

    fn start(&mut self, key: RunKey, resident: Resident, completed: Vec<(StepId, StepResult)>) {
        let start = self.start_of(key, &resident, completed, None);
        self.residents.insert(key, resident);
        self.effects.push(Effect::Start(Box::new(start)));
    }

    fn start_of(
        &self,
        run: RunKey,
        resident: &Resident,
        completed: Vec<(StepId, StepResult)>,
        target: Option<StepId>,
    ) -> Start {
        let deferred = resident.pending.iter().filter(|(_, waiting)| waiting.kind.is_retry() && waiting.due.is_some());
        Start {
            run,
            generation: resident.generation,
            function: resident.function,
            info: RunInfo {
                id: resident.id,
                function: self.catalog.function(resident.function).registration.config.id,
                attempt: resident.attempt,
            },
            events: vec![resident.event.clone()],
            completed,
            deferred: deferred.map(|(id, _)| *id).collect(),
            limited: !resident.slots.is_empty(),
            target,
        }
    }

    /// Goes on with an unfinished run that is not resident: replayed if there is room, waiting otherwise.
    pub(crate) fn resume(&mut self, key: RunKey) -> Result<(), StoreError> {
        debug_assert!(!self.residents.contains_key(&key), "a resident run is woken, not resumed");
        let Some(run) = self.store.run(key)? else { return Ok(()) };
        if run.state.is_final() {
            return Ok(());
        }
        self.unblock(&run);
        let Some(function) = self.catalog.find(&run.function) else {
            // Nothing is lost: the run waits until a program that has the function opens the store.
            return self.block(key, &format!("function:{}", run.function));
        };
        let catalog = self.catalog.clone();
        let entry = catalog.function(function);
        let event = Arc::new(self.store.event(run.event)?.received());
        let slots = if entry.is_limited() { entry.slots(EventJson::new(&event).get()) } else { Arc::default() };
        match self.admit(&slots) {
            Admission::Blocked(blocked_on) => self.block(key, &blocked_on),
            Admission::Admitted => self.replay(run, function, event, slots),
        }
    }

    fn replay(
        &mut self,
        run: RunRow,
        function: usize,
        event: Arc<ReceivedEvent>,
        slots: Arc<[Slot]>,
    ) -> Result<(), StoreError> {
        self.store.activate_run(run.key, self.now)?;
        let steps = self.store.steps(run.key)?;
        let mut resident = self.new_resident(run.id, function, event, slots, run.parent, true);
        resident.attempt = run.attempt;
        resident.position = i64::try_from(steps.len()).unwrap_or(i64::MAX);
        for row in self.store.pending_steps(run.key)? {
            let waiting = Waiting {
                name: row.step,
                kind: row.kind,
                attempts: row.attempts,
                started_at: row.started_at,
                due: row.due,
            };
            resident.pending.insert(StepId::of(&waiting.name), waiting);
        }
        let completed = steps.into_iter().map(|step| (StepId::of(&step.name), step.result)).collect();
        self.start(run.key, resident, completed);
        Ok(())
    }

    fn block(&mut self, key: RunKey, blocked_on: &str) -> Result<(), StoreError> {
        *self.blocked.entry(blocked_on.to_owned()).or_insert(0) += 1;
        self.store.block_run(key, blocked_on)
    }

    fn unblock(&mut self, run: &RunRow) {
        let Some(key) = &run.blocked_on else { return };
        if let Some(count) = self.blocked.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(key);
            }
        }
    }

    /// Gives a resident run a place again after one of its open steps was completed; false when there is no room and the
    /// run now waits on disk.
    pub(crate) fn wake(&mut self, key: RunKey) -> Result<bool, StoreError> {
        let Some(resident) = self.residents.get(&key) else { return Ok(false) };
        if !resident.idle {
            return Ok(true);
        }
        let slots = resident.slots.clone();
        match self.admit(&slots) {
            Admission::Admitted => {
                self.idle -= 1;
                if let Some(resident) = self.residents.get_mut(&key) {
                    resident.idle = false;
                    resident.places = 1;
                }
                self.store.activate_run(key, self.now)?;
                Ok(true)
            }
            Admission::Blocked(blocked_on) => {
                self.evict(key);
                self.block(key, &blocked_on)?;
                Ok(false)
            }
        }
    }

    /// Drops the futures of a run; what is stored stays.
    pub(crate) fn evict(&mut self, key: RunKey) {
        if let Some(resident) = self.residents.remove(&key) {
            self.release(&resident);
            self.effects.push(Effect::Drop { run: key });
        }
    }

    /// Gives back all places of a residence.
    fn release(&mut self, resident: &Resident) {
        if resident.idle {
            self.idle -= 1;
            return;
        }
        self.concurrency.release_steps(&resident.slots, resident.places);
        self.concurrency.release_run();
        let worker = self.concurrency.worker_key().clone();
        for key in resident.slots.iter().map(|slot| slot.key.clone()).chain([worker]) {
            self.note_freed(key);
        }
    }

    fn note_freed(&mut self, key: Arc<str>) {
        let is_worker = key == *self.concurrency.worker_key();
        if self.blocked.contains_key(&*key)
            || self.step_waiters.contains_key(&key)
            || (is_worker && !self.put_aside.is_empty())
        {
            self.freed.push(key);
        }
    }

    /// Lets those go on who waited for places that were given back: steps of resident runs first, because a run that
    /// ends frees more than one that starts.
    pub(crate) fn use_freed_places(&mut self) -> Result<(), StoreError> {
        while let Some(key) = self.freed.pop() {
            for run in self.step_waiters.remove(&key).unwrap_or_default() {
                self.settle(run)?;
            }
            if self.concurrency.has_room() {
                self.freed.append(&mut self.put_aside);
            }
            while !self.draining && self.blocked.contains_key(&*key) {
                if !self.concurrency.has_room() {
                    // Resuming the next one would only move it from this key to the process's, and later back again.
                    if key != *self.concurrency.worker_key() && !self.put_aside.contains(&key) {
                        self.put_aside.push(key);
                    }
                    break;
                }
                let Some(run) = self.store.next_blocked(&key)? else {
                    self.blocked.remove(&*key);
                    break;
                };
                self.resume(run)?;
                if !self.residents.contains_key(&run) && self.store.next_blocked(&key)? == Some(run) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// After a report: gives queued steps their places, gives unused places back, suspends a run at rest.
    pub(crate) fn settle(&mut self, key: RunKey) -> Result<(), StoreError> {
        let Some(resident) = self.residents.get(&key) else { return Ok(()) };
        if resident.idle || self.draining {
            return Ok(());
        }
        if resident.is_at_rest() {
            return self.suspend(key);
        }
        self.grant_queued(key)?;
        if let Some(resident) = self.residents.get_mut(&key) {
            let spare = resident.places - resident.executing().max(1).min(resident.places);
            if spare > 0 {
                resident.places -= spare;
                let slots = resident.slots.clone();
                self.concurrency.release_steps(&slots, spare);
                for slot in slots.iter() {
                    self.note_freed(slot.key.clone());
                }
            }
        }
        Ok(())
    }

    fn grant_queued(&mut self, key: RunKey) -> Result<(), StoreError> {
        while let Some(resident) = self.residents.get_mut(&key) {
            let Some(&step) = resident.queued.front() else { return Ok(()) };
            if resident.spent.contains(&step) && resident.targets.len() >= limits::TARGETS_PER_RUN_MAX {
                return Ok(());
            }
            if resident.executing() >= resident.places {
                if !self.concurrency.admit_step(&resident.slots) {
                    let full = resident.slots.iter().find(|slot| self.concurrency.taken(&slot.key) >= slot.limit);
                    if let Some(slot) = full {
                        let waiters = self.step_waiters.entry(slot.key.clone()).or_default();
                        if !waiters.contains(&key) {
                            waiters.push_back(key);
                        }
                    }
                    return Ok(());
                }
                resident.places += 1;
            }
            resident.queued.pop_front();
            if resident.spent.remove(&step) {
                resident.targets.insert(step);
                self.start_target(key, step)?;
            } else {
                resident.granted.insert(step);
                resident.undelivered += 1;
                self.effects.push(Effect::Grant { run: key, step });
            }
        }
        Ok(())
    }

    /// Executes one step again in a future of its own, beside the resident one that still executes others.
    fn start_target(&mut self, key: RunKey, step: StepId) -> Result<(), StoreError> {
        let completed = self.store.steps(key)?.into_iter().map(|row| (StepId::of(&row.name), row.result)).collect();
        if let Some(resident) = self.residents.get(&key) {
            let start = self.start_of(key, resident, completed, Some(step));
            self.effects.push(Effect::Start(Box::new(start)));
        }
        Ok(())
    }

    fn suspend(&mut self, key: RunKey) -> Result<(), StoreError> {
        self.store.suspend_run(key)?;
        let Some(resident) = self.residents.get_mut(&key) else { return Ok(()) };
        let slots = resident.slots.clone();
        let places = std::mem::take(&mut resident.places);
        resident.idle = true;
        let long = resident.next_due().is_some_and(|due| due > later(self.now, limits::IDLE_RESIDENCE_MAX));
        let large = resident.event.data.get().len() > limits::IDLE_EVENT_BYTES_MAX;
        self.idle += 1;
        self.concurrency.release_steps(&slots, places);
        self.concurrency.release_run();
        let worker = self.concurrency.worker_key().clone();
        for freed in slots.iter().map(|slot| slot.key.clone()).chain([worker]) {
            self.note_freed(freed);
        }
        if long || large || self.idle > limits::IDLE_RESIDENTS_MAX {
            self.evict(key);
        }
        Ok(())
    }

    /// The function has returned, or failed outside its steps.
    pub(crate) fn function_ended(
        &mut self,
        key: RunKey,
        result: Result<Box<RawValue>, Error>,
    ) -> Result<(), StoreError> {
        let Some(resident) = self.residents.get(&key) else { return Ok(()) };
        match result {
            Ok(output) if output.get().len() > limits::STEP_BYTES_MAX => {
                let error = Error::terminal(format!(
                    "the output has {} bytes, the limit is {}: store it elsewhere and return its address",
                    output.get().len(),
                    limits::STEP_BYTES_MAX
                ));
                self.end_run(key, RunState::Failed, Err(error.named("OutputTooLargeError")))
            }
            Ok(output) => self.end_run(key, RunState::Completed, Ok(output)),
            Err(error) => {
                let attempts = resident.attempt + 1;
                let config = &self.catalog.function(resident.function).registration.config;
                if !error.is_retryable() || attempts >= config.attempts_max() {
                    return self.end_run(key, RunState::Failed, Err(error));
                }
                let due = later(self.now, retry_delay(&error, None, attempts, &mut self.random));
                self.store.retry_run(key, attempts, due, &error_json(&error.into()))?;
                self.note_due(due);
                self.evict(key);
                Ok(())
            }
        }
    }

    /// Ends a run for good and tells the run that invoked it; of a failure it tells its handler as well.
    pub(crate) fn end_run(
        &mut self,
        key: RunKey,
        state: RunState,
        result: Result<Box<RawValue>, Error>,
    ) -> Result<(), StoreError> {
        let result: StepResult = result.map_err(StepError::from);
        let text = match &result {
            Ok(output) => output.get().to_owned(),
            Err(error) => error_json(error),
        };
        let error = result.as_ref().err().filter(|_| state == RunState::Failed).map(bounded);
        let catalog = self.catalog.clone();
        let mut failed = None;
        let (parent, has_rows) = match self.residents.remove(&key) {
            Some(resident) => {
                self.release(&resident);
                self.effects.push(Effect::Drop { run: key });
                let function = catalog.function(resident.function).registration.config.id;
                if let Some(error) = error
                    && self.is_told(function, &resident.event.name)?
                {
                    failed = Some(FailedRun { id: resident.id, function, event: resident.event, error });
                }
                (resident.parent, resident.has_rows)
            }
            None => match self.store.run(key)? {
                Some(run) => {
                    self.unblock(&run);
                    if let Some(error) = error
                        && let Some(function) = catalog.find(&run.function)
                    {
                        let function = catalog.function(function).registration.config.id;
                        let event = Arc::new(self.store.event(run.event)?.received());
                        if self.is_told(function, &event.name)? {
                            failed = Some(FailedRun { id: run.id, function, event, error });
                        }
                    }
                    (run.parent, true)
                }
                None => return Ok(()),
            },
        };
        if has_rows {
            self.store.remove_all_pending(key)?;
        }
        self.store.end_run(key, state, Some(&text), self.now)?;
        self.effects.push(Effect::Ended);
        if let Some(failed) = failed {
            self.tell_failure(failed)?;
        }
        match parent {
            Some((parent, step)) => self.complete_pending(parent, &step, result),
            None => Ok(()),
        }
    }
}

/// An error as it is stored.
pub(crate) fn error_json(error: &StepError) -> String {
    serde_json::to_string(&bounded(error)).unwrap_or_else(|_| "null".to_owned())
}

/// An error whose message beyond the limit is cut.
fn bounded(error: &StepError) -> StepError {
    if error.message.len() <= limits::ERROR_BYTES_MAX {
        return error.clone();
    }
    let end = error.message.floor_char_boundary(limits::ERROR_BYTES_MAX);
    StepError::new(error.name.clone(), format!("{} …", &error.message[..end]))
}
