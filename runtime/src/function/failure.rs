//! What runs when a function has failed: the companion that `on_failure` names.

use super::{
    Accepts, Context, FromContext, FunctionConfig, FunctionFuture, FunctionRegistration, Role, StepSite, Trigger,
};
use crate::error::{Error, Result, StepError};
use crate::event::{Event, EventData, EventUnion, Events, FunctionFailed, decode};
use crate::function::RunId;
use crate::function::extract::{DECODE_ERROR, undecodable};
use crate::registry::Site;

/// The failure of a run, as a function with `#[failure_handler]` takes it.
///
/// The event that the engine starts the handler with tells of the failure; the one that had started the failed run is
/// inside of it. Only the latter is given here, with its type, so that the two cannot be mixed up.
#[derive(Clone, Debug)]
pub struct Failure<T> {
    /// The event that started the failed run; of a batch the first one.
    pub event: Event<T>,
    /// All events of the failed run, oldest first: more than one for a batch only.
    pub events: Events<T>,
    /// What it failed with, once its retries were spent.
    pub error: StepError,
    /// The failed run.
    pub run: RunId,
    /// The id of the failed function.
    pub function: &'static str,
}

impl<T: EventData + Clone> Failure<T> {
    /// A failure for a test of a failure handler.
    pub fn of(data: T, error: impl Into<StepError>) -> Self {
        let event = Event::of(data);
        Self {
            events: Events(vec![event.clone()]),
            event,
            error: error.into(),
            run: RunId(ulid::Ulid::nil()),
            function: "test",
        }
    }
}

impl<T: EventUnion> FromContext for Failure<T> {
    fn from_context(context: &Context) -> Result<Self> {
        let received = context.event();
        if received.name != FunctionFailed::NAME {
            let text = format!("a run that `{}` has started handles no failure: take `Event<…>`", received.name);
            return Err(Error::terminal(text).named(DECODE_ERROR));
        }
        let failed: FunctionFailed = decode(&received.data).map_err(|error| undecodable(&received.name, &error))?;
        let unfit = |error| undecodable(&failed.event.name, &error);
        let events = failed.all_events().iter().map(Event::decode).collect::<Result<_, _>>().map_err(unfit)?;
        let own = context.run().function;
        Ok(Self {
            event: Event::decode(&failed.event).map_err(unfit)?,
            events: Events(events),
            error: failed.error,
            run: failed.run_id,
            function: own.strip_suffix(FunctionConfig::FAILURE_SUFFIX).unwrap_or(own),
        })
    }
}

impl<T, U: Accepts<T>> Accepts<T> for Failure<U> {}

/// A failure handler as a type: what `#[failure_handler]` declares under the function's own name, so that
/// `on_failure = that_function` knows it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no failure handler",
    label = "not a failure handler",
    note = "put `#[failure_handler]` on the function; it takes a `Failure<…>` in place of an `Event<…>`"
)]
pub trait FailureHandler {
    /// What it takes: a [`Failure`], or [`AnyEvent`](crate::event::AnyEvent) when it does not look at the event.
    type Input;
    /// What the macro found out about it.
    const REGISTRATION: FailureRegistration;
}

/// What `#[failure_handler]` submits to the registry. It runs as part of the functions that name it.
#[derive(Clone, Copy)]
pub struct FailureRegistration {
    /// The name of the function.
    pub item: &'static str,
    /// The doc comment.
    pub doc: &'static str,
    /// How often a failed step is tried again; once when not given, as the TypeScript SDK has it.
    pub retries: u8,
    /// The steps found in the body, in source order.
    pub steps: &'static [StepSite],
    /// Extracts the parameters and starts a call.
    pub call: fn(&Context) -> Result<FunctionFuture>,
    /// Where the handler stands.
    pub site: Site,
}

inventory::collect!(FailureRegistration);

impl FailureRegistration {
    /// A handler of which nothing else is said.
    pub const fn new(item: &'static str, call: fn(&Context) -> Result<FunctionFuture>, site: Site) -> Self {
        Self { item, doc: "", retries: 1, steps: &[], call, site }
    }

    /// The function that runs when another one has failed: `id` is that one's with
    /// [`FunctionConfig::FAILURE_SUFFIX`], `triggers` its failure, `role` its role. Its flow control is its own.
    pub const fn companion(self, id: &'static str, triggers: &'static [Trigger], role: Role) -> FunctionRegistration {
        let mut config = FunctionConfig::new(id);
        config.doc = self.doc;
        config.role = role;
        config.triggers = triggers;
        config.retries = Some(self.retries);
        config.steps = self.steps;
        FunctionRegistration { config, call: self.call, site: self.site }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{AnyEvent, Cron, ReceivedEvent};
    use crate::function::{RunInfo, Services};
    use crate::protocol::Journal;

    fn context(name: &str, data: &str) -> Context {
        let run = RunInfo { id: RunId(ulid::Ulid::nil()), function: "deploy-failure", attempt: 0 };
        let event: ReceivedEvent =
            serde_json::from_str(&format!(r#"{{"id": "1", "name": "{name}", "data": {data}, "ts": 2}}"#)).unwrap();
        Context::new(run, vec![Arc::new(event)], Journal::new(None, []), Services::default())
    }

    /// What a server sends: `functionFinishedData` as Go writes it, with the original event as `Event.Map` does.
    fn failed(error: &str) -> String {
        format!(
            r#"{{
                "_inngest": {{"status": "Failed"}},
                "error": {error},
                "event": {{"data": {{"cron": "0 9 * * *"}}, "id": "01J9ZK4V6G8Q0R2T4W6Y8A0C2E", "name": "inngest/scheduled.timer", "ts": 1767571200000, "user": {{}}}},
                "events": [
                    {{"data": {{"cron": "0 9 * * *"}}, "id": "01J9ZK4V6G8Q0R2T4W6Y8A0C2E", "name": "inngest/scheduled.timer", "ts": 1767571200000}},
                    {{"data": {{"cron": "0 10 * * *"}}, "name": "inngest/scheduled.timer"}}
                ],
                "function_id": "bus-deploy",
                "run_id": "01J9ZK4V6G8Q0R2T4W6Y8A0C2F"
            }}"#
        )
    }

    #[test]
    fn a_failure_is_read_from_what_a_server_sends() {
        let user_error = r#"{"name": "TypeError", "message": "no such file", "stack": "at line 1", "data": {"a": 1}, "noRetry": true}"#;
        let context = context(FunctionFailed::NAME, &failed(user_error));
        let failure = Failure::<Cron>::from_context(&context).unwrap();
        assert_eq!((failure.event.data.cron.as_str(), failure.event.ts), ("0 9 * * *", 1_767_571_200_000));
        assert_eq!(failure.event.name, "inngest/scheduled.timer");
        assert_eq!(
            failure.events.iter().map(|event| event.data.cron.as_str()).collect::<Vec<_>>(),
            ["0 9 * * *", "0 10 * * *"]
        );
        assert_eq!(failure.error, StepError::new("TypeError", "no such file"));
        assert_eq!((failure.function, failure.run.to_string().as_str()), ("deploy", "01J9ZK4V6G8Q0R2T4W6Y8A0C2F"));
    }

    #[test]
    fn the_error_that_a_server_makes_itself_is_read() {
        let standard = r#"{"error": "timed out", "name": "Error", "message": "the request timed out"}"#;
        let context = context(FunctionFailed::NAME, &failed(standard));
        let failure = Failure::<AnyEvent>::from_context(&context).unwrap();
        assert_eq!(failure.error, StepError::new("Error", "the request timed out"));
        assert_eq!(failure.event.data.data["cron"], "0 9 * * *");
    }

    #[test]
    fn the_failure_and_the_event_behind_it_cannot_be_mixed_up() {
        let context = context(FunctionFailed::NAME, &failed("{}"));
        let error = Event::<Cron>::from_context(&context).unwrap_err();
        assert_eq!((error.name(), error.is_retryable()), (DECODE_ERROR, false));
        assert!(error.message().contains("take `Failure<…>`"), "{error}");
        assert_eq!(Event::<FunctionFailed>::from_context(&context).unwrap().data.function_id, "bus-deploy");
    }

    #[test]
    fn a_run_that_handles_no_failure_has_none() {
        let error = Failure::<Cron>::from_context(&context(Cron::NAME, "{}")).unwrap_err();
        assert!(error.message().contains("handles no failure"), "{error}");
    }

    #[test]
    fn an_original_event_that_does_not_fit_is_named() {
        let data = r#"{"function_id": "a", "run_id": "01J9ZK4V6G8Q0R2T4W6Y8A0C2F", "error": {}, "event": {"name": "a/b", "data": {"cron": 1}}}"#;
        let error = Failure::<Cron>::from_context(&context(FunctionFailed::NAME, data)).unwrap_err();
        assert_eq!((error.name(), error.is_retryable()), (DECODE_ERROR, false));
        assert!(error.message().contains("`a/b`") && error.message().contains("`cron`"), "{error}");
    }
}
