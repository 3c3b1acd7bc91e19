//! Durable functions: what an attribute declares, what a parameter can be, how a call gets its values.

mod config;
mod context;
mod extract;
mod failure;
mod flow_control;
mod trigger;

pub use config::{Checkpoint, FunctionConfig, OnFailure, Role, StepKind, StepSite};
pub use context::{Context, RunId, RunInfo, Services};
pub use extract::{Accepts, FromContext};
pub use failure::{Failure, FailureHandler, FailureRegistration};
pub use flow_control::{
    Batch, CancelOn, Concurrency, Debounce, Priority, RateLimit, Scope, Singleton, SingletonMode, Throttle, Timeouts,
};
pub use trigger::Trigger;

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::registry::Site;

/// A call of a durable function: resolves to the run's output as JSON.
pub type FunctionFuture = Pin<Box<dyn Future<Output = Result<Box<RawValue>>> + Send>>;

/// What `#[inngest_fn]` submits to the registry: the function, and the one that runs when it has failed.
pub struct FunctionRegistration {
    /// All that the attribute says, and the steps found in the body.
    pub config: FunctionConfig,
    /// Extracts the parameters and starts a call.
    pub call: fn(&Context) -> Result<FunctionFuture>,
    /// Where the function stands.
    pub site: Site,
}

inventory::collect!(FunctionRegistration);

/// A durable function as a type: what `#[inngest_fn]` declares under the function's own name, so that
/// `step.invoke::<other_function>(…)` knows the data and the output.
pub trait Function {
    /// The data of the event that starts it; any JSON when it has several triggers.
    ///
    /// Without a bound, so that a trigger that is no event gives one message.
    type Input;
    /// What it returns.
    type Output: Serialize;
    /// The function's id.
    const ID: &'static str;
}

/// What a durable function may return: a `Result` whose error converts into [`Error`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a durable function returns",
    label = "not a `Result` of a value that serializes",
    note = "return `Result<T>` with a `T` that derives `Serialize`",
    note = "a `Secret` is never stored: return what was made with it"
)]
pub trait FunctionResult {
    /// The value of a good run.
    type Output: Serialize;
    /// Encodes the value, or keeps the error.
    fn encode(self) -> Result<Box<RawValue>>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize, E: Into<Error>> FunctionResult for Result<T, E> {
    type Output = T;

    fn encode(self) -> Result<Box<RawValue>> {
        let value = self.map_err(Into::into)?;
        serde_json::value::to_raw_value(&value).map_err(|error| {
            Error::terminal(format!("the output cannot be written as JSON: {error}")).named("EncodeError")
        })
    }
}
