//! What an event will do, as far as can be told before it is sent.

use serde_json::{Value, json};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::expression::{Expression, Scope};
use system_bus_runtime::function::{StepKind, Trigger};
use system_bus_runtime::registry::Registry;
use system_bus_runtime::registry::manifest::TriggerEntry;
use system_bus_runtime::server::client::RegisteredApp;

/// What an event will do.
#[derive(Default)]
pub(super) struct Plan {
    /// The functions that run.
    pub(super) runs: Vec<String>,
    /// Those whose condition does not hold, with the condition.
    filtered: Vec<(String, String)>,
    /// Those whose runs may wait for it or be cancelled by it.
    awaited_by: Vec<String>,
    /// Those of this program that would run, but that the server does not know.
    absent: Vec<String>,
}

impl Plan {
    /// With the functions of a registry.
    pub(super) fn of_registry(registry: &Registry, event: &NewEvent) -> Self {
        let mut plan = Self::default();
        let event_json = as_json(event);
        for function in registry.functions() {
            let config = &function.config;
            let conditions = config.triggers.iter().filter_map(|trigger| match trigger {
                Trigger::Event { name, expression } if *name == event.name => Some(*expression),
                _ => None,
            });
            plan.add(config.id, conditions, &event_json);
        }
        plan.awaited_by = awaited(registry, &event.name).map(str::to_owned).collect();
        plan
    }

    /// With the functions that a server knows. Only the registry knows what runs wait for.
    pub(super) fn of_server(apps: &[RegisteredApp], app_ids: &[String], registry: &Registry, event: &NewEvent) -> Self {
        let mut plan = Self::default();
        let event_json = as_json(event);
        let functions = || apps.iter().flat_map(|app| &app.functions);
        for function in functions() {
            plan.add(&function.id, conditions(&function.triggers, &event.name), &event_json);
        }
        plan.awaited_by =
            awaited(registry, &event.name).flat_map(|id| registered(apps, app_ids, id)).map(str::to_owned).collect();
        for function in functions() {
            if function.cancelled_by().contains(&event.name) && !plan.awaited_by.contains(&function.id) {
                plan.awaited_by.push(function.id.clone());
            }
        }
        let here = Self::of_registry(registry, event);
        let absent = here.runs.iter().filter(|id| registered(apps, app_ids, id).is_empty());
        plan.absent = absent.map(|id| composite(app_ids, id)).collect();
        plan
    }

    fn add<'c>(&mut self, id: &str, conditions: impl Iterator<Item = Option<&'c str>>, event: &Value) {
        let mut refusal = None;
        for condition in conditions {
            match condition {
                Some(condition) if !holds(condition, event) => refusal = Some(condition),
                _ => return self.runs.push(id.to_owned()),
            }
        }
        self.filtered.extend(refusal.map(|condition| (id.to_owned(), condition.to_owned())));
    }

    pub(super) fn has_effect(&self) -> bool {
        !self.runs.is_empty() || !self.awaited_by.is_empty()
    }

    pub(super) fn refusal(&self, name: &str) -> String {
        let mut reasons: Vec<_> =
            self.filtered.iter().map(|(id, condition)| format!("`{id}` wants `{condition}`")).collect();
        let absent = self.absent.iter().map(|id| format!("the server does not know `{id}` (see `system-bus refresh`)"));
        reasons.extend(absent);
        let because = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
        format!(
            "no function runs on this `{name}`{because}; nothing was sent, pass --allow-unhandled to send it anyway"
        )
    }

    pub(super) fn text(&self) -> String {
        let mut text = match (self.runs.is_empty(), self.awaited_by.is_empty()) {
            (false, _) => format!("starts {}\n", self.runs.join(", ")),
            (true, false) => format!("starts nothing; runs of {} may wait for it\n", self.awaited_by.join(", ")),
            (true, true) => "no function handles this\n".to_owned(),
        };
        if !self.absent.is_empty() {
            text += &format!("does not start {}, which the server does not know\n", self.absent.join(", "));
        }
        text
    }
}

/// The composite ids under which a server knows a function of this program: one for each app that holds it.
pub(super) fn registered<'a>(apps: &'a [RegisteredApp], app_ids: &[String], id: &str) -> Vec<&'a str> {
    let ours = apps.iter().filter(|app| app_ids.contains(&app.id));
    let functions = ours.flat_map(|app| app.functions.iter().map(move |function| (&app.id, &function.id)));
    let found = functions.filter(|(app, function)| is_composite(function, app, id));
    found.map(|(_, function)| function.as_str()).collect()
}

/// The composite id under which a server would know a function of this program.
pub(super) fn composite(app_ids: &[String], id: &str) -> String {
    format!("{}-{id}", app_ids.first().map_or("", String::as_str))
}

fn is_composite(text: &str, app: &str, function: &str) -> bool {
    text.strip_prefix(app).and_then(|rest| rest.strip_prefix('-')) == Some(function)
}

/// Whether a function that the server knows is started or cancelled by events of this name.
pub(super) fn is_handled(apps: &[RegisteredApp], event: &str) -> bool {
    let mut functions = apps.iter().flat_map(|app| &app.functions);
    functions.any(|function| {
        conditions(&function.triggers, event).next().is_some()
            || function.cancelled_by().iter().any(|name| name == event)
    })
}

/// The conditions of the triggers for events of this name.
fn conditions<'t>(triggers: &'t [TriggerEntry], name: &'t str) -> impl Iterator<Item = Option<&'t str>> {
    triggers.iter().filter_map(move |trigger| match trigger {
        TriggerEntry::Event { event, expression } if event == name => Some(expression.as_deref()),
        _ => None,
    })
}

/// The functions whose runs may wait for such an event or be cancelled by it.
fn awaited(registry: &Registry, name: &str) -> impl Iterator<Item = &'static str> {
    let functions = registry.functions().iter().filter(move |function| {
        let config = &function.config;
        let waits = config.steps.iter().filter(|step| step.kind == StepKind::WaitForEvent);
        waits.flat_map(|step| step.events).any(|event| event() == Some(name))
            || config.cancel_on.iter().any(|rule| rule.event == name)
    });
    functions.map(|function| function.config.id)
}

fn as_json(event: &NewEvent) -> Value {
    let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
    json!({ "id": event.id, "name": event.name, "data": data, "ts": jiff::Timestamp::now().as_millisecond() })
}

/// A condition of another SDK may hold more than this program reads; then the function may well run.
fn holds(condition: &str, event: &Value) -> bool {
    let scope = Scope { event, async_event: None };
    Expression::parse(condition).map_or(true, |condition| condition.matches(&scope).unwrap_or(false))
}
