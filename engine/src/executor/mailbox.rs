//! What the engine's thread puts in front of a resident run.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use system_bus_runtime::protocol::{StepId, StepResult};

/// One message to a resident run.
pub(crate) enum Mail {
    /// A step's result is durable.
    Complete(StepId, StepResult),
    /// A step may execute.
    Grant(StepId),
    /// The residence has ended: drop the future.
    Drop,
}

/// Messages that wait for the run's task. The lock guards plain data and is never held across a wake-up.
#[derive(Default)]
pub(crate) struct Mailbox(Mutex<State>);

#[derive(Default)]
struct State {
    mail: Vec<Mail>,
    waker: Option<Waker>,
}

impl Mailbox {
    pub(crate) fn send(&self, mail: Mail) {
        let waker = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.mail.push(mail);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes all messages; the waker is called at the next one.
    pub(crate) fn take(&self, waker: &Waker) -> Vec<Mail> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.mail.is_empty() {
            state.waker = Some(waker.clone());
        }
        std::mem::take(&mut state.mail)
    }
}
