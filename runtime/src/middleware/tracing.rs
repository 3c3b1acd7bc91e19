//! Tracing: a span for each call, a span in it for each step that executes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::tracing::field::{Empty, display};
use ::tracing::{Span, debug, info_span, warn};
use serde_json::value::RawValue;

use super::{CallInfo, CallMiddleware, Middleware, StepInfo};
use crate::error::{Error, Result};
use crate::protocol::{Operation, StepId};

/// Makes spans with the `tracing` crate: `call` with `function`, `run` and `attempt`, and within it `step` with `step`,
/// `kind`, `duration_ms` and `outcome` for each body that executes.
///
/// The author's code runs within them, so that what it logs says where it belongs. A failure is a warning with the
/// error's name and message; all else is at the level of debugging. Values are never shown.
///
/// It costs a lookup for each poll of a body, and a span for each step when the subscriber wants those.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing;

struct Call {
    span: Span,
    started: Instant,
    steps: Mutex<HashMap<StepId, (Span, Instant)>>,
}

impl Middleware for Tracing {
    fn name(&self) -> &'static str {
        "tracing"
    }

    fn begin(&self, call: &CallInfo<'_>) -> Option<Box<dyn CallMiddleware>> {
        let run = call.run;
        let span = info_span!(parent: None, "call", function = run.function, run = %run.id, attempt = run.attempt);
        Some(Box::new(Call { span, started: Instant::now(), steps: Mutex::default() }))
    }
}

impl Call {
    fn step(&self, step: &StepInfo) -> Span {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let (span, _) = steps.entry(step.id).or_insert_with(|| {
            let kind = format!("{:?}", step.kind);
            let span = info_span!(
                parent: &self.span, "step", step = %step.name, kind, duration_ms = Empty, outcome = Empty
            );
            (span, Instant::now())
        });
        span.clone()
    }
}

impl CallMiddleware for Call {
    fn around_poll(&self, step: Option<&StepInfo>, poll: &mut dyn FnMut()) {
        match step {
            None => self.span.in_scope(poll),
            Some(step) => self.step(step).in_scope(poll),
        }
    }

    fn transform_operation(&self, step: &StepInfo, operation: &mut Operation) -> Result<()> {
        if !matches!(operation, Operation::Run(_)) {
            debug!(parent: &self.span, step = %step.name, kind = ?step.kind, "step planned");
        }
        Ok(())
    }

    fn transform_output(&self, step: Option<&StepInfo>, output: &mut Result<Box<RawValue>, Error>) -> Result<()> {
        let Some(step) = step else {
            told(&self.span, "function", self.started.elapsed(), output);
            return Ok(());
        };
        let ended = self.steps.lock().unwrap_or_else(PoisonError::into_inner).remove(&step.id);
        if let Some((span, started)) = ended {
            let duration = started.elapsed();
            span.record("duration_ms", milliseconds(duration));
            span.record("outcome", display(outcome(output)));
            told(&span, "step", duration, output);
        }
        Ok(())
    }
}

fn outcome(output: &Result<Box<RawValue>, Error>) -> &'static str {
    match output {
        Ok(_) => "ok",
        Err(error) if error.is_retryable() => "failed",
        Err(_) => "failed for good",
    }
}

fn told(span: &Span, what: &str, duration: Duration, output: &Result<Box<RawValue>, Error>) {
    let duration_ms = milliseconds(duration);
    match output {
        Ok(_) => debug!(parent: span, duration_ms, "{what} ended"),
        Err(error) => {
            let outcome = outcome(output);
            warn!(parent: span, duration_ms, error = error.name(), "{what} {outcome}: {}", error.message());
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests;
