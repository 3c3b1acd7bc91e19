//! One call of a function for a server: executes what may be executed now, sends checkpoints on the way, answers.

use std::time::Duration;

use http::request::Parts;
use jiff::Timestamp;
use serde_json::value::{RawValue, to_raw_value};
use sha1::{Digest, Sha1};
use tokio::time::Instant;

use super::api::ApiError;
use super::checkpoint::Checkpoints;
use super::reply::Reply;
use super::worker::Worker;
use crate::error::{Error, StepError};
use crate::event::NewEvent;
use crate::function::{FunctionRegistration, RunId, RunInfo};
use crate::middleware::{CallInfo, Input, Sent};
use crate::protocol::wire::{CallContext, CallRequest, Report, retry_after};
use crate::protocol::{
    Backoff, Call, Conversation, Ended, Execution, Journal, Operation, Outcome, Registered, RunOptions, StepId,
};

/// How long a function may await other things before the step that was asked for must be there (`SDK_SPEC.md` §5.3.1).
const TARGET_TIME_MAX: Duration = Duration::from_secs(10);

/// Executes one request.
pub(super) async fn execute(
    worker: &Worker,
    function: &'static FunctionRegistration,
    request: CallRequest,
    target: Option<StepId>,
    carrier: Option<&Parts>,
) -> Reply {
    let CallRequest { events, steps, context } = request;
    let journal = Journal::new(Some(context.run_id), steps);
    let info = RunInfo { id: context.run_id, function: function.config.id, attempt: context.attempt };
    let input = Input { events, services: worker.services().clone() };
    let called = CallInfo { run: &info, request: carrier };
    let execution = Execution::begin(function.call, &called, input, journal, worker.middleware());
    let asked = Call { target, disable_immediate_execution: context.disable_immediate_execution };
    let checkpoints = match target {
        // A request for one step ends with that step.
        Some(_) => None,
        None => Checkpoints::of(worker, function, &context),
    };
    let conversation = Conversation::new(execution, asked);
    Caller {
        worker,
        function,
        context,
        conversation,
        checkpoints,
        executing: None,
        executed: 0,
        target_due: target.map(|_| Instant::now() + TARGET_TIME_MAX),
        target,
    }
    .lead()
    .await
}

struct Caller<'a> {
    worker: &'a Worker,
    function: &'static FunctionRegistration,
    context: CallContext,
    conversation: Conversation,
    checkpoints: Option<Checkpoints>,
    executing: Option<Executing>,
    /// Steps that were executed by this call.
    executed: u32,
    target: Option<StepId>,
    target_due: Option<Instant>,
}

/// A body that executes.
struct Executing {
    id: StepId,
    name: String,
    options: RunOptions,
    started_at: Timestamp,
    started: Instant,
    due: Option<Instant>,
}

enum Next {
    Outcome(Outcome),
    StepIsLate,
    TargetIsLate,
    Flushed,
}

impl Caller<'_> {
    async fn lead(mut self) -> Reply {
        let reply = loop {
            match self.next().await {
                Next::Outcome(Outcome::Execute(step)) => {
                    if let Some(reply) = self.begin(step).await {
                        break reply;
                    }
                }
                Next::Outcome(Outcome::Ended(ended)) => {
                    if let Some(reply) = self.end(ended).await {
                        break reply;
                    }
                }
                Next::Outcome(Outcome::Planned(steps)) => {
                    let slug = |function: &str| self.worker.app_ids().of(function);
                    let reports = steps.into_iter().map(|step| Report::planned(step, slug)).collect();
                    break self.answer(reports).await;
                }
                Next::Outcome(Outcome::Done(Ok(output))) => break self.complete(output).await,
                Next::Outcome(Outcome::Done(Err(error))) => break self.fail(&error).await,
                Next::Outcome(Outcome::StepNotFound(step)) => break self.answer(vec![Report::not_found(step)]).await,
                Next::TargetIsLate => match self.target {
                    Some(step) => break self.answer(vec![Report::not_found(step)]).await,
                    None => self.target_due = None,
                },
                Next::StepIsLate => {
                    if let Some(step) = &mut self.executing {
                        step.due = None;
                        let limit = step.options.timeout.unwrap_or_default();
                        self.conversation.interrupt(step.id, too_late(limit));
                    }
                }
                Next::Flushed => {}
            }
        };
        self.conversation.respond();
        if self.conversation.journal().has_diverged() {
            tracing::warn!(
                function = self.function.config.id,
                run = %self.context.run_id,
                "the function has changed since this run began, or it is not deterministic: its remembered steps do not \
                 come in the order in which they completed"
            );
        }
        reply
    }

    /// Waits for the next thing to happen.
    async fn next(&mut self) -> Next {
        let step_due = self.executing.as_ref().and_then(|step| step.due);
        let target_due = self.target_due.filter(|_| self.executing.is_none());
        let plain = step_due.is_none() && target_due.is_none();
        if plain && self.checkpoints.as_ref().is_none_or(Checkpoints::is_idle) {
            return Next::Outcome(self.conversation.next().await);
        }
        let checkpoints = &mut self.checkpoints;
        let flushed = async {
            match checkpoints {
                Some(checkpoints) => checkpoints.flush_when_due().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            outcome = self.conversation.next() => Next::Outcome(outcome),
            () = until(step_due) => Next::StepIsLate,
            () = until(target_due) => Next::TargetIsLate,
            () = flushed => Next::Flushed,
        }
    }

    /// Lets a step execute, unless this call has gone on for long enough.
    async fn begin(&mut self, step: Registered) -> Option<Reply> {
        if self.executed > 0 && self.checkpoints.as_ref().is_some_and(Checkpoints::is_overdue) {
            // With the time, because the server would take a second wish of the same id for the first.
            let unique = Timestamp::now().as_millisecond().to_string();
            return Some(self.answer(vec![Report::discovery(&unique)]).await);
        }
        let options = match step.operation {
            Operation::Run(options) => options,
            _ => RunOptions::default(),
        };
        let started = Instant::now();
        self.executing = Some(Executing {
            id: step.id,
            name: step.name,
            options,
            started_at: Timestamp::now(),
            started,
            due: options.timeout.map(|timeout| started + timeout),
        });
        match step.operation {
            Operation::SendEvent(events) => {
                let result = send_events(self.worker, self.context.run_id, step.id, events).await;
                self.end(Ended { id: step.id, result }).await
            }
            Operation::SendSignal { signal, data } => {
                let result = send_signal(self.worker, &signal, &data).await;
                self.end(Ended { id: step.id, result }).await
            }
            _ => {
                self.conversation.grant(step.id);
                None
            }
        }
    }

    /// Takes in the end of the step that executes.
    async fn end(&mut self, ended: Ended) -> Option<Reply> {
        // Only a step that was let execute can end.
        let step = self.executing.take()?;
        // What was tried before this request counts for the step that it was made for: the first one.
        let attempt = if self.executed == 0 { self.context.attempt } else { 0 };
        self.executed += 1;
        let report = match ended.result {
            Ok(data) => {
                let report = Report::ran(ended.id, step.name, data.clone());
                let report = report.timed(nanos(step.started_at), step.started.elapsed());
                let Some(checkpoints) = &mut self.checkpoints else { return Some(Reply::steps(&[report])) };
                if let Err(unsent) = checkpoints.add(report).await {
                    return Some(Reply::steps(&unsent));
                }
                self.conversation.remember(ended.id, Ok(data));
                return None;
            }
            Err(error) => {
                let attempts = allowed(step.options, self.context.max_attempts, self.function);
                let is_final = !error.is_retryable() || attempt + 1 >= attempts;
                let report = Report::failed(ended.id, step.name, &error, is_final)
                    .timed(nanos(step.started_at), step.started.elapsed());
                (report, is_final, pause(&error, step.options, attempt))
            }
        };
        let (report, is_final, pause) = report;
        let mut reply = self.answer(vec![report]).await;
        reply.no_retry = Some(is_final);
        reply.retry_after = pause.filter(|_| !is_final).map(|pause| retry_after(Timestamp::now(), pause));
        Some(reply)
    }

    /// Answers with these reports, and with those whose checkpoint could not be sent.
    async fn answer(&mut self, reports: Vec<Report>) -> Reply {
        let Some(checkpoints) = &mut self.checkpoints else { return Reply::steps(&reports) };
        match checkpoints.flush().await {
            Ok(()) => Reply::steps(&reports),
            Err(mut unsent) => {
                unsent.extend(reports);
                Reply::steps(&unsent)
            }
        }
    }

    async fn complete(&mut self, output: Box<RawValue>) -> Reply {
        let mut reports = match &mut self.checkpoints {
            None => Vec::new(),
            Some(checkpoints) => checkpoints.take().await,
        };
        if reports.is_empty() {
            return Reply::done(&output);
        }
        // The last results and the output in one answer: that spares the server a request.
        reports.push(Report::run_complete(output));
        Reply { ends_run: true, ..Reply::steps(&reports) }
    }

    async fn fail(&mut self, error: &Error) -> Reply {
        if let Some(checkpoints) = &mut self.checkpoints
            && let Err(unsent) = checkpoints.flush().await
        {
            // The server calls again, and the function fails again with nothing lost.
            return Reply::steps(&unsent);
        }
        failed(error)
    }
}

/// Sends a step's events; the seed is the step's own, so that another attempt sends nothing twice.
async fn send_events(worker: &Worker, run: RunId, step: StepId, events: Vec<NewEvent>) -> Result<Box<RawValue>, Error> {
    let sent = worker.api().send_events(&events, &seed(run, step)).await;
    worker.middleware().after_send(&match &sent {
        Ok(ids) => Sent { ids: ids.clone(), error: None },
        Err(error) => Sent { ids: Vec::new(), error: Some(failed_to_send(error)) },
    });
    let ids = sent.map_err(|error| failed_to_send(&error))?;
    to_raw_value(&ids).map_err(Error::terminal)
}

/// Sends a signal; the run that waited for it, if one did.
async fn send_signal(worker: &Worker, signal: &str, data: &RawValue) -> Result<Box<RawValue>, Error> {
    let sent = worker.api().send_signal(signal, data).await.map_err(|error| failed_to_send(&error))?;
    let delivery = sent.map_or_else(|| serde_json::json!({}), |run| serde_json::json!({ "runId": run }));
    to_raw_value(&delivery).map_err(Error::terminal)
}

fn failed_to_send(error: &ApiError) -> Error {
    if error.is_transient() { Error::retryable(error) } else { Error::terminal(error) }
}

/// What the ids of a step's events are derived from: milliseconds since 1970 and ten bytes, both the same at each attempt.
fn seed(run: RunId, step: StepId) -> String {
    use base64::Engine;
    let mut hash = Sha1::new();
    hash.update(run.0.to_bytes());
    hash.update(step.as_bytes());
    let entropy = base64::engine::general_purpose::STANDARD.encode(&hash.finalize()[..10]);
    format!("{},{entropy}", run.0.timestamp_ms())
}

fn failed(error: &Error) -> Reply {
    let pause = error.retry_delay().map(|delay| retry_after(Timestamp::now(), delay));
    Reply::failed(error, pause)
}

/// Attempts in all for a step: a step can lower the server's number, and cannot raise it.
fn allowed(options: RunOptions, server: Option<u32>, function: &FunctionRegistration) -> u32 {
    let server = server.unwrap_or_else(|| function.config.attempts_max());
    options.retries.map_or(server, |retries| server.min(retries.saturating_add(1)))
}

/// The pause that a failed attempt asks for; the server's own when it asks for none.
fn pause(error: &Error, options: RunOptions, attempt: u32) -> Option<Duration> {
    let Backoff { first, max } = match (error.retry_delay(), options.backoff) {
        (Some(delay), _) => return Some(delay),
        (None, None) => return None,
        (None, Some(backoff)) => backoff,
    };
    Some(first.saturating_mul(1 << attempt.min(31)).min(max))
}

fn too_late(timeout: Duration) -> Error {
    Error::retryable(format!("the step took longer than its time-out of {timeout:?}")).named(StepError::TIMEOUT)
}

fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
