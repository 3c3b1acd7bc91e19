//! One call of a function: its future, polled one remembered result at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use serde_json::value::RawValue;

use super::{Ended, Journal, Registered, StepId};
use crate::error::Error;
use crate::function::FunctionFuture;

/// One call of a function.
pub struct Execution {
    journal: Journal,
    future: FunctionFuture,
    waker: Option<(Arc<WakeFlag>, Waker)>,
}

/// What one turn brought.
#[derive(Default)]
pub struct Turn {
    /// The function's end.
    pub done: Option<Result<Box<RawValue>, Error>>,
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
        Self { journal, future, waker: None }
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
        loop {
            flag.woken.store(false, Ordering::Relaxed);
            let future = self.future.as_mut();
            let polled = catch_unwind(AssertUnwindSafe(|| future.poll(&mut Context::from_waker(&waker))));
            if let Some(misuse) = self.journal.take_misuse() {
                // No other news: a remembered result of the step that was misused would hide the misuse at a replay.
                return Turn { done: Some(Err(misuse)), ..Turn::default() };
            }
            let done = match polled {
                Err(panic) => Some(Err(panicked("the function", &*panic))),
                Ok(Poll::Ready(result)) => Some(result),
                Ok(Poll::Pending) => None,
            };
            if done.is_some() {
                return self.report(done, false);
            }
            if flag.woken.load(Ordering::Relaxed) {
                return self.report(None, true);
            }
            if !self.journal.hand_back() {
                return self.report(None, false);
            }
        }
    }

    fn report(&self, done: Option<Result<Box<RawValue>, Error>>, again: bool) -> Turn {
        let news = self.journal.take_news(!again);
        Turn { done, registered: news.registered, ended: news.ended, abandoned: news.abandoned, again }
    }

    /// The waker is kept between turns: making one for each would cost an allocation a step.
    fn flag(&mut self, context: &Context<'_>) -> (Arc<WakeFlag>, Waker) {
        match &self.waker {
            Some((flag, waker)) if flag.task.will_wake(context.waker()) => (flag.clone(), waker.clone()),
            _ => {
                let flag = Arc::new(WakeFlag { woken: AtomicBool::new(false), task: context.waker().clone() });
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
struct WakeFlag {
    woken: AtomicBool,
    task: Waker,
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.task.wake_by_ref();
    }
}
