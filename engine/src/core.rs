//! The engine's core: a function of (state, input, now) to effects.
//!
//! It has no clock, no task and no socket. Its state is the store's open transaction and what it remembers of the runs
//! that are resident; [`Core::apply`] handles a batch of inputs and all timers that are due in one transaction and
//! returns what is to be done once that is durable. The driver (`driver.rs`) and the simulator call nothing else.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use system_bus_runtime::error::Error;
use ulid::Ulid;

use crate::catalog::Catalog;
use crate::effect::Effect;
use crate::flow::Concurrency;
use crate::input::{CancelOutcome, Input};
use crate::limits;
use crate::resident::Resident;
use crate::store::{Millis, RunKey, RunState, Store, StoreError};

/// What the engine remembers besides the store. All of it can be made again from the store.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) residents: HashMap<RunKey, Resident>,
    pub(crate) idle: usize,
    pub(crate) concurrency: Concurrency,
    /// How many runs wait for room under each key.
    pub(crate) blocked: HashMap<String, u32>,
    /// Resident runs that wait for room for one more step, by key.
    pub(crate) step_waiters: HashMap<Arc<str>, VecDeque<RunKey>>,
    /// Keys under which places were given back and somebody waits.
    pub(crate) freed: Vec<Arc<str>>,
    /// Freed keys whose waiting runs cannot use the place before the process has room for another run.
    pub(crate) put_aside: Vec<Arc<str>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) timers: Timers,
    pub(crate) random: fastrand::Rng,
    pub(crate) draining: bool,
    pub(crate) now: Millis,
    last_id: Ulid,
    generation: u64,
}

/// When something is to be done without an input.
#[derive(Default)]
pub(crate) struct Timers {
    /// The earliest due time in the store; stale when `None`.
    pub(crate) due: Option<Option<Millis>>,
    /// The next time of each of the catalogue's time tables.
    pub(crate) crons: Vec<Millis>,
    pub(crate) retention: Millis,
}

impl Core {
    /// A core that has not looked into its store yet; [`Core::recover`] comes first. `generation` is the last one of the
    /// core before, so that a report to that one is recognised as late.
    pub(crate) fn new(store: Store, catalog: Arc<Catalog>, seed: u64, generation: u64) -> Self {
        Self {
            store,
            catalog,
            residents: HashMap::new(),
            idle: 0,
            concurrency: Concurrency::new(limits::EXECUTING_RUNS_MAX),
            blocked: HashMap::new(),
            step_waiters: HashMap::new(),
            freed: Vec::new(),
            put_aside: Vec::new(),
            effects: Vec::new(),
            timers: Timers::default(),
            random: fastrand::Rng::with_seed(seed),
            draining: false,
            now: 0,
            last_id: Ulid::nil(),
            generation,
        }
    }

    /// Handles inputs and due timers in one transaction. An error means that nothing happened: the caller drops all
    /// residences and makes a new core.
    pub(crate) fn apply(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        now: Millis,
    ) -> Result<Vec<Effect>, StoreError> {
        self.decide(inputs, now)?;
        self.commit()
    }

    /// The first half of [`Core::apply`]: all but the commit.
    pub(crate) fn decide(&mut self, inputs: impl IntoIterator<Item = Input>, now: Millis) -> Result<(), StoreError> {
        let set_back = now < self.now;
        self.now = now;
        self.store.begin()?;
        if set_back {
            self.recover_crons()?;
            self.timers.retention = now;
        }
        for input in inputs {
            self.handle(input)?;
            self.use_freed_places()?;
        }
        self.fire_timers()?;
        self.use_freed_places()
    }

    /// The second half of [`Core::apply`].
    pub(crate) fn commit(&mut self) -> Result<Vec<Effect>, StoreError> {
        self.store.commit()?;
        Ok(std::mem::take(&mut self.effects))
    }

    /// When [`Core::apply`] is to be called again without an input.
    pub(crate) fn deadline(&mut self) -> Result<Millis, StoreError> {
        let due = match self.timers.due {
            Some(due) => due,
            None => {
                let due = [self.store.next_due_run()?, self.store.next_due_step()?].into_iter().flatten().min();
                self.timers.due = Some(due);
                due
            }
        };
        let crons = self.timers.crons.iter().copied();
        Ok(crons.chain(due).fold(self.timers.retention, Millis::min))
    }

    /// Whether no step executes any more, so that a draining process can end.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.residents.values().all(|resident| resident.executing() == 0 && resident.undelivered == 0)
    }

    /// Ends with what was begun: effects that are not durable are forgotten. What is left is the store and the last
    /// generation.
    pub(crate) fn abort(self) -> (Store, u64) {
        self.store.rollback();
        (self.store, self.generation)
    }

    fn handle(&mut self, input: Input) -> Result<(), StoreError> {
        match input {
            Input::Events { events, reply } => {
                let mut accepted = Vec::with_capacity(events.len());
                for event in events {
                    accepted.push(self.accept(event)?);
                }
                self.effects.push(Effect::Accepted { reply, events: accepted });
            }
            Input::Report(report) => self.report(report)?,
            Input::Cancel { run, reply } => {
                let outcome = self.cancel(run)?;
                self.effects.push(Effect::Cancelled { reply, outcome });
            }
            Input::Signal { signal, data, reply } => {
                let run = self.signal(&signal, &data)?;
                self.effects.push(Effect::Signalled { reply, run });
            }
            Input::Notify { notification, delivery, reply } => {
                let delivery = self.notify(notification, delivery)?;
                self.effects.push(Effect::Notified { reply, delivery });
            }
            Input::State { key, command, reply } => {
                let answer = self.store.apply_state(&key, &command, self.now)?;
                self.effects.push(Effect::State { reply, answer });
            }
            Input::Deliver { delivery, hand_on, reply } => {
                let receipt = self.deliver(*delivery, hand_on)?;
                self.effects.push(Effect::Delivered { reply, receipt });
            }
            Input::Settle { settlements, reply } => {
                for (key, settlement) in &settlements {
                    self.store.settle_waiting(*key, settlement, self.now)?;
                }
                self.effects.push(Effect::Done { reply });
            }
            Input::Drain => self.draining = true,
            #[cfg(test)]
            Input::FailCommit => self.store.limit_size()?,
            #[cfg(test)]
            Input::PassTime { millis, reply } => {
                self.store.expire_state_earlier(millis)?;
                self.effects.push(Effect::Done { reply });
            }
        }
        Ok(())
    }

    fn cancel(&mut self, id: system_bus_runtime::function::RunId) -> Result<CancelOutcome, StoreError> {
        let Some(key) = self.store.run_key(id)? else { return Ok(CancelOutcome::Unknown) };
        let Some(run) = self.store.run(key)? else { return Ok(CancelOutcome::Unknown) };
        if run.state.is_final() {
            return Ok(CancelOutcome::Ended(run.state.status(true)));
        }
        self.cancel_run(key)?;
        Ok(CancelOutcome::Cancelled)
    }

    /// Cancels an unfinished run.
    pub(crate) fn cancel_run(&mut self, key: RunKey) -> Result<(), StoreError> {
        let error = Error::terminal("the run was cancelled").named("CancelledError");
        self.end_run(key, RunState::Cancelled, Err(error))
    }

    /// A new id, greater than all before.
    pub(crate) fn new_id(&mut self) -> Ulid {
        let millis = u64::try_from(self.now).unwrap_or(0).max(self.last_id.timestamp_ms());
        let id = if millis == self.last_id.timestamp_ms() {
            // 80 random bits, of which a millisecond uses up a few thousand: the overflow is not reached.
            self.last_id.increment().unwrap_or(self.last_id)
        } else {
            Ulid::from_parts(millis, self.random.u128(..) >> 49)
        };
        self.last_id = id;
        id
    }

    pub(crate) fn new_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }
}

/// `now` and `after`, saturating.
pub(crate) fn later(now: Millis, after: std::time::Duration) -> Millis {
    now.saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX))
}
