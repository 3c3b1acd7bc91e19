//! One call of a function: its future, polled one remembered result at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use serde_json::value::RawValue;

use super::{Ended, Journal, Registered, StepId};
use crate::error::{Error, Result as CallResult};
use crate::function::{Context as CallContext, FunctionFuture};
use crate::middleware::{CallHooks, CallInfo, Input, MiddlewareStack};

/// One call of a function.
pub struct Execution {
    journal: Journal,
    future: FunctionFuture,
    waker: Option<(Arc<WakeFlag>, Waker)>,
    hooks: CallHooks,
    stage: Stage,
}

/// How far the hooks of a call have come; the order of all hooks is in the `middleware` module.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Remembered results are left.
    Memoizing,
    /// No new code runs.
    Resting,
    /// New code runs.
    Executing,
    /// Nothing more leaves.
    Responded,
}

/// What one turn brought.
#[derive(Default)]
pub struct Turn {
    /// The function's end.
    pub done: Option<CallResult<Box<RawValue>>>,
    /// Steps that wait for the driver; none while `again` is set.
    pub registered: Vec<Registered>,
    /// Steps whose body has ended.
    pub ended: Vec<Ended>,
    /// Steps whose future was dropped, as the losers of a `select!` are.
    pub abandoned: Vec<StepId>,
    /// The future has woken itself: take another turn before deciding anything.
    pub again: bool,
}

impl Execution {
    /// A call that has not been polled yet.
    pub fn new(journal: Journal, future: FunctionFuture) -> Self {
        Self { journal, future, waker: None, hooks: CallHooks::default(), stage: Stage::Memoizing }
    }

    /// Calls a function within `middleware`: hooks, extractors, and then the future that [`Execution::turn`] polls.
    ///
    /// What fails or panics on the way is the function's end at the first turn, as if its own code had failed.
    pub fn begin(
        call: impl FnOnce(&CallContext) -> CallResult<FunctionFuture>,
        info: &CallInfo<'_>,
        mut input: Input,
        journal: Journal,
        middleware: &MiddlewareStack,
    ) -> Self {
        let mut hooks = CallHooks::default();
        let prepared = middleware.begin(info).and_then(|begun| {
            hooks = begun;
            hooks.transform_input(&mut input)?;
            if input.events.is_empty() {
                return Err(Error::terminal("a middleware took the call's events away").named("MiddlewareError"));
            }
            let context = CallContext::new(info.run.clone(), input.events, journal.clone(), input.services);
            catch_unwind(AssertUnwindSafe(|| call(&context)))
                .unwrap_or_else(|panic| Err(panicked("an extractor", &*panic)))
        });
        let future = prepared.unwrap_or_else(|error| Box::pin(std::future::ready(Err(error))));
        if !hooks.is_empty() {
            journal.set_hooks(hooks.clone());
        }
        Self { hooks, ..Self::new(journal, future) }
    }

    /// The steps of the call.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Polls the future, hands back the next remembered result, and so on until none is left and it is pending.
    ///
    /// One result at a time, because then a `select!` over remembered steps has the same winner at every replay.
    pub fn turn(&mut self, context: &mut Context<'_>) -> Turn {
        let (flag, waker) = self.flag(context);
        flag.begin_turn();
        let turn = self.take_turn(&flag, &waker);
        flag.end_turn();
        turn
    }

    fn take_turn(&mut self, flag: &WakeFlag, waker: &Waker) -> Turn {
        loop {
            if let Err(error) = self.before_poll() {
                return self.broken(error);
            }
            flag.woken.store(false, Ordering::SeqCst);
            let future = self.future.as_mut();
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let mut future = future;
                self.hooks.around_poll(None, || future.as_mut().poll(&mut Context::from_waker(waker)))
            }));
            if let Some(misuse) = self.journal.take_misuse() {
                // No other news: a remembered result of the step that was misused would hide the misuse at a replay.
                return self.broken(misuse);
            }
            let done = match polled {
                Err(panic) => Some(Err(panicked("the function", &*panic))),
                Ok(Poll::Ready(result)) => Some(result),
                Ok(Poll::Pending) => None,
            };
            if done.is_some() {
                return self.report(done, false);
            }
            if flag.woken.load(Ordering::SeqCst) {
                return self.report(None, true);
            }
            match self.journal.hand_back(&self.hooks) {
                Ok(true) => {}
                Ok(false) => return self.report(None, false),
                // Not the step's error: its result is there, and an author who catches the error would go astray.
                Err(error) => return self.broken(error),
            }
        }
    }

    /// Tells the middleware that the driver takes nothing more out of this call. At the function's end the turn has done
    /// it; a driver does it when it answers, or ends a residence, before that.
    pub fn respond(&mut self) {
        if self.hooks.is_empty() || self.stage == Stage::Responded {
            return;
        }
        // A panic here comes too late to change what leaves.
        let _ = self.leave_code();
        let _ = self.hooks.before_response();
        self.stage = Stage::Responded;
    }

    /// Without middleware all of this is one comparison.
    fn before_poll(&mut self) -> CallResult<()> {
        if self.hooks.is_empty() || (self.stage == Stage::Memoizing && self.journal.is_replaying()) {
            return Ok(());
        }
        self.enter_code()
    }

    fn enter_code(&mut self) -> CallResult<()> {
        let before = std::mem::replace(&mut self.stage, Stage::Executing);
        if before == Stage::Memoizing {
            self.hooks.after_memoization()?;
        }
        if before == Stage::Executing { Ok(()) } else { self.hooks.before_execution() }
    }

    fn leave_code(&mut self) -> CallResult<()> {
        // A function may end while results are left: its code has changed. The hooks keep their order.
        let entered = if self.stage == Stage::Memoizing { self.enter_code() } else { Ok(()) };
        let left = match std::mem::replace(&mut self.stage, Stage::Resting) {
            Stage::Executing => self.hooks.after_execution(),
            _ => Ok(()),
        };
        entered.and(left)
    }

    /// The call ends without any other news.
    fn broken(&mut self, error: Error) -> Turn {
        let mut turn = Turn { done: Some(Err(error)), ..Turn::default() };
        self.pass_out(&mut turn);
        turn
    }

    fn report(&mut self, done: Option<CallResult<Box<RawValue>>>, again: bool) -> Turn {
        let news = self.journal.take_news(!again);
        let mut turn = Turn { done, registered: news.registered, ended: news.ended, abandoned: news.abandoned, again };
        self.pass_out(&mut turn);
        turn
    }

    /// Takes what leaves the call through the middleware.
    fn pass_out(&mut self, turn: &mut Turn) {
        if self.hooks.is_empty() {
            return;
        }
        for step in &mut turn.registered {
            let passed =
                self.journal.info(step.id).map(|info| self.hooks.transform_operation(&info, &mut step.operation));
            if let Some(Err(error)) = passed {
                // Reported as it is, the step would leave as the middleware must not let it.
                turn.done = Some(Err(error));
            }
        }
        if turn.done.is_none() && turn.ended.is_empty() {
            return;
        }
        if let Err(error) = self.leave_code() {
            turn.done = Some(Err(error));
        }
        for step in &mut turn.ended {
            let info = self.journal.info(step.id);
            self.hooks.transform_output(info.as_ref(), &mut step.result);
        }
        if let Some(result) = &mut turn.done {
            turn.registered.clear();
            self.hooks.transform_output(None, result);
            self.respond();
        }
    }

    /// The waker is kept between turns: making one for each would cost an allocation a step.
    fn flag(&mut self, context: &Context<'_>) -> (Arc<WakeFlag>, Waker) {
        match &self.waker {
            Some((flag, waker)) if flag.task.will_wake(context.waker()) => (flag.clone(), waker.clone()),
            _ => {
                let flag = Arc::new(WakeFlag {
                    woken: AtomicBool::new(false),
                    in_turn: AtomicBool::new(false),
                    task: context.waker().clone(),
                });
                let waker = Waker::from(flag.clone());
                self.waker = Some((flag.clone(), waker.clone()));
                (flag, waker)
            }
        }
    }
}

/// The error that a panic in an author's code becomes: retryable, with the panic's message.
pub fn panicked(what: &str, panic: &(dyn std::any::Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Error::retryable(format!("{what} panicked: {message}")).named("PanicError")
}

/// Notices a future that wakes itself while it is polled, as `FuturesUnordered` and tokio's budget do: it is pending
/// then without being at rest.
///
/// Within a turn the task is not woken: each result that is handed back wakes the future, and the turn polls it anyway.
struct WakeFlag {
    woken: AtomicBool,
    in_turn: AtomicBool,
    task: Waker,
}

impl WakeFlag {
    fn begin_turn(&self) {
        self.in_turn.store(true, Ordering::SeqCst);
    }

    /// Wakes the task for what has woken the future since its last poll; from now on each wake does.
    fn end_turn(&self) {
        self.in_turn.store(false, Ordering::SeqCst);
        // A wake stores before it looks, and this looks after it has stored: one of the two sees the other.
        if self.woken.load(Ordering::SeqCst) {
            self.task.wake_by_ref();
        }
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if !self.in_turn.load(Ordering::SeqCst) {
            self.task.wake_by_ref();
        }
    }
}
