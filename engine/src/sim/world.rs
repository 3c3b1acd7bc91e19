//! A world with one engine: virtual time, a disk that can be slow, a process that can die at every point.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use serde_json::value::RawValue;
use system_bus_runtime::error::{Error, Result};
use system_bus_runtime::event::{EventData, NewEvent};
use system_bus_runtime::function::{Context as CallContext, FromContext, RunId, RunInfo, Services};
use system_bus_runtime::protocol::current_step;
use system_bus_runtime::registry::Registry;
use tokio::sync::oneshot;

use crate::catalog::Catalog;
use crate::core::Core;
use crate::effect::Effect;
use crate::executor::{Executor, Session};
use crate::input::{Accepted, CancelOutcome, Input};
use crate::store::{Millis, Place, RunState, Store};

/// What may go wrong, each with its probability at every chance it gets.
#[derive(Clone, Copy, Default)]
pub(super) struct Faults {
    /// The process dies before a commit, after it, or between its effects.
    pub(super) crash: f64,
    /// A commit takes up to two seconds.
    pub(super) slow_disk: f64,
    /// A commit fails, as on a full disk.
    pub(super) failing_store: f64,
    /// The wall clock is set forward or back by up to an hour.
    pub(super) clock_jump: f64,
}

/// What the functions of the world tell, and what they are told.
#[derive(Default)]
pub(super) struct Ledger {
    now: Millis,
    /// How often the body of a step was started, by run and step.
    pub(super) executions: BTreeMap<(RunId, String), u32>,
    /// Steps whose result is durable.
    durable: HashSet<(RunId, String)>,
    /// Bodies that wait for time to pass.
    sleepers: Vec<Waker>,
    /// Bodies that execute now, by label, and the most there ever were.
    pub(super) executing: HashMap<String, u32>,
    pub(super) executing_max: HashMap<String, u32>,
    /// Steps that are to fail, and how often.
    failures: HashMap<String, u32>,
    violations: Vec<String>,
}

/// The functions' way to the ledger.
#[derive(Clone)]
pub(super) struct Probe {
    ledger: Arc<Mutex<Ledger>>,
}

impl FromContext for Probe {
    fn from_context(context: &CallContext) -> Result<Self> {
        context.service()
    }
}

impl Probe {
    /// The body of a step: takes `millis` of virtual time under a label, fails when it was told to.
    pub(super) async fn work(&self, run: &RunInfo, label: &str, millis: i64) -> Result<String> {
        let step = current_step().map(|step| step.name.to_string()).unwrap_or_default();
        let until = {
            let mut ledger = self.ledger.lock().unwrap();
            let key = (run.id, step.clone());
            if ledger.durable.contains(&key) {
                ledger.violations.push(format!("step `{step}` of run {} ran again after its commit", run.id));
            }
            *ledger.executions.entry(key).or_insert(0) += 1;
            let executing = ledger.executing.entry(label.to_owned()).or_insert(0);
            *executing += 1;
            let executing = *executing;
            let most = ledger.executing_max.entry(label.to_owned()).or_insert(0);
            *most = executing.max(*most);
            ledger.now + millis
        };
        let _executing = Executing { ledger: self.ledger.clone(), label: label.to_owned() };
        std::future::poll_fn(|context| {
            let mut ledger = self.ledger.lock().unwrap();
            if ledger.now >= until {
                return Poll::Ready(());
            }
            ledger.sleepers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
        let mut ledger = self.ledger.lock().unwrap();
        if let Some(left) = ledger.failures.get_mut(&step)
            && *left > 0
        {
            *left -= 1;
            return Err(Error::retryable("told to fail"));
        }
        Ok(step)
    }

    /// Whether this place in a function is to fail now.
    pub(super) fn fails(&self, place: &str) -> bool {
        let mut ledger = self.ledger.lock().unwrap();
        match ledger.failures.get_mut(place) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

struct Executing {
    ledger: Arc<Mutex<Ledger>>,
    label: String,
}

impl Drop for Executing {
    fn drop(&mut self) {
        if let Some(count) = self.ledger.lock().unwrap().executing.get_mut(&self.label) {
            *count -= 1;
        }
    }
}

pub(super) struct World {
    core: Option<Core>,
    catalog: Arc<Catalog>,
    executor: Executor,
    inputs: Arc<Mutex<VecDeque<Input>>>,
    sessions: Vec<Pin<Box<Session>>>,
    ledger: Arc<Mutex<Ledger>>,
    random: fastrand::Rng,
    faults: Faults,
    pub(super) crashes: u32,
    pub(super) failures: u32,
}

/// 2026-01-05, a Monday, 00:00 UTC.
const START: Millis = 1_767_571_200_000;

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger { now: START, ..Ledger::default() }));
        let catalog = Arc::new(Catalog::new(&Registry::linked()).unwrap());
        let services = Services::default().with(Probe { ledger: ledger.clone() });
        let inputs = Arc::new(Mutex::new(VecDeque::new()));
        let reports = {
            let inputs = inputs.clone();
            Arc::new(move |report| inputs.lock().unwrap().push_back(Input::Report(report)))
        };
        let (store, _lock) = Store::open(&Place::Memory).unwrap();
        let mut world = Self {
            core: None,
            executor: Executor::new(catalog.clone(), services, Default::default(), reports),
            catalog,
            inputs,
            sessions: Vec::new(),
            ledger,
            random: fastrand::Rng::with_seed(seed),
            faults,
            crashes: 0,
            failures: 0,
        };
        world.boot(store, 0);
        world
    }

    fn boot(&mut self, store: Store, generation: u64) {
        let seed = self.random.u64(..);
        let mut core = Core::new(store, self.catalog.clone(), seed, generation);
        let effects = core.recover(self.now()).unwrap();
        self.core = Some(core);
        self.note_durable();
        self.perform(effects);
    }

    /// The process dies: what is not durable is gone, and a new process takes up the rest.
    pub(super) fn crash(&mut self) {
        self.crashes += 1;
        // A new process counts its generations from 0 again; nothing of the old one can reach it.
        let (store, _) = self.core.take().unwrap().abort();
        self.inputs.lock().unwrap().clear();
        self.sessions.clear();
        self.executor.drop_all();
        self.boot(store, 0);
    }

    /// A commit fails, and the same process goes on: reports to the old core are still on their way, and its sessions hear
    /// only late that they have ended.
    pub(super) fn fail_store(&mut self) {
        self.failures += 1;
        let (store, generation) = self.core.take().unwrap().abort();
        self.inputs.lock().unwrap().retain(|input| matches!(input, Input::Report(_)));
        self.executor.drop_all();
        self.poll_sessions();
        self.boot(store, generation);
    }

    pub(super) fn now(&self) -> Millis {
        self.ledger.lock().unwrap().now
    }

    pub(super) fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Makes the next `times` executions of a step, or of a place, fail.
    pub(super) fn fail(&self, step: &str, times: u32) {
        self.ledger().failures.insert(step.to_owned(), times);
    }

    /// Sends an event again and again until it is durable, as a careful sender does: under one id.
    pub(super) fn send<T: EventData>(&mut self, id: Option<&str>, data: &T) -> Accepted {
        let mut event = NewEvent::new(data).unwrap();
        event.id = id.map(str::to_owned);
        self.send_raw(event)
    }

    pub(super) fn send_raw(&mut self, event: NewEvent) -> Accepted {
        loop {
            let (reply, mut answer) = oneshot::channel();
            self.input(Input::Events { events: vec![event.clone()], reply });
            for _ in 0..1_000 {
                self.turn();
                match answer.try_recv() {
                    Ok(accepted) => return accepted[0],
                    Err(oneshot::error::TryRecvError::Empty) => {}
                    Err(oneshot::error::TryRecvError::Closed) => break,
                }
            }
        }
    }

    /// Sends many events at once.
    pub(super) fn send_all(&mut self, events: Vec<NewEvent>) {
        let (reply, _) = oneshot::channel();
        self.input(Input::Events { events, reply });
        self.turn();
    }

    /// A commit of what the timers do, while the reports of the sessions are still on their way.
    pub(super) fn commit_timers(&mut self) {
        let now = self.now();
        let core = self.core.as_mut().unwrap();
        let effects = core.apply(Vec::new(), now).unwrap();
        self.note_durable();
        self.perform(effects);
    }

    /// When a waiting step of the first run goes on.
    pub(super) fn due_of(&self, step: &str) -> Millis {
        self.core_ref().store.pending_step(1, step).unwrap().unwrap().due.unwrap()
    }

    pub(super) fn cancel(&mut self, run: RunId) -> CancelOutcome {
        let (reply, mut answer) = oneshot::channel();
        self.input(Input::Cancel { run, reply });
        self.turn();
        answer.try_recv().unwrap()
    }

    /// Sends a signal from outside; the run that received it.
    pub(super) fn signal(&mut self, signal: &str, data: &RawValue) -> Option<RunId> {
        let (reply, mut answer) = oneshot::channel();
        self.input(Input::Signal { signal: signal.to_owned(), data: data.to_owned(), reply });
        self.turn();
        answer.try_recv().unwrap()
    }

    fn input(&self, input: Input) {
        self.inputs.lock().unwrap().push_back(input);
    }

    /// One turn of the world: sessions in some order, some of the inputs, a commit, its effects.
    fn turn(&mut self) {
        self.poll_sessions();
        let count = self.inputs.lock().unwrap().len();
        let taken = if count == 0 { 0 } else { self.random.usize(1..=count) };
        let batch: Vec<Input> = self.inputs.lock().unwrap().drain(..taken).collect();
        if self.random.f64() < self.faults.clock_jump {
            let jump = self.random.i64(-3_600_000..3_600_000);
            self.ledger().now += jump;
        }
        let now = self.now();
        let core = self.core.as_mut().unwrap();
        core.decide(batch, now).unwrap();
        if self.random.f64() < self.faults.crash {
            return self.crash();
        }
        if self.random.f64() < self.faults.failing_store {
            return self.fail_store();
        }
        let mut effects = core.commit().unwrap();
        self.note_durable();
        if self.random.f64() < self.faults.slow_disk {
            let delay = self.random.i64(0..2_000);
            self.ledger().now += delay;
        }
        if self.random.f64() < self.faults.crash {
            let some = self.random.usize(0..=effects.len());
            effects.truncate(some);
            self.perform(effects);
            self.poll_sessions();
            return self.crash();
        }
        self.perform(effects);
    }

    /// Polls every session once, in some order.
    pub(super) fn poll_sessions(&mut self) {
        let sleepers = std::mem::take(&mut self.ledger().sleepers);
        sleepers.into_iter().for_each(Waker::wake);
        self.random.shuffle(&mut self.sessions);
        let mut context = Context::from_waker(Waker::noop());
        self.sessions.retain_mut(|session| session.as_mut().poll(&mut context).is_pending());
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match self.executor.deliver(effect) {
                Some(Effect::Start(start)) => self.sessions.push(Box::pin(self.executor.open(*start))),
                Some(Effect::Accepted { reply, events }) => drop(reply.send(events)),
                Some(Effect::Cancelled { reply, outcome }) => drop(reply.send(outcome)),
                Some(Effect::Signalled { reply, run }) => drop(reply.send(run)),
                Some(Effect::Notified { reply, delivery }) => {
                    let _ = reply.send(delivery);
                }
                _ => {}
            }
        }
    }

    /// Notes which steps are durable, for the check that none of them runs again.
    fn note_durable(&mut self) {
        let store = &self.core.as_ref().unwrap().store;
        let mut ledger = self.ledger.lock().unwrap();
        if store.step_total() != ledger.durable.len() {
            ledger.durable = store.all_steps();
        }
    }

    /// Lets things happen until nothing is left to do at this time.
    pub(super) fn settle(&mut self) {
        // A turn takes only some of the inputs; this many see the longest chain of consequences through.
        for _ in 0..20 {
            self.turn();
        }
    }

    /// Sets the time forward without letting anything happen in between.
    pub(super) fn skip(&mut self, millis: i64) {
        self.ledger().now += millis;
    }

    /// Lets virtual time pass in small steps.
    pub(super) fn advance(&mut self, millis: i64) {
        let until = self.now() + millis;
        self.settle();
        while self.now() < until {
            let step = (until - self.now()).min(250);
            self.ledger().now += step;
            self.settle();
        }
    }

    /// Lets time pass, from one deadline to the next, until every run has ended; panics when they do not.
    pub(super) fn drain(&mut self) {
        for _ in 0..20_000 {
            self.turn();
            if self.inputs.lock().unwrap().is_empty() && self.core_ref().store.unfinished() == 0 {
                return;
            }
            if self.random.f64() < 0.3 {
                let step = self.random.i64(1..20_000);
                self.ledger().now += step;
            }
        }
        let open: Vec<String> =
            self.runs().into_iter().filter(|run| !run.state.is_final()).map(|run| format!("{run:?}")).collect();
        panic!("runs are stuck: {open:#?}");
    }

    fn core_ref(&self) -> &Core {
        self.core.as_ref().unwrap()
    }

    /// All runs, oldest first.
    pub(super) fn runs(&self) -> Vec<SimRun> {
        let store = &self.core_ref().store;
        store
            .all_runs()
            .into_iter()
            .map(|run| SimRun {
                id: run.id,
                function: run.function.clone(),
                state: run.state,
                result: store.result_of(run.key),
                steps: store.steps(run.key).unwrap().into_iter().map(|step| step.name).collect(),
            })
            .collect()
    }

    /// The runs of one function.
    pub(super) fn runs_of(&self, function: &str) -> Vec<SimRun> {
        self.runs().into_iter().filter(|run| run.function == function).collect()
    }

    /// Runs that have their future in memory.
    pub(super) fn residents(&self) -> usize {
        self.core_ref().residents.len()
    }

    pub(super) fn fates(&self) -> Vec<(String, String)> {
        self.core_ref().store.all_fates()
    }

    /// What must hold once all runs have ended.
    pub(super) fn check_invariants(&self) {
        let core = self.core_ref();
        assert!(self.ledger().violations.is_empty(), "{:#?}", self.ledger().violations);
        assert_eq!(core.store.leftovers(), 0, "rows of waiting steps are left");
        assert_eq!(core.concurrency.taken("worker"), 0, "places are left taken");
        assert_eq!(core.idle, 0, "idle residents are left");
        assert!(core.residents.is_empty(), "residents are left");
        assert!(core.blocked.is_empty(), "blocked counts are left: {:?}", core.blocked);
    }
}

/// A run as a test sees it.
#[derive(Debug)]
pub(super) struct SimRun {
    pub(super) id: RunId,
    pub(super) function: String,
    pub(super) state: RunState,
    pub(super) result: Value,
    pub(super) steps: Vec<String>,
}
