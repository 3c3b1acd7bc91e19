//! The registry as JSON: what the program's functions and events are, and how they hang together.
//!
//! The order is that of ids and names, and no path is absolute, so that two builds of one tree have the same manifest.

mod entry;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use entry::{
    BatchEntry, CancelEntry, CheckpointEntry, DebounceEntry, EventEntry, FlowControl, FunctionEntry, LimitEntry,
    OnFailureEntry, SecretEntry, SingletonEntry, StepEntry, TimeoutsEntry, TriggerEntry, WebhookEntry,
};

use super::links::{Links, awaited, links, sent};
use super::source_path::relative_path;
use super::{Registry, Site};
use crate::event::EventRegistration;
use crate::function::{FunctionRegistration, Scope, StepSite, Trigger};
use crate::protocol::wire::format_time_string;
use crate::webhook::ProviderRegistration;

/// All functions, events and webhook providers of a program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The functions, sorted by id.
    pub functions: Vec<FunctionEntry>,
    /// The events, sorted by name.
    pub events: Vec<EventEntry>,
    /// The webhook providers, sorted by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookEntry>,
}

impl Manifest {
    /// The manifest of a registry whose sources lie somewhere unknown, as at run time.
    pub fn of(registry: &Registry) -> Self {
        Self::below(registry, None)
    }

    /// The manifest of a registry; paths are relative to `root`.
    pub fn below(registry: &Registry, root: Option<&Path>) -> Self {
        let links = links(registry);
        // Of two types for one name, an error elsewhere, the first one counts.
        let events: BTreeMap<_, _> = registry.events().iter().rev().map(|event| (event.name, *event)).collect();
        Self {
            functions: registry.functions().iter().map(|function| function_entry(function, root)).collect(),
            events: events.into_values().map(|event| event_entry(event, &links, root)).collect(),
            webhooks: registry.providers().iter().map(|provider| webhook_entry(provider, registry, root)).collect(),
        }
    }

    /// The manifest as JSON with line ends, for a file.
    pub fn to_json(&self) -> String {
        // Its keys are all strings, so that it can always be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn function_entry(function: &FunctionRegistration, root: Option<&Path>) -> FunctionEntry {
    let config = &function.config;
    FunctionEntry {
        id: config.id.to_owned(),
        name: config.name.map(str::to_owned),
        doc: plain_doc(config.doc),
        role: config.role,
        file: file_of(&function.site, root),
        line: function.site.line,
        triggers: config.triggers.iter().map(trigger_entry).collect(),
        attempts: config.attempts_max(),
        flow_control: flow_control(function),
        cancel_on: config
            .cancel_on
            .iter()
            .map(|cancel| CancelEntry {
                event: cancel.event.to_owned(),
                expression: owned(cancel.expression),
                timeout: cancel.timeout.map(format_time_string),
            })
            .collect(),
        timeouts: config.timeouts.map(|timeouts| TimeoutsEntry {
            start: timeouts.start.map(format_time_string),
            finish: timeouts.finish.map(format_time_string),
        }),
        on_failure: config
            .on_failure
            .map(|failure| OnFailureEntry { handler: failure.path.to_owned(), function: failure.id.to_owned() }),
        checkpoint: config.checkpoint.as_ref().map(|checkpoint| CheckpointEntry {
            buffered_steps: checkpoint.buffered_steps,
            max_interval: checkpoint.max_interval.map(format_time_string),
            max_runtime: checkpoint.max_runtime.map(format_time_string),
        }),
        steps: config.steps.iter().map(step_entry).collect(),
    }
}

fn trigger_entry(trigger: &Trigger) -> TriggerEntry {
    match trigger {
        Trigger::Event { name, expression } => {
            TriggerEntry::Event { event: (*name).to_owned(), expression: owned(*expression) }
        }
        Trigger::Cron { time_zone, expression } => {
            TriggerEntry::Cron { cron: (*expression).to_owned(), time_zone: owned(*time_zone) }
        }
        Trigger::Failure { function } => TriggerEntry::Failure { failure_of: (*function).to_owned() },
    }
}

fn flow_control(function: &FunctionRegistration) -> FlowControl {
    let config = &function.config;
    FlowControl {
        concurrency: config
            .concurrency
            .iter()
            .map(|limit| LimitEntry {
                limit: limit.limit,
                period: None,
                burst: None,
                key: owned(limit.key),
                scope: (limit.scope != Scope::Fn).then_some(limit.scope),
            })
            .collect(),
        throttle: config.throttle.map(|throttle| LimitEntry {
            limit: throttle.limit,
            period: Some(format_time_string(throttle.period)),
            burst: throttle.burst,
            key: owned(throttle.key),
            scope: None,
        }),
        rate_limit: config.rate_limit.map(|rate| LimitEntry {
            limit: rate.limit,
            period: Some(format_time_string(rate.period)),
            burst: None,
            key: owned(rate.key),
            scope: None,
        }),
        debounce: config.debounce.map(|debounce| DebounceEntry {
            period: format_time_string(debounce.period),
            key: owned(debounce.key),
            timeout: debounce.timeout.map(format_time_string),
        }),
        batch: config.batch.map(|batch| BatchEntry {
            max_size: batch.max_size,
            timeout: format_time_string(batch.timeout),
            key: owned(batch.key),
            expression: owned(batch.expression),
        }),
        priority: config.priority.map(|priority| priority.run.to_owned()),
        singleton: config.singleton.map(|singleton| SingletonEntry { mode: singleton.mode, key: owned(singleton.key) }),
        idempotency: owned(config.idempotency),
    }
}

fn step_entry(step: &StepSite) -> StepEntry {
    StepEntry {
        name: step.name.to_owned(),
        kind: step.kind,
        line: step.line,
        repeated: step.repeated,
        sends: sent(step).map(str::to_owned).collect(),
        awaits: owned(awaited(step)),
        invokes: step.invokes.map(|id| id().to_owned()),
        expression: owned(step.expression),
    }
}

fn event_entry(event: &EventRegistration, links: &Links, root: Option<&Path>) -> EventEntry {
    let links = links.get(event.name).cloned().unwrap_or_default();
    let names = |set: BTreeSet<&'static str>| set.into_iter().map(str::to_owned).collect();
    EventEntry {
        name: event.name.to_owned(),
        doc: plain_doc(event.doc),
        file: file_of(&event.site, root),
        line: event.site.line,
        sent_by: names(links.sent_by),
        handled_by: names(links.handled_by),
        awaited_by: names(links.awaited_by),
        cancels: names(links.cancels),
        schema: (event.schema)().to_value(),
    }
}

fn webhook_entry(provider: &ProviderRegistration, registry: &Registry, root: Option<&Path>) -> WebhookEntry {
    let emits = registry.events().iter().filter(|event| provider.may_emit(event.name));
    WebhookEntry {
        id: provider.id.to_owned(),
        doc: plain_doc(provider.doc),
        file: file_of(&provider.site, root),
        line: provider.site.line,
        endpoint: format!("/webhooks/{}", provider.id),
        secrets: provider
            .signatures
            .iter()
            .map(|signature| SecretEntry {
                signature: signature.scheme.describe(),
                variables: signature.secret.variables.iter().map(|&name| name.to_owned()).collect(),
                lease: owned(signature.secret.lease),
            })
            .collect(),
        headers: provider.headers.iter().map(|&name| name.to_owned()).collect(),
        body_bytes_max: provider.body_bytes_max,
        emits: emits.map(|event| event.name.to_owned()).collect(),
    }
}

fn file_of(site: &Site, root: Option<&Path>) -> String {
    relative_path(site.file, site.manifest_dir, root)
}

/// A doc comment without the space that follows `///`.
fn plain_doc(doc: &str) -> String {
    let lines: Vec<_> = doc.trim().lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n")
}

fn owned(text: Option<&'static str>) -> Option<String> {
    text.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::Manifest;
    use crate::registry::{golden, samples};
    use std::path::Path;

    #[test]
    fn the_manifest_shows_what_is_linked() {
        let manifest = Manifest::below(&samples::registry(), Some(Path::new("/w")));
        golden::check("manifest.json", &manifest.to_json());
    }

    #[test]
    fn the_manifest_can_be_read_back() {
        let manifest = Manifest::of(&samples::registry());
        assert_eq!(serde_json::from_str::<Manifest>(&manifest.to_json()).expect("is a manifest"), manifest);
        assert!(!manifest.to_json().contains("/w/"), "no path is absolute");
    }
}
