//! `system-bus send`: one event, checked before it leaves.

use std::io::Read;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use system_bus_engine::Fates;
use system_bus_engine::api::check_event;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::expression::{Expression, Scope};
use system_bus_runtime::function::{StepKind, Trigger};
use system_bus_runtime::registry::Registry;

use super::context::Context;
use super::failure::Failure;
use super::show::plain;
use super::why;

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

With --id a second event of the same id starts nothing for 24 hours.")]
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
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let registry = context.application.registry_for(context.environment.role()?);
        let mut event = NewEvent::named(self.name.as_str(), self.data()?);
        event.id.clone_from(&self.id);
        check_event(&registry, &mut event, self.allow_unhandled)
            .map_err(|problem| Failure::failed(problem.to_string()))?;
        let plan = Plan::of(&registry, &event);
        if !plan.has_effect() && !self.allow_unhandled {
            return Err(Failure::failed(plan.refusal(&self.name)));
        }
        let client = context.client()?;
        let (id, fates) = context.wait(async {
            let id = client.send(&event, self.allow_unhandled).await?;
            // What really became of it is better than the plan; the event is safe in either case.
            let fates = client.data(&["events", &id, "fates"], &[]).await.ok();
            Ok((id, fates))
        })?;
        let fates: Option<Fates> = fates.and_then(|answer| super::decode(&answer).ok());
        let is_repeat = fates.as_ref().is_some_and(|fates| fates.event.repeats > 0);
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

/// What an event will do, as far as the registry tells.
struct Plan {
    /// The functions that run.
    runs: Vec<&'static str>,
    /// Those whose condition does not hold, with the condition.
    filtered: Vec<(&'static str, &'static str)>,
    /// Those whose runs may wait for it or be cancelled by it.
    awaited_by: Vec<&'static str>,
}

impl Plan {
    fn of(registry: &Registry, event: &NewEvent) -> Self {
        let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
        let event_json =
            json!({ "id": event.id, "name": event.name, "data": data, "ts": jiff::Timestamp::now().as_millisecond() });
        let mut plan = Self { runs: Vec::new(), filtered: Vec::new(), awaited_by: Vec::new() };
        for function in registry.functions() {
            let config = &function.config;
            let mut refusal = None;
            let mut runs = false;
            for trigger in config.triggers.iter().filter(|trigger| starts_on(trigger, &event.name)) {
                match trigger {
                    Trigger::Event { expression: Some(condition), .. } if !holds(condition, &event_json) => {
                        refusal = Some(*condition);
                    }
                    _ => runs = true,
                }
            }
            match refusal {
                _ if runs => plan.runs.push(config.id),
                Some(condition) => plan.filtered.push((config.id, condition)),
                None => {}
            }
            let waits = config.steps.iter().filter(|step| step.kind == StepKind::WaitForEvent);
            let is_awaited = waits.flat_map(|step| step.events).any(|name| name() == Some(event.name.as_str()));
            if is_awaited || config.cancel_on.iter().any(|rule| rule.event == event.name) {
                plan.awaited_by.push(config.id);
            }
        }
        plan
    }

    fn has_effect(&self) -> bool {
        !self.runs.is_empty() || !self.awaited_by.is_empty()
    }

    fn refusal(&self, name: &str) -> String {
        let reasons: Vec<_> =
            self.filtered.iter().map(|(id, condition)| format!("`{id}` wants `{condition}`")).collect();
        let because = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
        format!(
            "no function runs on this `{name}`{because}; nothing was sent, pass --allow-unhandled to send it anyway"
        )
    }

    fn text(&self) -> String {
        match (self.runs.is_empty(), self.awaited_by.is_empty()) {
            (false, _) => format!("starts {}\n", self.runs.join(", ")),
            (true, false) => format!("starts nothing; runs of {} may wait for it\n", self.awaited_by.join(", ")),
            (true, true) => "no function handles this\n".to_owned(),
        }
    }
}

/// Whether a trigger is for events of this name.
pub(super) fn starts_on(trigger: &Trigger, event: &str) -> bool {
    matches!(trigger, Trigger::Event { name, .. } if *name == event)
}

fn holds(condition: &str, event: &Value) -> bool {
    let scope = Scope { event, async_event: None };
    Expression::parse(condition).is_ok_and(|condition| condition.matches(&scope).unwrap_or(false))
}
