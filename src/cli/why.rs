//! `system-bus why`: what became of one event.

use clap::Args;
use comfy_table::Color;

use super::context::Context;
use super::failure::Failure;
use super::show::{Style, plain, time, time_or_dash};
use crate::backend::view::{FateView, FatesView};

/// Say what became of an event, for each function that could have handled it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus why 01J9ZK4V6G8Q0R2T4W6Y8A0C2E
  system-bus why my-own-event-id      the sender's id works as well")]
pub(super) struct Why {
    /// The event's id: the one that `send` printed, or the sender's own.
    id: String,
}

impl Why {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let backend = context.backend()?;
        let answer = context.wait(async { Ok(backend.fates(&self.id).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        let fates: FatesView = super::decode(&answer)?;
        let style = context.style();
        context.print(&(header(style, &fates) + "\n" + &table(style, &fates.fates)))
    }
}

fn header(style: Style, fates: &FatesView) -> String {
    let event = &fates.event;
    let mut rows = style.table(&["EVENT", &plain(&event.name)]);
    rows.push(vec![Style::whole("id"), Style::whole(&event.internal_id)]);
    if event.id != event.internal_id {
        rows.push(vec![Style::whole("sender's id"), Style::whole(&event.id)]);
    }
    rows.push(vec![Style::whole("came in"), Style::whole(&time(event.received_at))]);
    if let Some(repeats) = event.repeats.filter(|repeats| *repeats > 0) {
        let times = if repeats == 1 { "once more".to_owned() } else { format!("{repeats} times more") };
        let text = format!("{times}, last {}: same id, so nothing new was started", time_or_dash(event.repeated_at));
        rows.push(vec![Style::whole("came again"), Style::whole(&text)]);
    }
    rows.keep(0);
    rows.text()
}

/// One row for each function.
pub(super) fn table(style: Style, fates: &[FateView]) -> String {
    if fates.is_empty() {
        return "no function handles this\n".to_owned();
    }
    let mut rows = style.table(&["FUNCTION", "FATE", "RUN", "STATUS", "DETAIL"]);
    for fate in fates {
        let started = matches!(fate.fate.as_str(), "run" | "failure handler");
        rows.push(vec![
            Style::whole(&fate.function_id),
            style.coloured(&fate.fate, if started { Color::Green } else { Color::Yellow }),
            Style::whole(fate.run_id.as_deref().unwrap_or("-")),
            fate.run_status.as_deref().map_or_else(|| Style::whole("-"), |status| style.status(status)),
            Style::whole(fate.detail.as_deref().unwrap_or_default()),
        ]);
    }
    rows.keep(2);
    rows.text()
}
