//! `system-bus runs`: what has run lately.

use clap::Args;
use system_bus_engine::{RunStatus, limits};

use super::context::Context;
use super::failure::Failure;
use super::show::{Rows, Style, span, time};
use crate::backend::view::RunView;

/// List runs, newest first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus runs
  system-bus runs --status failed --count 5
  system-bus runs --json | jq -r '.[].run_id'")]
pub(super) struct Runs {
    /// How many at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::LIST_ROWS_MAX)))]
    count: u32,
    /// Only those: queued, running, completed, failed or cancelled.
    #[arg(long)]
    status: Option<RunStatus>,
}

impl Runs {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let backend = context.backend()?;
        let answer = context.wait(async { Ok(backend.runs(self.count, self.status).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        let runs: Vec<RunView> = super::decode(&answer)?;
        if runs.is_empty() {
            return context.print(match self.status {
                Some(_) => "no such runs",
                None => "no runs yet: send an event with `system-bus send NAME --data '{…}'`",
            });
        }
        let style = context.style();
        let mut rows = style.table(&["RUN", "FUNCTION", "STATUS", "QUEUED", "TOOK", "STEPS", "EVENT"]);
        for run in &runs {
            push(&mut rows, style, run);
        }
        rows.keep(0);
        rows.keep(3);
        context.print(&rows.text())
    }
}

fn push(rows: &mut Rows, style: Style, run: &RunView) {
    rows.push(vec![
        Style::whole(&run.run_id),
        Style::whole(&run.function_id),
        style.status(&run.status),
        Style::whole(&time(run.queued_at)),
        Style::whole(&span(run.run_started_at, run.ended_at)),
        Style::whole(&run.steps.map_or_else(|| "-".to_owned(), |steps| steps.to_string())),
        Style::whole(run.event_name.as_deref().unwrap_or("-")),
    ]);
}
