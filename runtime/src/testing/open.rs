//! A step that the function waits for, and what the script says about it.

use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::HarnessError;
use super::answer::{Answer, Fault};
use super::clock::later;
use crate::error::StepError;
use crate::event::ReceivedEvent;
use crate::protocol::{Operation, Registered, SleepUntil, StepId, StepResult};

/// A step that the function waits for.
pub(super) struct Open {
    pub(super) id: StepId,
    pub(super) name: String,
    pub(super) operation: Operation,
    /// The turn in which it was reached.
    turn: usize,
    /// When it was reached, on the virtual clock.
    since: i64,
}

impl Open {
    pub(super) fn new(step: Registered, turn: usize, since: i64) -> Self {
        Self { id: step.id, name: step.name, operation: step.operation, turn, since }
    }

    /// The order among steps that could go on at the same time.
    pub(super) fn order(&self) -> (usize, &str) {
        (self.turn, &self.name)
    }

    /// Whether it has a body, and one that ends.
    pub(super) fn has_body(&self, answer: Option<&Answer>) -> bool {
        matches!(self.operation, Operation::Run(_)) && !matches!(answer, Some(Answer::Hangs | Answer::TimesOut))
    }

    /// The attempts in all, when the step has its own number.
    pub(super) fn attempts_max(&self) -> Option<u32> {
        match &self.operation {
            Operation::Run(options) => options.retries.map(|retries| retries.saturating_add(1)),
            _ => None,
        }
    }

    /// When it is answered, on the virtual clock; the end of time for never.
    pub(super) fn due(&self, answer: Option<&Answer>) -> i64 {
        let after = |duration| later(self.since, duration);
        match (&self.operation, answer) {
            (_, Some(Answer::Ends(_) | Answer::Arrives(_))) => self.since,
            (Operation::Run(options), _) => options.timeout.map_or(i64::MAX, after),
            (Operation::Sleep(SleepUntil::After(duration)), _) => after(*duration),
            (Operation::Sleep(SleepUntil::At(time)), _) => self.since.max(*time),
            (Operation::WaitForEvent { timeout, .. } | Operation::WaitForSignal { timeout, .. }, _) => after(*timeout),
            (Operation::SendEvent(_) | Operation::SendSignal { .. }, _)
            | (Operation::Invoke { .. } | Operation::Fetch(_) | Operation::Infer(_), None) => self.since,
            (Operation::Fetch(_) | Operation::Infer(_), Some(_)) => i64::MAX,
            (Operation::Invoke { timeout, .. }, Some(_)) => timeout.map_or(i64::MAX, after),
        }
    }

    /// The result, `None` when the script is silent about a step that needs it; what is sent is not answered here.
    pub(super) fn result(&self, answer: Option<&Answer>, now: i64) -> Result<Option<StepResult>, HarnessError> {
        Ok(match (&self.operation, answer) {
            (_, Some(Answer::Ends(result))) => Some(result.clone()),
            (Operation::WaitForEvent { event, .. }, Some(Answer::Arrives(data))) => {
                let id = format!("answer-{}", self.name);
                let event = ReceivedEvent { id, name: (*event).to_owned(), data: data.clone(), ts: now, v: None };
                Some(Ok(encode(&self.name, &event)?))
            }
            (Operation::WaitForSignal { signal, .. }, Some(Answer::Arrives(data))) => {
                Some(Ok(encode(&self.name, &json!({ "signal": signal, "data": data }))?))
            }
            (_, Some(Answer::Arrives(data))) => Some(Ok(data.clone())),
            (Operation::WaitForEvent { .. } | Operation::WaitForSignal { .. }, Some(_))
            | (Operation::Sleep(_) | Operation::SendEvent(_) | Operation::SendSignal { .. }, _) => {
                Some(Ok(encode(&self.name, &())?))
            }
            (
                Operation::Run(_) | Operation::Invoke { .. } | Operation::Fetch(_) | Operation::Infer(_),
                Some(Answer::TimesOut | Answer::Hangs),
            ) => {
                let message = format!("step `{}` took longer than its time-out", self.name);
                Some(Err(StepError::new(StepError::TIMEOUT, message)))
            }
            (
                Operation::WaitForEvent { .. }
                | Operation::WaitForSignal { .. }
                | Operation::Run(_)
                | Operation::Invoke { .. }
                | Operation::Fetch(_)
                | Operation::Infer(_),
                None,
            ) => None,
        })
    }

    /// What a step without an answer comes to in a run that left the script: nothing arrives and nobody answers.
    pub(super) fn no_answer(&self) -> Result<StepResult, HarnessError> {
        match &self.operation {
            Operation::Invoke { .. } | Operation::Fetch(_) | Operation::Infer(_) => Ok(Err(Fault::error())),
            _ => Ok(Ok(encode(&self.name, &())?)),
        }
    }
}

/// `data` as JSON.
pub(super) fn encode(name: &str, data: &impl Serialize) -> Result<Box<RawValue>, HarnessError> {
    to_raw_value(data).map_err(|error| HarnessError::Encode { name: name.to_owned(), message: error.to_string() })
}
