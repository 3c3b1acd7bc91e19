//! What outlives a replay: durable results, the virtual clock, the doubles.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::answer::Fault;
use super::harness::Harness;
use super::open::encode;
use super::watchdog::Watchdog;
use super::{HarnessError, MemoryState, RecordingSink, Report, SentSignal, TestClock};
use crate::error::{Error, Result};
use crate::event::{NewEvent, ReceivedEvent};
use crate::function::{Context, RunId, RunInfo, Services, StepKind};
use crate::outbound::{FetchRequest, InferRequest};
use crate::protocol::{Execution, Journal, Operation, StepId, StepResult};
use crate::service::{NotificationSink, StateStore};

/// The run's id: always the same, so that the ids of notifications are too.
const RUN: RunId = RunId(ulid::Ulid::from_parts(0, 1));

/// One run, across its replays.
pub(super) struct World<'a> {
    pub(super) harness: &'a Harness,
    pub(super) fault: Fault,
    pub(super) struck: bool,
    pub(super) spent: bool,
    pub(super) clock: TestClock,
    pub(super) watchdog: Watchdog,
    /// Failed attempts by step.
    pub(super) failures: HashMap<String, u32>,
    sent: Vec<NewEvent>,
    signals: Vec<SentSignal>,
    fetched: Vec<FetchRequest>,
    inferred: Vec<InferRequest>,
    /// Scripted steps that the function has come to.
    pub(super) reached: HashSet<String>,
    completed: Vec<Completed>,
    ids: HashSet<StepId>,
    used: usize,
    sink: RecordingSink,
    state: MemoryState,
    services: Services,
    events: Vec<Arc<ReceivedEvent>>,
}

/// A durable result.
struct Completed {
    id: StepId,
    name: String,
    kind: StepKind,
    result: StepResult,
}

impl<'a> World<'a> {
    pub(super) fn new(harness: &'a Harness, fault: Fault) -> Self {
        let clock = TestClock::at(harness.now);
        let sink = RecordingSink::new(clock.clone());
        let state = MemoryState::new(clock.clone());
        for (key, held) in &harness.state {
            state.hold(key.clone(), held.clone());
        }
        let services = Services::default()
            .with::<Arc<dyn NotificationSink>>(Arc::new(sink.clone()))
            .with::<Arc<dyn StateStore>>(Arc::new(state.clone()));
        Self {
            harness,
            fault,
            struck: false,
            spent: false,
            watchdog: Watchdog::new(harness.time_limit),
            failures: HashMap::new(),
            sent: Vec::new(),
            signals: Vec::new(),
            fetched: Vec::new(),
            inferred: Vec::new(),
            reached: HashSet::new(),
            completed: Vec::new(),
            ids: HashSet::new(),
            used: 0,
            sink,
            state,
            services: harness.services.iter().fold(services, |services, add| add(services)),
            events: harness.received(),
            clock,
        }
    }

    /// Starts the function anew, with all durable results.
    pub(super) fn start(&self, attempt: u32) -> Result<Execution, Error> {
        let results = self.completed.iter().map(|step| (step.id, step.result.clone()));
        let journal = Journal::new(Some(RUN), results);
        let run = RunInfo { id: RUN, function: self.harness.subject.id(), attempt };
        let context = Context::new(run, self.events.clone(), journal.clone(), self.services.clone());
        Ok(Execution::new(journal, self.harness.subject.call(&context)?))
    }

    /// Makes a step's result durable.
    pub(super) fn complete(
        &mut self,
        id: StepId,
        name: String,
        kind: StepKind,
        result: StepResult,
    ) -> Result<(), HarnessError> {
        self.ids.insert(id);
        self.completed.push(Completed { id, name, kind, result });
        self.count()
    }

    /// Takes events in; the answer of a `send_event` step.
    pub(super) fn send(&mut self, events: Vec<NewEvent>) -> Result<StepResult, HarnessError> {
        let sent = self.sent.len();
        let ids = events.iter().zip(sent..).map(|(event, n)| event.id.clone().unwrap_or_else(|| format!("sent-{n}")));
        let ids = encode("sent events", &ids.collect::<Vec<_>>())?;
        self.sent.extend(events);
        Ok(Ok(ids))
    }

    /// Notes a signal that was sent.
    pub(super) fn signal(&mut self, signal: &str, data: &RawValue, result: &StepResult) {
        if result.is_ok() {
            let data = serde_json::from_str(data.get()).unwrap_or_default();
            self.signals.push(SentSignal { signal: signal.to_owned(), data });
        }
    }

    /// Notes a request that was made.
    pub(super) fn requested(&mut self, operation: &Operation) {
        match operation {
            Operation::Fetch(request) => self.fetched.push((**request).clone()),
            Operation::Infer(request) => self.inferred.push((**request).clone()),
            _ => {}
        }
    }

    /// Counts a step or an attempt.
    pub(super) fn count(&mut self) -> Result<(), HarnessError> {
        self.used += 1;
        let limit = self.harness.steps_max;
        if self.used > limit { Err(HarnessError::TooManySteps { limit }) } else { Ok(()) }
    }

    pub(super) fn is_complete(&self, id: StepId) -> bool {
        self.ids.contains(&id)
    }

    /// Whether the fault is due; it takes place once.
    pub(super) fn strikes(&mut self, fault: fn(String) -> Fault, step: &str) -> bool {
        let due = !self.struck && self.fault == fault(step.to_owned());
        self.struck |= due;
        due
    }

    /// Whether the run may come to steps that the script, made for a good run, has no answer for.
    pub(super) fn is_off_script(&self) -> bool {
        self.spent || self.struck && matches!(self.fault, Fault::FailForGood(_))
    }

    pub(super) fn report(self, output: Result<serde_json::Value>) -> Report {
        let (steps, kinds) = self.completed.into_iter().map(|step| (step.name, step.kind)).unzip();
        Report {
            output,
            steps,
            sent_events: self.sent,
            sent_signals: self.signals,
            fetched: self.fetched,
            inferred: self.inferred,
            notifications: self.sink.notifications(),
            state: self.state,
            kinds,
            struck: self.struck,
            spent: self.spent,
        }
    }
}
