//! `system-bus events`: which events this program knows. Needs no running worker.

use clap::Args;

use super::context::Context;
use super::failure::Failure;
use super::show::{Style, first_line};

/// List the events that this program knows, and who sends and handles them.
///
/// Works without a running worker.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus events
  system-bus events --json | jq '.[] | {name, schema}'")]
pub(super) struct Events {}

impl Events {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let events = context.application.manifest().events;
        if context.json {
            return context.print_json(&events);
        }
        if events.is_empty() {
            return context.print("no events are linked into this program");
        }
        let style = context.style();
        let mut rows = style.table(&["EVENT", "SENT BY", "STARTS", "MEANS"]);
        for event in &events {
            rows.push(vec![
                Style::whole(&event.name),
                Style::whole(&names(&event.sent_by)),
                Style::whole(&names(&event.handled_by)),
                Style::whole(first_line(&event.doc)),
            ]);
        }
        rows.keep(0);
        context.print(&rows.text())
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}
