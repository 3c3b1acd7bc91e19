//! `system-bus functions`: what is linked into this program. Needs no running worker.

use clap::Args;
use system_bus_runtime::function::Role;
use system_bus_runtime::registry::manifest::TriggerEntry;

use super::context::Context;
use super::failure::Failure;
use super::show::{Style, first_line};

/// List the functions of this program.
///
/// Works without a running worker.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus functions
  system-bus functions --json | jq -r '.[].id'")]
pub(super) struct Functions {}

impl Functions {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let functions = context.application.manifest().functions;
        if context.json {
            return context.print_json(&functions);
        }
        if functions.is_empty() {
            return context.print("no functions are linked into this program");
        }
        let style = context.style();
        let mut rows = style.table(&["FUNCTION", "STARTS ON", "ROLE", "STEPS", "DOES"]);
        for function in &functions {
            let triggers: Vec<_> = function.triggers.iter().map(trigger).collect();
            rows.push(vec![
                Style::whole(&function.id),
                Style::whole(&triggers.join(", ")),
                Style::whole(match function.role {
                    Role::Host => "host",
                    Role::Cluster => "cluster",
                    Role::Any => "any",
                }),
                Style::whole(&function.steps.len().to_string()),
                Style::whole(first_line(&function.doc)),
            ]);
        }
        rows.keep(0);
        context.print(&rows.text())
    }
}

fn trigger(trigger: &TriggerEntry) -> String {
    match trigger {
        TriggerEntry::Event { event, expression: None } => event.clone(),
        TriggerEntry::Event { event, expression: Some(condition) } => format!("{event} if {condition}"),
        TriggerEntry::Cron { cron, time_zone: None } => format!("cron {cron}"),
        TriggerEntry::Cron { cron, time_zone: Some(zone) } => format!("cron {cron} ({zone})"),
        TriggerEntry::Failure { failure_of } => format!("failure of {failure_of}"),
    }
}
