//! The function that a harness runs.

use std::future::Future;

use serde_json::value::{RawValue, to_raw_value};

use super::HarnessError;
use crate::error::{Error, Result, StepError};
use crate::event::{Cron, EventData, FunctionFailed, NewEvent, ReceivedEvent};
use crate::function::{
    Context, FailureHandler, FunctionConfig, FunctionFuture, FunctionRegistration, FunctionResult, Role, RunId, Trigger,
};
use crate::step::Step;

/// The function that a harness runs.
pub(super) enum Subject {
    Registered(&'static FunctionRegistration),
    FailureHandler(Box<FunctionRegistration>),
    Closure(Box<dyn Fn(Step) -> FunctionFuture + Send + Sync>),
    /// No linked function has this id.
    Missing(&'static str),
}

/// The id of a closure, and the name of the event that starts it.
const CLOSURE: &str = "test/closure";

/// The id of the function whose failure a failure handler gets; `Failure::of` says the same.
const FAILED: &str = "test";

impl Subject {
    pub(super) fn linked(id: &'static str) -> Self {
        let mut functions = inventory::iter::<FunctionRegistration>.into_iter();
        functions.find(|function| function.config.id == id).map_or(Self::Missing(id), Self::Registered)
    }

    /// A failure handler needs no function that names it.
    pub(super) fn failure_handler<H: FailureHandler>() -> Self {
        const FAILURE: &[Trigger] = &[Trigger::Failure { function: FAILED }];
        Self::FailureHandler(Box::new(H::REGISTRATION.companion("test-failure", FAILURE, Role::Any)))
    }

    pub(super) fn closure<F>(code: impl Fn(Step) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: FunctionResult> + Send + 'static,
    {
        Self::Closure(Box::new(move |step| {
            let future = code(step);
            Box::pin(async move { future.await.encode() })
        }))
    }

    pub(super) fn problem(&self) -> Option<HarnessError> {
        match self {
            Self::Missing(id) => Some(HarnessError::NotLinked(id)),
            Self::Registered(_) | Self::FailureHandler(_) | Self::Closure(_) => None,
        }
    }

    pub(super) fn id(&self) -> &'static str {
        self.config().id
    }

    /// Attempts in all of a step, and of the code between steps.
    pub(super) fn attempts_max(&self) -> u32 {
        self.config().attempts_max()
    }

    fn config(&self) -> &FunctionConfig {
        static CLOSURE_CONFIG: FunctionConfig = FunctionConfig::new(CLOSURE);
        match self {
            Self::Registered(function) => &function.config,
            Self::FailureHandler(function) => &function.config,
            Self::Closure(_) | Self::Missing(_) => &CLOSURE_CONFIG,
        }
    }

    /// Starts a call.
    pub(super) fn call(&self, context: &Context) -> Result<FunctionFuture> {
        match self {
            Self::Registered(function) => (function.call)(context),
            Self::FailureHandler(function) => (function.call)(context),
            Self::Closure(code) => Ok(code(Step::new(context.journal().clone()))),
            Self::Missing(id) => Err(Error::terminal(format!("no function `{id}` is linked"))),
        }
    }

    /// The event that starts a run when the test names none.
    pub(super) fn event(&self) -> NewEvent {
        let object = || RawValue::from_string("{}".to_owned()).unwrap_or_default();
        match self.config().triggers.first() {
            Some(Trigger::Event { name, .. }) => NewEvent::named(*name, object()),
            Some(Trigger::Cron { expression, .. }) => {
                let data = to_raw_value(&Cron { cron: (*expression).to_owned() }).unwrap_or_else(|_| object());
                NewEvent::named(Cron::NAME, data)
            }
            Some(Trigger::Failure { function }) => {
                let event =
                    ReceivedEvent { id: "failed".to_owned(), name: CLOSURE.to_owned(), data: object(), ts: 0, v: None };
                let failed = FunctionFailed {
                    function_id: (*function).to_owned(),
                    run_id: RunId(ulid::Ulid::nil()),
                    error: StepError::new("Error", "the test gives no failure"),
                    event,
                    events: Vec::new(),
                };
                NewEvent::named(FunctionFailed::NAME, to_raw_value(&failed).unwrap_or_else(|_| object()))
            }
            None => NewEvent::named(CLOSURE, object()),
        }
    }
}
