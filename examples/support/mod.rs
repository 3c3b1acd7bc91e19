//! What the examples share: following a run, and showing it.

use std::time::Duration;

use serde_json::value::RawValue;
use system_bus_engine::{Accepted, Engine, RunDetail};
use system_bus_runtime::Result;

/// The run that an event starts, as soon as it is as wanted.
pub(crate) async fn run_when(
    engine: &Engine,
    event: Accepted,
    wanted: impl Fn(&RunDetail) -> bool,
) -> Result<RunDetail> {
    let mut interval = tokio::time::interval(Duration::from_millis(5));
    loop {
        interval.tick().await;
        let runs = engine.event_runs(event.id.to_string()).await?.unwrap_or_default();
        let Some(run) = runs.first() else { continue };
        if let Some(detail) = engine.run(run.run_id.parse()?).await?
            && wanted(&detail)
        {
            return Ok(detail);
        }
    }
}

/// Whether a run has ended, well or not.
pub(crate) fn has_ended(run: &RunDetail) -> bool {
    run.run.ended_at.is_some()
}

/// Shows the steps of a run and what came of it.
pub(crate) fn show(run: &RunDetail) {
    let text = |output: &Option<Box<RawValue>>| output.as_ref().map(ToString::to_string).unwrap_or_default();
    for step in &run.step_details {
        println!("  {} {} after {} attempts: {}", step.name, step.status, step.attempts, text(&step.output));
    }
    println!("{} {}: {}", run.run.function_id, run.run.status, text(&run.run.output));
}
