//! The steps of one call: what was registered, what is remembered, what may run.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use serde_json::value::RawValue;

use super::{Operation, StepId, StepMap, StepResult};
use crate::error::Error;
use crate::function::{RunId, StepKind};
use crate::middleware::{CallHooks, StepInfo};

/// The steps of one call, shared by the step futures and their driver; clones are handles to the same journal.
#[derive(Clone)]
pub struct Journal(Arc<Mutex<State>>);

struct State {
    run: Option<RunId>,
    entries: Vec<Entry>,
    positions: StepMap<usize>,
    repeats: HashMap<String, u32>,
    /// Results to be handed back, in the order in which the steps completed.
    completed: VecDeque<(StepId, StepResult)>,
    /// Results handed back before their step was registered, numbered: the code has changed since.
    early: StepMap<(u64, StepResult)>,
    early_count: u64,
    /// Early results whose step is registered by now, by number: they are handed back one at a time too.
    due: BTreeMap<u64, (StepId, StepResult)>,
    news: News,
    misuse: Option<Error>,
    hooks: CallHooks,
}

/// What happened since the driver last asked.
#[derive(Default)]
pub(super) struct News {
    pub(super) registered: Vec<Registered>,
    pub(super) ended: Vec<Ended>,
    pub(super) abandoned: Vec<StepId>,
}

/// A step that was awaited for the first time in this call and is not remembered.
#[derive(Debug)]
pub struct Registered {
    /// The id on the wire.
    pub id: StepId,
    /// The name, with `:n` for the n-th repeat.
    pub name: String,
    /// What it asks for.
    pub operation: Operation,
}

/// A step whose body has ended; its result is not durable yet.
#[derive(Debug)]
pub struct Ended {
    /// The id on the wire.
    pub id: StepId,
    /// The result, or why this attempt failed.
    pub result: Result<Box<RawValue>, Error>,
}

struct Entry {
    id: StepId,
    name: Arc<str>,
    kind: StepKind,
    phase: Phase,
    waker: Option<Waker>,
}

impl Entry {
    fn info(&self) -> StepInfo {
        StepInfo { id: self.id, name: self.name.clone(), kind: self.kind }
    }

    /// Whether a result would be the first that the step gets.
    fn lacks_result(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Executing | Phase::Ended)
    }
}

enum Phase {
    Waiting,
    Executing,
    Ended,
    Ready(StepResult),
    Taken,
    Abandoned,
}

impl Journal {
    /// A journal that remembers `completed`, in the order in which the steps completed.
    pub fn new(run: Option<RunId>, completed: impl IntoIterator<Item = (StepId, StepResult)>) -> Self {
        let completed: VecDeque<_> = completed.into_iter().collect();
        // As a rule what is remembered is reached again, and then comes one step more.
        let expected = completed.len() + 1;
        Self(Arc::new(Mutex::new(State {
            run,
            entries: Vec::with_capacity(expected),
            positions: StepMap::with_capacity_and_hasher(expected, Default::default()),
            repeats: HashMap::new(),
            completed,
            early: StepMap::default(),
            early_count: 0,
            due: BTreeMap::new(),
            news: News::default(),
            misuse: None,
            hooks: CallHooks::default(),
        })))
    }

    /// Lets the bodies of steps run within the middleware of the call.
    pub(super) fn set_hooks(&self, hooks: CallHooks) {
        self.lock().hooks = hooks;
    }

    /// What a hook is told of a step.
    pub(super) fn info(&self, id: StepId) -> Option<StepInfo> {
        self.lock().entry(id).map(|entry| entry.info())
    }

    // A panic in a step's body is caught before it reaches a guard, so a poisoned lock still holds whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a result to those that are to be handed back.
    pub fn complete(&self, id: StepId, result: StepResult) {
        self.lock().completed.push_back((id, result));
    }

    /// Lets a waiting step run its body; false when it no longer waits.
    pub fn grant(&self, id: StepId) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.entry(id) else { return false };
        if !matches!(entry.phase, Phase::Waiting) {
            return false;
        }
        entry.phase = Phase::Executing;
        let waker = entry.waker.take();
        drop(state);
        wake(waker);
        true
    }

    /// Ends an executing step from outside, as a time-out does; its body is dropped at its next poll.
    pub fn interrupt(&self, id: StepId, error: Error) -> bool {
        self.end(id, Err(error))
    }

    /// Ends an executing step from outside, as its driver does with the response to a request that it made for the step.
    pub fn end(&self, id: StepId, result: Result<Box<RawValue>, Error>) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.entry(id) else { return false };
        if !matches!(entry.phase, Phase::Executing) {
            return false;
        }
        entry.phase = Phase::Ended;
        let waker = entry.waker.take();
        state.news.ended.push(Ended { id, result });
        drop(state);
        wake(waker);
        true
    }

    /// Hands the next remembered result to its step, through the middleware; false when none is left.
    pub(super) fn hand_back(&self, hooks: &CallHooks) -> Result<bool, Error> {
        let mut state = self.lock();
        let due = state.due.pop_first().map(|(_, early)| early);
        let Some((id, mut result)) = due.or_else(|| state.completed.pop_front()) else { return Ok(false) };
        if !hooks.is_empty()
            && let Some(entry) = state.entry(id)
            && entry.lacks_result()
        {
            let step = entry.info();
            // Hooks are the application's code: they must not run under the lock.
            drop(state);
            hooks.transform_memoized(&step, &mut result)?;
            state = self.lock();
        }
        let waker = match state.entry(id) {
            None => {
                let number = state.early_count;
                state.early_count += 1;
                state.early.entry(id).or_insert((number, result));
                None
            }
            Some(entry) if entry.lacks_result() => {
                entry.phase = Phase::Ready(result);
                let waker = entry.waker.take();
                // It needs nothing from the driver any more. In a replay it is the last one as a rule, and looking for all
                // of them at the end would cost more.
                if state.news.registered.last().is_some_and(|step| step.id == id) {
                    state.news.registered.pop();
                }
                waker
            }
            Some(_) => None,
        };
        drop(state);
        wake(waker);
        Ok(true)
    }

    /// Whether results are left to be handed back.
    pub fn is_replaying(&self) -> bool {
        let state = self.lock();
        !state.completed.is_empty() || !state.due.is_empty()
    }

    /// Whether a result came before its step, or for a step that is gone: the code has changed since, or it is not
    /// deterministic (`SDK_SPEC.md` §5.4).
    pub fn has_diverged(&self) -> bool {
        self.lock().early_count > 0
    }

    /// Takes the news; registered steps only from a future `at_rest`, because their result may yet be handed back.
    pub(super) fn take_news(&self, at_rest: bool) -> News {
        let mut state = self.lock();
        let mut news = std::mem::take(&mut state.news);
        if !at_rest {
            state.news.registered = std::mem::take(&mut news.registered);
            return news;
        }
        // A step that was registered and answered, or dropped, within one turn needs nothing from the driver.
        news.registered.retain(|step| {
            state
                .positions
                .get(&step.id)
                .is_some_and(|&position| matches!(state.entries[position].phase, Phase::Waiting))
        });
        news
    }

    pub(super) fn take_misuse(&self) -> Option<Error> {
        self.lock().misuse.take()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl State {
    fn entry(&mut self, id: StepId) -> Option<&mut Entry> {
        let position = *self.positions.get(&id)?;
        Some(&mut self.entries[position])
    }

    /// The name with `:n` appended for the n-th repeat, skipping names that an author chose to look like one.
    fn unique_name(&mut self, name: String) -> (StepId, String) {
        let id = StepId::of(&name);
        if !self.positions.contains_key(&id) {
            return (id, name);
        }
        let repeat = self.repeats.entry(name.clone()).or_insert(0);
        loop {
            *repeat += 1;
            let unique = format!("{name}:{repeat}");
            let id = StepId::of(&unique);
            if !self.positions.contains_key(&id) {
                return (id, unique);
            }
        }
    }
}

/// Bytes of a step's name; it is stored with each result.
const STEP_NAME_BYTES_MAX: usize = 1_024;

/// A step future's place in the journal.
pub(crate) struct Slot {
    journal: Journal,
    position: Option<usize>,
}

/// What a step future is to do.
pub(crate) enum SlotPoll {
    /// Nothing yet.
    Pending,
    /// Poll the body.
    Execute,
    /// The body has ended or was interrupted: drop it.
    Ended,
    /// The step's result.
    Ready(StepResult),
}

impl Slot {
    pub(crate) fn new(journal: Journal) -> Self {
        Self { journal, position: None }
    }

    /// Registers the step at the first poll and tells what to do now.
    pub(crate) fn poll(&mut self, context: &Context<'_>, register: impl FnOnce() -> (String, Operation)) -> SlotPoll {
        let mut state = self.journal.lock();
        let position = match self.position {
            Some(position) => position,
            None => {
                let (name, operation) = register();
                if let Some(outer) = CURRENT.with_borrow(|current| current.as_ref().map(|step| step.name.clone())) {
                    state.misuse.get_or_insert_with(|| {
                        Error::terminal(format!(
                            "step `{name}` was started inside step `{outer}`: start it in the function's body"
                        ))
                        .named("NestedStepError")
                    });
                    return SlotPoll::Pending;
                }
                if name.is_empty() || name.starts_with(char::is_control) || name.len() > STEP_NAME_BYTES_MAX {
                    state.misuse.get_or_insert_with(|| {
                        let text = "a step's name has 1 to 1024 bytes and starts with a visible character";
                        Error::terminal(text).named("StepNameError")
                    });
                    return SlotPoll::Pending;
                }
                let (id, name) = state.unique_name(name);
                let position = state.entries.len();
                if let Some((number, result)) = state.early.remove(&id) {
                    state.due.insert(number, (id, result));
                }
                state.entries.push(Entry {
                    id,
                    name: name.as_str().into(),
                    kind: operation.kind(),
                    phase: Phase::Waiting,
                    waker: None,
                });
                state.positions.insert(id, position);
                state.news.registered.push(Registered { id, name, operation });
                self.position = Some(position);
                position
            }
        };
        let entry = &mut state.entries[position];
        match std::mem::replace(&mut entry.phase, Phase::Taken) {
            Phase::Ready(result) => SlotPoll::Ready(result),
            phase => {
                let poll = match phase {
                    Phase::Executing => SlotPoll::Execute,
                    Phase::Ended => SlotPoll::Ended,
                    _ => SlotPoll::Pending,
                };
                entry.phase = phase;
                if !entry.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                    entry.waker = Some(context.waker().clone());
                }
                poll
            }
        }
    }

    /// Polls the body under the step's name, so that services know which step they serve, and within the middleware.
    pub(crate) fn enter<T>(&self, mut body: impl FnMut() -> T) -> T {
        let mut hooked = None;
        let step = self.position.map(|position| {
            let state = self.journal.lock();
            let entry = &state.entries[position];
            if !state.hooks.is_empty() {
                hooked = Some((state.hooks.clone(), entry.info()));
            }
            CurrentStep { run: state.run, name: entry.name.clone() }
        });
        let outer = CURRENT.replace(step);
        let _restore = Restore(Some(outer));
        match hooked {
            None => body(),
            Some((hooks, step)) => hooks.around_poll(Some(&step), body),
        }
    }

    /// Reports the end of the body and waits for the result to be handed back.
    pub(crate) fn end(&self, result: Result<Box<RawValue>, Error>) {
        let Some(position) = self.position else { return };
        let mut state = self.journal.lock();
        let entry = &mut state.entries[position];
        // The body was interrupted during its last poll: that end counts.
        if !matches!(entry.phase, Phase::Executing) {
            return;
        }
        entry.phase = Phase::Ended;
        let id = entry.id;
        state.news.ended.push(Ended { id, result });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(position) = self.position else { return };
        let mut state = self.journal.lock();
        let entry = &mut state.entries[position];
        if !matches!(entry.phase, Phase::Taken) {
            entry.phase = Phase::Abandoned;
            let id = entry.id;
            state.news.abandoned.push(id);
        }
    }
}

/// The step whose body is being polled on this thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentStep {
    /// The run, when an engine drives the call.
    pub run: Option<RunId>,
    /// The step's name, with `:n` for a repeat.
    pub name: Arc<str>,
}

thread_local! {
    static CURRENT: RefCell<Option<CurrentStep>> = const { RefCell::new(None) };
}

/// The step whose body is being polled on this thread; services derive idempotency keys from it.
pub fn current_step() -> Option<CurrentStep> {
    CURRENT.with_borrow(Clone::clone)
}

/// Puts the outer step back, also when the body panics.
struct Restore(Option<Option<CurrentStep>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take().flatten());
    }
}
