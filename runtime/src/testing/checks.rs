//! The four checks: each runs the function once as it is, and once more for each step, with one fault.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::answer::Fault;
use super::harness::Harness;
use super::{HarnessError, Report, drive};
use crate::function::StepKind;

/// What the harness checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The function succeeds.
    Succeeds,
    /// Each step may fail, once or for good.
    EveryStepMayFail,
    /// Each step may run twice.
    EveryStepMayRunTwice,
    /// The worker may crash behind each step.
    ResumesAfterACrashAtEveryPoint,
}

impl Check {
    /// All checks, the simplest first.
    pub const ALL: [Self; 4] =
        [Self::Succeeds, Self::EveryStepMayFail, Self::EveryStepMayRunTwice, Self::ResumesAfterACrashAtEveryPoint];
}

/// What is compared, in the words of [`HarnessError::Differs`].
pub(super) const OUTPUTS: &str = "the outputs";

pub(super) async fn check(harness: &Harness, check: Check) -> Result<(), HarnessError> {
    let clean = drive::run(harness, Fault::None).await?;
    succeeded(&clean)?;
    for (step, kind) in clean.steps.iter().zip(&clean.kinds) {
        match check {
            Check::Succeeds => {}
            Check::EveryStepMayFail => may_fail(harness, &clean, step, *kind).await?,
            Check::EveryStepMayRunTwice => may_run_twice(harness, &clean, step, *kind).await?,
            Check::ResumesAfterACrashAtEveryPoint => resumes(harness, &clean, step).await?,
        }
    }
    Ok(())
}

async fn may_fail(harness: &Harness, clean: &Report, step: &str, kind: StepKind) -> Result<(), HarnessError> {
    if kind == StepKind::Run {
        let blame = blame("a failed attempt", step);
        let report = drive::run(harness, Fault::FailFirstAttempt(step.to_owned())).await.map_err(&blame)?;
        // A step without retries fails for good at its first failure.
        if !report.spent {
            same_end(harness, clean, &report).map_err(&blame)?;
        }
    }
    if kind == StepKind::Run || drive::can_fail(kind) {
        let blame = blame("a failure for good", step);
        let report = drive::run(harness, Fault::FailForGood(step.to_owned())).await.map_err(&blame)?;
        occurred(harness, &report).map_err(&blame)?;
    }
    Ok(())
}

async fn may_run_twice(harness: &Harness, clean: &Report, step: &str, kind: StepKind) -> Result<(), HarnessError> {
    if kind != StepKind::Run {
        return Ok(());
    }
    let blame = blame("a second run of the body", step);
    let report = drive::run(harness, Fault::RunTwice(step.to_owned())).await.map_err(&blame)?;
    occurred(harness, &report).and_then(|()| succeeded(&report)).map_err(&blame)?;
    same_effects(clean, &report).map_err(&blame)
}

async fn resumes(harness: &Harness, clean: &Report, step: &str) -> Result<(), HarnessError> {
    let blame = blame("a crash after the step", step);
    let report = drive::run(harness, Fault::CrashAfter(step.to_owned())).await.map_err(&blame)?;
    same_end(harness, clean, &report).map_err(&blame)
}

fn blame(check: &'static str, step: &str) -> impl Fn(HarnessError) -> HarnessError {
    move |problem| HarnessError::Check { check, step: step.to_owned(), problem: Box::new(problem) }
}

fn succeeded(report: &Report) -> Result<(), HarnessError> {
    match &report.output {
        Ok(_) => Ok(()),
        Err(error) => Err(HarnessError::Failed { name: error.name().to_owned(), message: error.message().to_owned() }),
    }
}

/// That the fault took place: names that differ between runs would make a check pass without checking anything.
fn occurred(harness: &Harness, report: &Report) -> Result<(), HarnessError> {
    if report.struck || harness.varies { Ok(()) } else { Err(HarnessError::StepGone) }
}

fn same_end(harness: &Harness, clean: &Report, report: &Report) -> Result<(), HarnessError> {
    occurred(harness, report)?;
    succeeded(report)?;
    if !harness.varies {
        same(OUTPUTS, &clean.output.as_ref().ok(), &report.output.as_ref().ok())?;
        same("the steps", &counted(&clean.steps), &counted(&report.steps))?;
    }
    same_effects(clean, report)
}

/// That the same was sent. Each notification is kept once by its id, so one too many shows in the number of its kind;
/// the ids themselves may differ between two runs, when a payload holds a time that an earlier step has read.
fn same_effects(clean: &Report, report: &Report) -> Result<(), HarnessError> {
    same("the notifications", &counted(clean.notified()), &counted(report.notified()))?;
    let sent = |report: &Report| counted(report.sent_events.iter().map(|event| event.name.clone()));
    same("the sent events", &sent(clean), &sent(report))?;
    let signals = |report: &Report| counted(report.sent_signals.iter().map(|sent| sent.signal.clone()));
    same("the sent signals", &signals(clean), &signals(report))
}

fn counted(names: impl IntoIterator<Item = impl Into<String>>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name.into()).or_insert(0) += 1;
    }
    counts
}

fn same<T: PartialEq + Debug>(what: &'static str, expected: &T, actual: &T) -> Result<(), HarnessError> {
    if expected == actual {
        return Ok(());
    }
    Err(HarnessError::Differs { what, expected: format!("{expected:?}"), actual: format!("{actual:?}") })
}
