//! Signals: a message to the one step that waits under a name.
//!
//! A wait is stored as that for an event which no sender can name, and the signal's name as the value that it must have:
//! the index that finds the waits for an event finds it, and what ends a step or a run removes it with all other waits.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use system_bus_runtime::error::StepError;
use system_bus_runtime::function::{RunId, StepKind};
use system_bus_runtime::protocol::{OnConflict, StepId};
use system_bus_runtime::step::SignalDelivery;

use crate::core::{Core, later};
use crate::limits;
use crate::store::{PendingKind, RunKey, SIGNAL, StoreError, Wait, WaitHit};

/// Why a signal is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalProblem {
    /// The name is empty or too long.
    #[error("a signal's name has 1 to {} bytes, this one has {bytes}", limits::SIGNAL_NAME_BYTES_MAX)]
    Name {
        /// The name's size.
        bytes: usize,
    },
    /// The data is too large.
    #[error("the data of the signal `{signal}` has {bytes} bytes, the limit is {}", limits::EVENT_BYTES_MAX)]
    TooLarge {
        /// The signal's name.
        signal: String,
        /// The data's size.
        bytes: usize,
    },
}

/// Whether a signal may be sent.
pub(crate) fn check_signal(signal: &str, data: &RawValue) -> Result<(), SignalProblem> {
    check_name(signal)?;
    let bytes = data.get().len();
    if bytes > limits::EVENT_BYTES_MAX {
        return Err(SignalProblem::TooLarge { signal: signal.to_owned(), bytes });
    }
    Ok(())
}

fn check_name(signal: &str) -> Result<(), SignalProblem> {
    match signal.len() {
        1..=limits::SIGNAL_NAME_BYTES_MAX => Ok(()),
        bytes => Err(SignalProblem::Name { bytes }),
    }
}

fn refused(problem: &SignalProblem) -> StepError {
    StepError::new("SignalError", problem)
}

/// A signal as a step's result, in the shape of an Inngest server.
#[derive(Serialize)]
struct Received<'a> {
    signal: &'a str,
    data: &'a RawValue,
}

impl Core {
    /// A step waits for a signal. At most one does: the index is asked and written in one transaction.
    pub(crate) fn wait_for_signal(
        &mut self,
        run: RunKey,
        id: StepId,
        name: String,
        signal: String,
        timeout: Duration,
        on_conflict: OnConflict,
    ) -> Result<(), StoreError> {
        if let Err(problem) = check_name(&signal) {
            return self.finish_now(run, id, name, StepKind::WaitForSignal, Err(refused(&problem)));
        }
        if let Some(waiter) = self.store.signal_waiter(&signal)? {
            if on_conflict == OnConflict::Fail && !self.is_late(&waiter) {
                let text = format!(
                    "somebody waits for the signal `{signal}` already: give each wait a signal of its own, or take it \
                     over with `on_conflict(OnConflict::Replace)`"
                );
                let error = StepError::new("SignalConflictError", text);
                return self.finish_now(run, id, name, StepKind::WaitForSignal, Err(error));
            }
            // Its step waits on, until its time-out.
            self.store.remove_wait(waiter.run, &waiter.step)?;
        }
        let due = Some(later(self.now, timeout));
        self.store.add_wait(&Wait {
            event: SIGNAL,
            path: "",
            value: &signal,
            run,
            step: &name,
            expression: None,
            expires_at: due,
        })?;
        let waiting = self.waiting(name, PendingKind::Signal, due);
        self.put_waiting(run, id, waiting, Some(signal))
    }

    /// Sends a signal in the transaction that remembers the step, so that it is sent exactly once.
    pub(crate) fn send_signal(
        &mut self,
        run: RunKey,
        id: StepId,
        name: String,
        signal: &str,
        data: &RawValue,
    ) -> Result<(), StoreError> {
        if let Err(problem) = check_signal(signal, data) {
            return self.finish_now(run, id, name, StepKind::SendSignal, Err(refused(&problem)));
        }
        let run_id = self.signal(signal, data)?;
        let delivery = to_raw_value(&SignalDelivery { run_id }).unwrap_or_else(|_| RawValue::NULL.to_owned());
        self.finish_now(run, id, name, StepKind::SendSignal, Ok(delivery))
    }

    /// Hands a signal to who waits for it; the run, or `None` when nobody does.
    pub(crate) fn signal(&mut self, signal: &str, data: &RawValue) -> Result<Option<RunId>, StoreError> {
        let Some(waiter) = self.store.signal_waiter(signal)?.filter(|waiter| !self.is_late(waiter)) else {
            return Ok(None);
        };
        let Some(run) = self.store.run(waiter.run)? else { return Ok(None) };
        let result = to_raw_value(&Received { signal, data }).unwrap_or_else(|_| RawValue::NULL.to_owned());
        self.complete_pending(waiter.run, &waiter.step, Ok(result))?;
        Ok(Some(run.id))
    }

    /// Whether the wait's time is up, though its timer has not fired yet.
    fn is_late(&self, waiter: &WaitHit) -> bool {
        waiter.expires_at.is_some_and(|expiry| expiry <= self.now)
    }
}
