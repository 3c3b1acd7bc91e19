//! Who sends, handles, awaits and is cancelled by each event.

use std::collections::{BTreeMap, BTreeSet};

use super::Registry;
use crate::event::{Cron, EventData, FunctionFailed};
use crate::function::{StepKind, StepSite, Trigger};

/// The links of every event that is mentioned, by its name.
pub(super) type Links = BTreeMap<&'static str, EventLinks>;

#[derive(Clone, Debug, Default)]
pub(super) struct EventLinks {
    pub(super) sent_by: BTreeSet<&'static str>,
    pub(super) handled_by: BTreeSet<&'static str>,
    pub(super) awaited_by: BTreeSet<&'static str>,
    pub(super) cancels: BTreeSet<&'static str>,
}

impl EventLinks {
    /// Whether an event of this name makes anything happen.
    pub(super) fn has_effect(&self) -> bool {
        !(self.handled_by.is_empty() && self.awaited_by.is_empty() && self.cancels.is_empty())
    }
}

pub(super) fn links(registry: &Registry) -> Links {
    let mut links = Links::new();
    for event in registry.events() {
        links.entry(event.name).or_default().sent_by.extend(event.sent_by);
    }
    for provider in registry.providers() {
        for event in registry.events().iter().filter(|event| provider.may_emit(event.name)) {
            links.entry(event.name).or_default().sent_by.insert(provider.sender);
        }
    }
    for function in registry.functions() {
        let config = &function.config;
        for trigger in config.triggers {
            links.entry(trigger_event(trigger)).or_default().handled_by.insert(config.id);
        }
        for cancel in config.cancel_on {
            links.entry(cancel.event).or_default().cancels.insert(config.id);
        }
        for step in config.steps {
            for event in sent(step) {
                links.entry(event).or_default().sent_by.insert(config.id);
            }
            if let Some(event) = awaited(step) {
                links.entry(event).or_default().awaited_by.insert(config.id);
            }
        }
    }
    links
}

/// The event that a trigger brings.
pub(super) fn trigger_event(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Event { name, .. } => name,
        Trigger::Cron { .. } => Cron::NAME,
        Trigger::Failure { .. } => FunctionFailed::NAME,
    }
}

/// The events that a step sends, as far as the source shows them.
pub(super) fn sent(step: &StepSite) -> impl Iterator<Item = &'static str> {
    let events = if step.kind == StepKind::SendEvent { step.events } else { &[] };
    events.iter().filter_map(|name| name())
}

/// The event that a step waits for.
pub(super) fn awaited(step: &StepSite) -> Option<&'static str> {
    (step.kind == StepKind::WaitForEvent).then(|| step.events.iter().find_map(|name| name())).flatten()
}
