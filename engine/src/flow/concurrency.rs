//! Concurrency limits: executing steps are counted for each key, sleeping runs are not.

use std::collections::HashMap;
use std::sync::Arc;

/// The key that every run takes besides its function's own: it bounds the executing runs of the process.
const WORKER: &str = "worker";

/// One counter that an executing step needs a place in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Which counter: scope, function or expression, and the key's value.
    pub(crate) key: Arc<str>,
    /// Places in all.
    pub(crate) limit: u32,
}

/// Whether there is a place in every counter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// There is, and it is taken.
    Admitted,
    /// There is not; this is the first full counter.
    Blocked(Arc<str>),
}

/// The counters.
pub(crate) struct Concurrency {
    taken: HashMap<Arc<str>, u32>,
    worker: Slot,
}

impl Concurrency {
    /// Counters at zero, and at most `runs_max` runs at the same time.
    pub(crate) fn new(runs_max: u32) -> Self {
        Self { taken: HashMap::new(), worker: Slot { key: WORKER.into(), limit: runs_max } }
    }

    /// Takes a place for a run: in the process, and for the step it is about to execute.
    pub(crate) fn admit_run(&mut self, slots: &[Slot]) -> Admission {
        let worker = self.worker.clone();
        // The narrowest counter first: a run that waits there is not looked at each time the process has room.
        match self.full(slots.iter().chain(std::iter::once(&worker))) {
            Some(key) => Admission::Blocked(key),
            None => {
                self.take(&worker.key);
                self.admit(slots);
                Admission::Admitted
            }
        }
    }

    /// Takes a place for one more executing step of an admitted run; false when a counter is full.
    pub(crate) fn admit_step(&mut self, slots: &[Slot]) -> bool {
        if self.full(slots.iter()).is_some() {
            return false;
        }
        self.admit(slots);
        true
    }

    /// Gives back the places of `steps` executing steps.
    pub(crate) fn release_steps(&mut self, slots: &[Slot], steps: u32) {
        for slot in slots {
            self.release(&slot.key, steps);
        }
    }

    /// Gives back a run's place in the process.
    pub(crate) fn release_run(&mut self) {
        self.release(&self.worker.key.clone(), 1);
    }

    /// Whether the counter of this key may have a place; the limit is the caller's.
    pub(crate) fn taken(&self, key: &str) -> u32 {
        self.taken.get(key).copied().unwrap_or(0)
    }

    /// Whether the process has room for another run.
    pub(crate) fn has_room(&self) -> bool {
        self.taken(&self.worker.key) < self.worker.limit
    }

    /// The key that every run takes.
    pub(crate) fn worker_key(&self) -> &Arc<str> {
        &self.worker.key
    }

    fn full<'a>(&self, mut slots: impl Iterator<Item = &'a Slot>) -> Option<Arc<str>> {
        slots.find(|slot| self.taken(&slot.key) >= slot.limit).map(|slot| slot.key.clone())
    }

    fn admit(&mut self, slots: &[Slot]) {
        for slot in slots {
            self.take(&slot.key);
        }
    }

    fn take(&mut self, key: &Arc<str>) {
        *self.taken.entry(key.clone()).or_insert(0) += 1;
    }

    fn release(&mut self, key: &Arc<str>, count: u32) {
        if let Some(taken) = self.taken.get_mut(key) {
            debug_assert!(*taken >= count, "more places given back than taken under `{key}`");
            *taken = taken.saturating_sub(count);
            if *taken == 0 {
                self.taken.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(key: &str, limit: u32) -> Slot {
        Slot { key: key.into(), limit }
    }

    #[test]
    fn a_full_counter_blocks_and_takes_nothing() {
        let mut concurrency = Concurrency::new(10);
        let slots = [slot("a", 5), slot("b", 1)];
        assert_eq!(concurrency.admit_run(&slots), Admission::Admitted);
        assert_eq!(concurrency.admit_run(&slots), Admission::Blocked("b".into()));
        assert_eq!(concurrency.taken("a"), 1);
        concurrency.release_steps(&slots, 1);
        concurrency.release_run();
        assert_eq!(concurrency.admit_run(&slots), Admission::Admitted);
    }

    #[test]
    fn the_process_has_a_limit_of_its_own() {
        let mut concurrency = Concurrency::new(1);
        assert_eq!(concurrency.admit_run(&[]), Admission::Admitted);
        assert_eq!(concurrency.admit_run(&[]), Admission::Blocked(WORKER.into()));
    }

    #[test]
    fn counters_at_zero_cost_no_memory() {
        let mut concurrency = Concurrency::new(1);
        concurrency.admit_step(&[slot("a", 1)]);
        concurrency.release_steps(&[slot("a", 1)], 1);
        assert!(concurrency.taken.is_empty());
    }
}
