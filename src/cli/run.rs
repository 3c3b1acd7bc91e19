//! `system-bus run`: one run and its steps.

use clap::Args;
use comfy_table::Color;
use serde::Deserialize;
use system_bus_engine::RunLink;
use system_bus_runtime::function::StepKind;

use super::context::Context;
use super::failure::Failure;
use super::show::{Style, cut, plain, span, time, time_or_dash};
use crate::backend::view::{RunView, StepView};

/// Show one run: its status, its steps, what it waits for.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus run 01J9ZK4V6G8Q0R2T4W6Y8A0C2E
  system-bus run 01J9ZK4V6G8Q0R2T4W6Y8A0C2E --json | jq .output")]
pub(super) struct Run {
    /// The run's id, as `runs` and `why` show it.
    id: String,
}

/// The parts that a list does not have.
#[derive(Deserialize)]
struct Details {
    step_details: Option<Vec<StepView>>,
    #[serde(default)]
    failure_of: Option<String>,
    #[serde(default)]
    failure_handled_by: Vec<RunLink>,
}

impl Run {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let backend = context.backend()?;
        let answer = context.wait(async { Ok(backend.run(&self.id).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        let run: RunView = super::decode(&answer)?;
        let details: Details = super::decode(&answer)?;
        let style = context.style();
        let mut text = header(style, &run, &details);
        text += &match details.step_details {
            None => "this server does not tell the steps\n".to_owned(),
            Some(steps) if steps.is_empty() => "no steps yet\n".to_owned(),
            Some(steps) => table(style, &steps),
        };
        context.print(&text)
    }
}

fn header(style: Style, run: &RunView, details: &Details) -> String {
    let mut rows = style.table(&["RUN", &run.run_id]);
    rows.push(vec![Style::whole("function"), Style::whole(&run.function_id)]);
    rows.push(vec![Style::whole("status"), style.status(&run.status)]);
    let event: Vec<_> = [&run.event_name, &run.event_id].into_iter().flatten().map(String::as_str).collect();
    rows.push(vec![Style::whole("event"), Style::whole(&event.join("  "))]);
    if let Some(failed) = &details.failure_of {
        rows.push(vec![Style::whole("failure of"), Style::whole(failed)]);
    }
    for handler in &details.failure_handled_by {
        let text = format!("{}  {}  {}", handler.function_id, handler.run_id, handler.status);
        rows.push(vec![Style::whole("handled by"), Style::whole(&text)]);
    }
    rows.push(vec![Style::whole("queued"), Style::whole(&time(run.queued_at))]);
    rows.push(vec![Style::whole("started"), Style::whole(&time_or_dash(run.run_started_at))]);
    if run.ended_at.is_some() {
        let took = span(run.run_started_at, run.ended_at);
        rows.push(vec![Style::whole("ended"), Style::whole(&format!("{} (took {took})", time_or_dash(run.ended_at)))]);
    }
    if let Some(reason) = &run.waiting_for {
        rows.push(vec![Style::whole("waits for"), Style::whole(reason)]);
    }
    if let Some(output) = &run.output {
        let label = if run.status == "Completed" { "output" } else { "error" };
        rows.push(vec![Style::whole(label), Style::whole(&cut(output.get(), style.width().saturating_sub(12)))]);
    }
    rows.keep(0);
    rows.text() + "\n"
}

fn table(style: Style, steps: &[StepView]) -> String {
    let names = steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0).min(40);
    // What the columns before the output take, with their gaps.
    let room = style.width().saturating_sub(names + 46).max(20);
    let mut rows = style.table(&["STEP", "KIND", "STATUS", "ATTEMPTS", "TOOK", "OUTPUT"]);
    for step in steps {
        let output = match (&step.output, step.due) {
            (Some(output), _) => cut(output.get(), room),
            (None, Some(due)) => format!("until {}", time(due)),
            (None, None) => String::new(),
        };
        rows.push(vec![
            Style::whole(&plain(&step.name)),
            Style::whole(step.kind.map_or("-", kind)),
            status(style, &step.status),
            Style::whole(&step.attempts.to_string()),
            Style::whole(&span(step.started_at, step.ended_at)),
            Style::whole(&output),
        ]);
    }
    rows.text()
}

fn status(style: Style, status: &str) -> comfy_table::Cell {
    let colour = match status {
        "Completed" => Color::Green,
        "Failed" => Color::Red,
        _ => Color::Yellow,
    };
    style.coloured(status, colour)
}

fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Run => "run",
        StepKind::Sleep => "sleep",
        StepKind::WaitForEvent => "wait for event",
        StepKind::WaitForSignal => "wait for signal",
        StepKind::SendSignal => "send signal",
        StepKind::SendEvent => "send event",
        StepKind::Invoke => "invoke",
        StepKind::Fetch => "fetch",
        StepKind::Infer => "infer",
    }
}
