//! Expressions parse, and read fields that the events have.

use serde_json::Value;

use super::Checks;
use super::schema::{Found, find, one_of};
use crate::event::{Cron, EventData, FunctionFailed};
use crate::expression::nearest::nearest;
use crate::expression::{Expression, FieldPath, Root, Segment};
use crate::function::FunctionRegistration;
use crate::registry::Site;
use crate::registry::links::{awaited, trigger_event};

/// The fields of an event beside its data.
const ENVELOPE: [&str; 6] = ["id", "name", "data", "ts", "v", "user"];

/// An expression and what it may read.
struct Use {
    text: &'static str,
    /// Where it stands, such as "the `if` of a trigger".
    place: String,
    line: u32,
    /// The events that `event` can be.
    events: Vec<&'static str>,
    /// The event that `async` is.
    async_event: Option<&'static str>,
}

impl Checks<'_> {
    pub(super) fn expressions(&mut self) {
        for function in self.registry.functions() {
            for used in uses(function) {
                self.expression(&used, &function.site);
            }
        }
    }

    fn expression(&mut self, used: &Use, site: &Site) {
        let expression = match Expression::parse(used.text) {
            Ok(expression) => expression,
            Err(error) => {
                let message = format!("{} (`{}`) is no expression: {error}", used.place, used.text);
                return self.error(site, used.line, message);
            }
        };
        for path in expression.fields() {
            if let Some(message) = self.field_problem(&path, used) {
                self.error(site, used.line, message);
            }
        }
        for path in expression.negated_fields() {
            if self.may_be_missing(&path, used) {
                let message = format!(
                    "{} negates `{path}`, which may be missing, and the negation of what is missing is false, not \
                     true: write `{path} != true` or `{path} == null`",
                    used.place
                );
                self.warning(site, used.line, message);
            }
        }
    }

    fn field_problem(&self, path: &FieldPath, used: &Use) -> Option<String> {
        let events: Vec<_> = match (path.root, used.async_event) {
            (Root::Event, _) => used.events.clone(),
            (Root::Async, Some(event)) => vec![event],
            (Root::Async, None) => {
                return Some(format!(
                    "{} reads `{path}`, but there is only one event here: `async` is for waits and `cancel_on`, write \
                     `event`",
                    used.place
                ));
            }
        };
        let (first, rest) = path.segments.split_first()?;
        match first {
            Segment::Field(name) if name == "data" => {}
            Segment::Field(name) if ENVELOPE.contains(&name.as_str()) => return None,
            Segment::Field(name) => {
                let guess = format!("{}.data.{name}", path.root.name());
                let has_it = !matches!(self.find(&events, &path.segments)?, Found::No { .. });
                let hint = match nearest(name, ENVELOPE) {
                    Some(field) if !has_it => format!("did you mean `{}.{field}`?", path.root.name()),
                    _ => format!("did you mean `{guess}`?"),
                };
                return Some(format!("{} reads `{path}`, which no event has: {hint}", used.place));
            }
            Segment::Element => return None,
        }
        let Found::No { known, fields } = self.find(&events, rest)? else { return None };
        let shown = FieldPath { root: path.root, segments: path.segments[..known + 2].to_vec() };
        let missing = match rest.get(known) {
            Some(Segment::Field(name)) => name.as_str(),
            _ => "",
        };
        let hint = match nearest(missing, fields.iter().map(String::as_str)) {
            Some(guess) => format!("did you mean `{guess}`?"),
            None if fields.is_empty() => "there are no fields at this place".to_owned(),
            None => format!("it has {}", listed(fields)),
        };
        let names = events.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let verb = if events.len() > 1 { "do" } else { "does" };
        Some(format!("{} reads `{shown}`, which {names} {verb} not have: {hint}", used.place))
    }

    /// A field that exists for one of the events exists; `None` when an event's schema is not known.
    fn find(&self, events: &[&'static str], path: &[Segment]) -> Option<Found> {
        let answers = events.iter().map(|name| Some(find(&self.schema(name)?, path)));
        answers.collect::<Option<Vec<_>>>().filter(|answers| !answers.is_empty()).map(one_of)
    }

    fn may_be_missing(&self, path: &FieldPath, used: &Use) -> bool {
        let events = match path.root {
            Root::Event => used.events.as_slice(),
            Root::Async => used.async_event.as_slice(),
        };
        match path.segments.split_first() {
            Some((Segment::Field(name), rest)) if name == "data" => {
                self.find(events, rest) != Some(Found::Yes { always: true })
            }
            _ => false,
        }
    }

    fn schema(&self, name: &str) -> Option<Value> {
        if name == Cron::NAME {
            return Some(schemars::schema_for!(Cron).to_value());
        }
        if name == FunctionFailed::NAME {
            return Some(schemars::schema_for!(FunctionFailed).to_value());
        }
        self.registry.event(name).map(|event| (event.schema)().to_value())
    }
}

fn listed(mut fields: Vec<String>) -> String {
    const SHOWN_MAX: usize = 8;
    fields.sort();
    fields.dedup();
    let more = if fields.len() > SHOWN_MAX { " and others" } else { "" };
    fields.truncate(SHOWN_MAX);
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ") + more
}

/// Every expression of a function.
fn uses(function: &FunctionRegistration) -> Vec<Use> {
    use crate::function::Trigger;

    let (config, line) = (&function.config, function.site.line);
    let events: Vec<_> = config.triggers.iter().map(trigger_event).collect();
    let mut uses = Vec::new();
    for trigger in config.triggers {
        if let Trigger::Event { name, expression: Some(text) } = trigger {
            uses.push(Use {
                text,
                place: format!("the `if` of the trigger `{name}`"),
                line,
                events: vec![name],
                async_event: None,
            });
        }
    }
    for cancel in config.cancel_on {
        if let Some(text) = cancel.expression {
            uses.push(Use {
                text,
                place: format!("the `if` of the cancellation by `{}`", cancel.event),
                line,
                events: events.clone(),
                async_event: Some(cancel.event),
            });
        }
    }
    for step in config.steps {
        if let Some(text) = step.expression {
            uses.push(Use {
                text,
                place: format!("the `if` of the wait `{}`", step.name),
                line: step.line,
                events: events.clone(),
                async_event: awaited(step),
            });
        }
    }
    let of_flow = config.concurrency.iter().map(|limit| (limit.key, "the key of `concurrency`")).chain([
        (config.throttle.and_then(|throttle| throttle.key), "the key of `throttle`"),
        (config.rate_limit.and_then(|rate| rate.key), "the key of `rate_limit`"),
        (config.debounce.and_then(|debounce| debounce.key), "the key of `debounce`"),
        (config.batch.and_then(|batch| batch.key), "the key of `batch`"),
        (config.batch.and_then(|batch| batch.expression), "the `if` of `batch`"),
        (config.priority.map(|priority| priority.run), "`priority`"),
        (config.singleton.and_then(|singleton| singleton.key), "the key of `singleton`"),
        (config.idempotency, "`idempotency`"),
    ]);
    for (text, place) in of_flow {
        if let Some(text) = text {
            uses.push(Use { text, place: place.to_owned(), line, events: events.clone(), async_event: None });
        }
    }
    uses
}
