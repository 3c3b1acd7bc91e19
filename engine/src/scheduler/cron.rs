//! Time tables: each next time is stored, so that a restart misses at most what it should.

use std::sync::Arc;

use serde_json::value::to_raw_value;
use system_bus_runtime::event::{Cron, EventData, NewEvent, ReceivedEvent};

use crate::core::Core;
use crate::matcher::EventJson;
use crate::store::{Millis, StoreError};

impl Core {
    /// Reads when each time table fires next. One that came due while no process ran fires once, at once.
    pub(crate) fn recover_crons(&mut self) -> Result<(), StoreError> {
        let catalog = self.catalog.clone();
        let id = |function: usize| catalog.function(function).registration.config.id;
        for (function, text) in self.store.crons()? {
            if !catalog.crons().iter().any(|cron| cron.text == text && id(cron.function) == function) {
                self.store.remove_cron(&function, &text)?;
            }
        }
        self.timers.crons.clear();
        for cron in catalog.crons() {
            let upcoming = cron.next_after(self.now).unwrap_or(Millis::MAX);
            // A stored time later than the next regular one means that the clock was set back.
            let next = match self.store.cron_next(id(cron.function), &cron.text)? {
                Some(stored) => stored.min(upcoming),
                None => upcoming,
            };
            self.store.set_cron_next(id(cron.function), &cron.text, next)?;
            self.timers.crons.push(next);
        }
        Ok(())
    }

    pub(crate) fn fire_crons(&mut self) -> Result<(), StoreError> {
        let catalog = self.catalog.clone();
        for (index, cron) in catalog.crons().iter().enumerate() {
            if self.timers.crons.get(index).is_none_or(|next| *next > self.now) {
                continue;
            }
            let data = Cron { cron: cron.text.clone() };
            let Ok(data) = to_raw_value(&data) else { continue };
            let event = NewEvent::named(Cron::NAME, data);
            let event_id = self.new_id();
            let event_key = self.store.add_event(event_id, &event, self.now)?;
            let received = Arc::new(ReceivedEvent {
                id: event_id.to_string(),
                name: event.name,
                data: event.data,
                ts: self.now,
                v: None,
            });
            self.new_run(cron.function, event_key, received.clone(), &mut EventJson::new(&received), None)?;
            let next = cron.next_after(self.now).unwrap_or(Millis::MAX);
            self.store.set_cron_next(catalog.function(cron.function).registration.config.id, &cron.text, next)?;
            self.timers.crons[index] = next;
        }
        Ok(())
    }
}
