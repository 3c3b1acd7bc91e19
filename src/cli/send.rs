//! `system-bus send`: one event, checked before it leaves.

use std::io::Read;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::json;
use serde_json::value::RawValue;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::event::check_event;
use system_bus_runtime::function::Trigger;

use super::context::Context;
use super::failure::Failure;
use super::plan::{Plan, is_handled};
use super::show::plain;
use super::why;
use crate::backend::view::FatesView;
use crate::backend::{Backend, Server};
use crate::client::Client;

/// Send an event, and say which functions it starts.
///
/// The name and the data are checked first, against the events that this program knows. When no function would run,
/// nothing is sent, unless --allow-unhandled says so.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus send order/order.placed --data '{\"number\": 42}'
  system-bus send order/order.placed --data @order.json --id order-42
  jq .order message.json | system-bus send order/order.placed --data -

With --id a second event of the same id starts nothing for 24 hours.
At an Inngest server (INNGEST_DEV or INNGEST_BASE_URL is set) its functions count, not those of this program.")]
pub(super) struct Send {
    /// The event's name; `system-bus events` lists them.
    name: String,
    /// The event's data: a JSON object, a file as @FILE, or - for stdin.
    #[arg(long, value_name = "JSON|@FILE|-")]
    data: String,
    /// Makes the event idempotent for 24 hours.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    id: Option<String>,
    /// Send also when no function runs, and when no type declares the event.
    #[arg(long)]
    allow_unhandled: bool,
}

impl Send {
    /// What sends this event when some function handles it.
    pub(super) fn of(name: &str, data: &serde_json::Value) -> Self {
        Self { name: name.to_owned(), data: data.to_string(), id: None, allow_unhandled: false }
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut event = NewEvent::named(self.name.as_str(), self.data()?);
        event.id.clone_from(&self.id);
        match context.backend()? {
            Backend::Worker(client) => self.to_worker(context, &client, event),
            Backend::Server(server) => self.to_server(context, &server, event),
        }
    }

    fn to_worker(&self, context: &Context, client: &Client, mut event: NewEvent) -> Result<(), Failure> {
        let registry = context.application.registry_for(context.environment.role()?);
        check_event(&registry, &mut event, self.allow_unhandled)
            .map_err(|problem| Failure::failed(problem.to_string()))?;
        let plan = Plan::of_registry(&registry, &event);
        self.check(&plan)?;
        let (id, fates) = context.wait(async {
            let id = client.send(&event, self.allow_unhandled).await?;
            // What really became of it is better than the plan; the event is safe in either case.
            let fates = client.data(&["events", &id, "fates"], &[]).await.ok();
            Ok((id, fates))
        })?;
        let fates: Option<FatesView> = fates.and_then(|answer| super::decode(&answer).ok());
        let is_repeat = fates.as_ref().is_some_and(|fates| fates.event.repeats.is_some_and(|repeats| repeats > 0));
        let is_nowhere = fates.as_ref().is_some_and(|fates| fates.fates.is_empty()) && !plan.runs.is_empty();
        if is_nowhere && !self.allow_unhandled {
            let functions = plan.runs.join("`, `");
            return Err(Failure::failed(format!(
                "sent as {id}, but nothing runs: the worker does not have `{functions}`; see its `WORKER_ROLE`"
            )));
        }
        if context.json {
            let outcome = fates.map_or_else(|| json!(null), |fates| json!(fates.fates));
            return context.print_json(&json!({
                "event_id": id, "name": self.name, "repeated": is_repeat,
                "functions": plan.runs, "fates": outcome,
            }));
        }
        let mut text = format!("sent {} as {id}\n", plain(&self.name));
        if is_repeat {
            text += "it came in before under the same id, so nothing new was started\n";
        }
        text += &match fates {
            Some(fates) if is_nowhere || !fates.fates.is_empty() => {
                format!("\n{}", why::table(context.style(), &fates.fates))
            }
            _ => plan.text(),
        };
        text += &format!("\nfollow it with `{} why {id}`\n", context.program());
        context.print(&text)
    }

    /// A server starts runs a little later and keeps no fates, so that the plan is all that can be told.
    fn to_server(&self, context: &Context, server: &Server, mut event: NewEvent) -> Result<(), Failure> {
        let registry = context.application.registry();
        let (id, plan) = context.wait(async {
            let apps = server.apps().await?;
            let is_known = apps.as_ref().is_some_and(|apps| is_handled(apps, &event.name));
            check_event(registry, &mut event, self.allow_unhandled || is_known)
                .map_err(|problem| Failure::failed(problem.to_string()))?;
            let plan = match &apps {
                Some(apps) => Plan::of_server(apps, server.app_ids(), registry, &event),
                None => Plan::of_registry(registry, &event),
            };
            self.check(&plan)?;
            Ok((server.send(&event).await?, plan))
        })?;
        if context.json {
            return context.print_json(&json!({
                "event_id": id, "name": self.name, "repeated": null, "functions": plan.runs, "fates": null,
            }));
        }
        let text = format!("sent {} as {id}\n{}", plain(&self.name), plain_lines(&plan.text()));
        context.print(&format!("{text}\nfollow it with `{} why {id}`\n", context.program()))
    }

    fn check(&self, plan: &Plan) -> Result<(), Failure> {
        if plan.has_effect() || self.allow_unhandled { Ok(()) } else { Err(Failure::failed(plan.refusal(&self.name))) }
    }

    fn data(&self) -> Result<Box<RawValue>, Failure> {
        let text = match self.data.strip_prefix('@') {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| Failure::failed(format!("cannot read the data from `{path}`: {error}")))?,
            None if self.data == "-" => {
                let mut text = String::new();
                let outcome = std::io::stdin().lock().read_to_string(&mut text);
                outcome.map_err(|error| Failure::failed(format!("cannot read the data from stdin: {error}")))?;
                text
            }
            None => self.data.clone(),
        };
        serde_json::from_str(&text).map_err(|error| {
            Failure::misuse(format!(
                "`--data` is not JSON: {error}; write for instance `--data '{{\"name\": \"value\"}}'`"
            ))
        })
    }
}

/// Each line without what could steer a terminal: a server has ids of others.
fn plain_lines(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}

/// Whether a trigger is for events of this name.
pub(super) fn starts_on(trigger: &Trigger, event: &str) -> bool {
    matches!(trigger, Trigger::Event { name, .. } if *name == event)
}
