//! Step results that are sent to the server while the function goes on (`SDK_SPEC.md` §10).

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::api::{Api, ApiError};
use super::worker::Worker;
use crate::function::{Checkpoint, FunctionRegistration, RunId};
use crate::protocol::wire::{CallContext, Report};

/// The results of one call that are not stored yet.
pub(super) struct Checkpoints {
    api: Api,
    job: Job,
    run: RunId,
    settings: Checkpoint,
    buffer: Vec<Report>,
    /// When the oldest result must be sent.
    due: Option<Instant>,
    started: Instant,
    sending: Option<Sending>,
    /// The server did not take a checkpoint: what is left goes into the answer.
    has_failed: bool,
}

type Sending = Pin<Box<dyn Future<Output = (Vec<Report>, Result<(), ApiError>)> + Send>>;

/// What names the job to the server.
#[derive(Clone)]
struct Job {
    function: String,
    queue_item: String,
    request: Option<String>,
    generation: Option<i64>,
    started_at: i64,
}

#[derive(Serialize)]
struct Body<'a> {
    run_id: String,
    fn_id: &'a str,
    qi_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_id: Option<i64>,
    request_started_at: i64,
    ts: i64,
    steps: &'a [Report],
}

impl Checkpoints {
    /// The checkpoints of a call; `None` when function and worker want none, or the server offers none.
    pub(super) fn of(worker: &Worker, function: &FunctionRegistration, context: &CallContext) -> Option<Self> {
        let settings = function.config.checkpoint.or(worker.settings().checkpoint).filter(|it| !it.is_off())?;
        // Steps that are planned are executed by requests of their own.
        if context.disable_immediate_execution {
            return None;
        }
        let job = Job {
            function: context.fn_id.clone()?,
            queue_item: context.qi_id.clone().filter(|id| !id.is_empty())?,
            request: context.request_id.clone(),
            generation: context.generation_id,
            started_at: Timestamp::now().as_millisecond(),
        };
        Some(Self {
            api: worker.api().clone(),
            job,
            run: context.run_id,
            settings,
            buffer: Vec::new(),
            due: None,
            started: Instant::now(),
            sending: None,
            has_failed: false,
        })
    }

    /// Whether nothing happens here by itself.
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_none() && self.sending.is_none()
    }

    /// Whether the call has gone on for as long as it may.
    pub(super) fn is_overdue(&self) -> bool {
        self.settings.max_runtime.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    /// Takes in a result, and sends what is there when that is enough. What could not be sent comes back.
    pub(super) async fn add(&mut self, report: Report) -> Result<(), Vec<Report>> {
        self.buffer.push(report);
        let limit = usize::try_from(self.settings.buffered_steps.max(1)).unwrap_or(usize::MAX);
        if self.has_failed || self.buffer.len() >= limit {
            return self.flush().await;
        }
        if let (None, Some(interval)) =
            (self.due, self.settings.max_interval.filter(|interval| *interval > Duration::ZERO))
        {
            self.due = Some(Instant::now() + interval);
        }
        Ok(())
    }

    /// Sends what is there once it is due; for a caller that does something else meanwhile.
    pub(super) async fn flush_when_due(&mut self) {
        if self.sending.is_none() {
            match self.due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
            self.begin();
        }
        self.finish().await;
    }

    /// Sends all that is there. What could not be sent comes back.
    pub(super) async fn flush(&mut self) -> Result<(), Vec<Report>> {
        self.finish().await;
        if !self.has_failed && !self.buffer.is_empty() {
            self.begin();
            self.finish().await;
        }
        if self.has_failed { Err(std::mem::take(&mut self.buffer)) } else { Ok(()) }
    }

    /// What is not sent yet, for an answer that holds it anyway.
    pub(super) async fn take(&mut self) -> Vec<Report> {
        self.finish().await;
        self.due = None;
        std::mem::take(&mut self.buffer)
    }

    fn begin(&mut self) {
        self.due = None;
        let reports = std::mem::take(&mut self.buffer);
        let body = Body {
            run_id: self.run.to_string(),
            fn_id: &self.job.function,
            qi_id: &self.job.queue_item,
            request_id: self.job.request.as_deref(),
            generation_id: self.job.generation,
            request_started_at: self.job.started_at,
            ts: Timestamp::now().as_millisecond(),
            steps: &reports,
        };
        // Reports have text for keys, so they can be written.
        let body = Bytes::from(serde_json::to_vec(&body).unwrap_or_default());
        let (api, run) = (self.api.clone(), self.run);
        self.sending = Some(Box::pin(async move {
            let sent = api.checkpoint(run, body).await;
            (reports, sent)
        }));
    }

    /// Waits for what is on its way. It may be left half done: the future stays here.
    async fn finish(&mut self) {
        let Some(sending) = &mut self.sending else { return };
        let (mut reports, sent) = sending.as_mut().await;
        self.sending = None;
        if let Err(error) = sent {
            tracing::warn!(run = %self.run, %error, "the server did not take a checkpoint: the steps go into the answer");
            self.has_failed = true;
            reports.append(&mut self.buffer);
            self.buffer = reports;
        }
    }
}
