//! What an event starts, ends and cancels.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use system_bus_runtime::event::{NewEvent, ReceivedEvent};
use system_bus_runtime::expression::{Expression, Scope, key_at};
use ulid::Ulid;

use crate::catalog::Cancellation;
use crate::core::{Core, later};
use crate::input::Accepted;
use crate::limits;
use crate::store::{CANCELLATION, EventKey, EventRow, Fate, RunKey, StoreError, Wait, WaitHit};

/// An event as expressions see it, made when the first one asks.
pub(crate) struct EventJson<'a> {
    event: &'a ReceivedEvent,
    json: Option<Value>,
    /// Why the data cannot be looked into, such as for its depth.
    problem: Option<String>,
}

impl<'a> EventJson<'a> {
    pub(crate) fn new(event: &'a ReceivedEvent) -> Self {
        Self { event, json: None, problem: None }
    }

    pub(crate) fn get(&mut self) -> &Value {
        self.json.get_or_insert_with(|| {
            let event = self.event;
            let data = serde_json::from_str(event.data.get()).unwrap_or_else(|error| {
                self.problem = Some(format!("the data cannot be read: {error}"));
                Value::Null
            });
            json!({ "id": event.id, "name": event.name, "data": data, "ts": event.ts, "v": event.v })
        })
    }
}

impl Core {
    /// Takes an event in: its row, the runs that it starts, the waits that it ends, the runs that it cancels.
    pub(crate) fn accept(&mut self, event: NewEvent) -> Result<Accepted, StoreError> {
        if let Some(sender_id) = event.id.as_ref().filter(|id| !id.is_empty())
            && let Some(id) = self.store.repeat_of(sender_id, &event.name, limits::IDEMPOTENCY_WINDOW, self.now)?
        {
            return Ok(Accepted { id, repeated: true });
        }
        let (id, ..) = self.take_in(event)?;
        Ok(Accepted { id, repeated: false })
    }

    /// Stores an event and does what follows from it; its id, its row, and itself as functions get it.
    pub(crate) fn take_in(&mut self, event: NewEvent) -> Result<(Ulid, EventKey, Arc<ReceivedEvent>), StoreError> {
        let id = self.new_id();
        let key = self.store.add_event(id, &event, self.now)?;
        let received = Arc::new(ReceivedEvent {
            id: event.id.unwrap_or_else(|| id.to_string()),
            name: event.name,
            data: event.data,
            ts: event.ts.unwrap_or(self.now),
            v: event.v,
        });
        let mut json = EventJson::new(&received);
        // Cancellations and waits come first: an event must not cancel, or feed, the run that it starts.
        self.end_waits(&received, &mut json)?;
        self.start_triggered(key, &received, &mut json)?;
        Ok((id, key, received))
    }

    fn start_triggered(
        &mut self,
        key: EventKey,
        event: &Arc<ReceivedEvent>,
        json: &mut EventJson<'_>,
    ) -> Result<(), StoreError> {
        let catalog = self.catalog.clone();
        let triggers = catalog.triggers(&event.name);
        for (index, trigger) in triggers.iter().enumerate() {
            // A function with two triggers on one event runs once, by the first whose condition holds.
            if triggers[..index].iter().any(|earlier| earlier.function == trigger.function) {
                continue;
            }
            let own = triggers.iter().filter(|other| other.function == trigger.function);
            let mut refusal = None;
            let mut starts = false;
            for trigger in own {
                match condition(trigger.expression.as_ref(), json, None) {
                    Ok(true) => starts = true,
                    Ok(false) => {
                        refusal.get_or_insert((
                            Fate::Filtered,
                            trigger.expression.as_ref().map(|e| e.source().to_owned()),
                        ));
                    }
                    Err(error) => refusal = Some((Fate::Unevaluable, Some(error))),
                }
            }
            if starts {
                self.new_run(trigger.function, key, event.clone(), json, None)?;
            } else if let Some((fate, detail)) = refusal {
                let id = catalog.function(trigger.function).registration.config.id;
                self.store.add_fate(key, id, fate, detail.as_deref())?;
            }
        }
        Ok(())
    }

    fn end_waits(&mut self, event: &ReceivedEvent, json: &mut EventJson<'_>) -> Result<(), StoreError> {
        let mut path = self.store.next_wait_path(&event.name, None)?;
        while let Some(current) = path {
            let value = if current.is_empty() { Some(String::new()) } else { indexed_value(&current, json.get()) };
            if let Some(value) = value {
                for hit in self.store.waits_for(&event.name, &current, &value)? {
                    self.end_wait(hit, event, json)?;
                }
            }
            path = self.store.next_wait_path(&event.name, Some(&current))?;
        }
        Ok(())
    }

    fn end_wait(&mut self, hit: WaitHit, event: &ReceivedEvent, json: &mut EventJson<'_>) -> Result<(), StoreError> {
        if hit.expires_at.is_some_and(|expiry| expiry <= self.now) {
            return Ok(());
        }
        if let Some(expression) = &hit.expression {
            let Some(own) = self.run_event(hit.run)? else { return Ok(()) };
            let own = own.received();
            match Expression::parse(expression)
                .map(|parsed| condition(Some(&parsed), &mut EventJson::new(&own), Some(json.get())))
            {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return Ok(()),
                Ok(Err(error)) => {
                    tracing::warn!(%expression, %error, "a wait's condition cannot be evaluated");
                    return Ok(());
                }
                Err(error) => {
                    tracing::warn!(%expression, %error, "a stored condition does not parse");
                    return Ok(());
                }
            }
        }
        if hit.step.starts_with(CANCELLATION) {
            self.cancel_run(hit.run)
        } else {
            let result = serde_json::value::to_raw_value(event).unwrap_or_else(|_| RawValue::NULL.to_owned());
            self.complete_pending(hit.run, &hit.step, Ok(result))
        }
    }

    fn run_event(&self, run: RunKey) -> Result<Option<EventRow>, StoreError> {
        self.store.run(run)?.map(|run| self.store.event(run.event)).transpose()
    }

    /// Stores what cancels a run.
    pub(crate) fn add_cancellations(
        &mut self,
        run: RunKey,
        rules: &[Cancellation],
        json: &mut EventJson<'_>,
    ) -> Result<(), StoreError> {
        for (number, rule) in rules.iter().enumerate() {
            let expires_at = rule.rule.timeout.map(|timeout| later(self.now, timeout));
            let name = format!("{CANCELLATION}{number}");
            self.add_indexed_wait(run, &name, rule.rule.event, rule.expression.as_ref(), expires_at, json)?;
        }
        Ok(())
    }

    /// Stores a wait under the equality of its condition that an index can find, if it has one.
    pub(crate) fn add_indexed_wait(
        &mut self,
        run: RunKey,
        step: &str,
        event: &str,
        expression: Option<&Expression>,
        expires_at: Option<i64>,
        own: &mut EventJson<'_>,
    ) -> Result<(), StoreError> {
        let indexed = expression.and_then(Expression::equality).and_then(|equality| {
            let value = equality.key(own.get())?;
            Some((serde_json::to_string(&equality.path).ok()?, value))
        });
        let (path, value) = indexed.unwrap_or_default();
        self.store.add_wait(&Wait {
            event,
            path: &path,
            value: &value,
            run,
            step,
            expression: expression.map(Expression::source),
            expires_at,
        })
    }
}

fn indexed_value(path: &str, event: &Value) -> Option<String> {
    let path: Vec<String> = serde_json::from_str(path).ok()?;
    key_at(&path, event)
}

/// Whether a condition holds; one that cannot be evaluated says why.
fn condition(
    expression: Option<&Expression>,
    event: &mut EventJson<'_>,
    async_event: Option<&Value>,
) -> Result<bool, String> {
    match expression {
        None => Ok(true),
        Some(expression) => {
            let held =
                expression.matches(&Scope { event: event.get(), async_event }).map_err(|error| error.to_string());
            event.problem.clone().map_or(held, Err)
        }
    }
}
