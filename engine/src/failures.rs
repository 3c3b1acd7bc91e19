//! What follows when a run has failed for good: an event that tells of it, and the function's failure handler.

use std::sync::Arc;

use serde_json::value::to_raw_value;
use system_bus_runtime::error::StepError;
use system_bus_runtime::event::{EventData, FunctionFailed, NewEvent, ReceivedEvent};
use system_bus_runtime::function::RunId;

use crate::core::Core;
use crate::matcher::EventJson;
use crate::store::StoreError;

/// A run that has failed for good.
pub(crate) struct FailedRun<'a> {
    pub(crate) id: RunId,
    pub(crate) function: &'a str,
    pub(crate) event: Arc<ReceivedEvent>,
    pub(crate) error: StepError,
}

impl Core {
    /// Whether the failure of a run of this function, started by this event, is to be told.
    ///
    /// What a failure has started tells of no failure of its own, as an Inngest server has it: a handler that fails would
    /// otherwise start itself for ever.
    pub(crate) fn is_told(&self, function: &str, event: &str) -> Result<bool, StoreError> {
        let name = FunctionFailed::NAME;
        Ok(event != name
            && (self.catalog.failure_handler(function).is_some()
                || !self.catalog.triggers(name).is_empty()
                || self.store.next_wait_path(name, None)?.is_some()))
    }

    /// Tells of a failed run in the transaction that ends it, so that its handler runs exactly once.
    pub(crate) fn tell_failure(&mut self, failed: FailedRun<'_>) -> Result<(), StoreError> {
        let handler = self.catalog.failure_handler(failed.function);
        let data = to_raw_value(&FunctionFailed {
            function_id: failed.function.to_owned(),
            run_id: failed.id,
            error: failed.error,
            event: ReceivedEvent::clone(&failed.event),
            events: Vec::new(),
        });
        let data = match data {
            Ok(data) => data,
            Err(error) => {
                tracing::error!(run = %failed.id, %error, "a failure cannot be written as JSON; its handler does not run");
                return Ok(());
            }
        };
        // The server as well gives this event the id of the run.
        let (_, key, event) =
            self.take_in(NewEvent::named(FunctionFailed::NAME, data).with_id(failed.id.to_string()))?;
        match handler {
            Some(handler) => self.new_run(handler, key, event.clone(), &mut EventJson::new(&event), None),
            None => Ok(()),
        }
    }
}
