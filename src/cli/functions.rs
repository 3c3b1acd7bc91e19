//! `system-bus functions`: what is linked into this program, and what a server knows of it. Needs no running worker.

use clap::Args;
use serde::Serialize;
use system_bus_runtime::function::Role;
use system_bus_runtime::registry::manifest::TriggerEntry;

use super::context::Context;
use super::failure::Failure;
use super::plan::{composite, registered};
use super::show::{Style, first_line};
use crate::backend::{Backend, Server};

/// List the functions of this program.
///
/// Works without a running worker. When INNGEST_DEV or INNGEST_BASE_URL names a server, the functions that it knows are
/// listed, of all apps, and those of this program that it does not know.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus functions
  system-bus functions --json | jq -r '.[].id'
  INNGEST_DEV=1 system-bus functions    what the Dev Server on this machine knows")]
pub(super) struct Functions {}

/// A function that the server knows, or that it should know.
#[derive(Serialize)]
struct Registered {
    /// The composite id: `{app}-{function}`.
    id: String,
    name: Option<String>,
    triggers: Vec<TriggerEntry>,
    app: String,
    /// Where the server calls it.
    url: Option<String>,
    /// Whether the server knows it.
    registered: bool,
    /// Whether it is in this program.
    linked: bool,
}

impl Functions {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match context.backend()? {
            Backend::Server(server) => at_server(context, &server),
            Backend::Worker(_) => linked(context),
        }
    }
}

fn at_server(context: &Context, server: &Server) -> Result<(), Failure> {
    let apps = context.wait(async { Ok(server.listed_apps().await?) })?;
    let linked = context.application.manifest().functions;
    let app_ids = server.app_ids();
    // A function that both roles have is there once for each app.
    let ours: Vec<String> = linked
        .iter()
        .flat_map(|function| registered(&apps, app_ids, &function.id).into_iter().map(str::to_owned))
        .collect();
    let mut functions = Vec::new();
    for function in linked.into_iter().filter(|function| registered(&apps, app_ids, &function.id).is_empty()) {
        functions.push(Registered {
            id: composite(app_ids, &function.id),
            name: function.name,
            triggers: function.triggers,
            app: app_ids.first().cloned().unwrap_or_default(),
            url: None,
            registered: false,
            linked: true,
        });
    }
    for app in apps {
        functions.extend(app.functions.into_iter().map(|function| Registered {
            linked: ours.contains(&function.id),
            id: function.id,
            name: Some(function.name),
            triggers: function.triggers,
            app: app.id.clone(),
            url: Some(function.url).filter(|url| !url.is_empty()),
            registered: true,
        }));
    }
    functions.sort_by(|left, right| left.id.cmp(&right.id));
    if context.json {
        return context.print_json(&functions);
    }
    if functions.is_empty() {
        return context.print("the server knows no functions, and none are linked into this program");
    }
    let mut rows = context.style().table(&["FUNCTION", "STARTS ON", "APP", "REGISTERED", "LINKED"]);
    let word = |is: bool| Style::whole(if is { "yes" } else { "no" });
    for function in &functions {
        let triggers: Vec<_> = function.triggers.iter().map(trigger).collect();
        rows.push(vec![
            Style::whole(&function.id),
            Style::whole(&triggers.join(", ")),
            Style::whole(&function.app),
            word(function.registered),
            word(function.linked),
        ]);
    }
    rows.keep(0);
    context.print(&rows.text())
}

fn linked(context: &Context) -> Result<(), Failure> {
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

fn trigger(trigger: &TriggerEntry) -> String {
    match trigger {
        TriggerEntry::Event { event, expression: None } => event.clone(),
        TriggerEntry::Event { event, expression: Some(condition) } => format!("{event} if {condition}"),
        TriggerEntry::Cron { cron, time_zone: None } => format!("cron {cron}"),
        TriggerEntry::Cron { cron, time_zone: Some(zone) } => format!("cron {cron} ({zone})"),
        TriggerEntry::Failure { failure_of } => format!("failure of {failure_of}"),
    }
}
