//! Failure handlers under the harness.

use crate::error::{Error, StepError};
use crate::function::Failure;
use crate::prelude::{Event, EventData, Gateway, Result, Step, event, failure_handler, inngest_fn};
use crate::testing::{Harness, HarnessError};

/// A house was ordered.
#[event("test/house.ordered", sent_by = "test")]
struct HouseOrdered {
    address: String,
    #[serde(default)]
    floors: Option<u32>,
}

/// Says that a house was not built.
#[failure_handler]
async fn not_built(failure: Failure<HouseOrdered>, step: Step, gateway: Gateway) -> Result<String> {
    let address = &failure.event.data.address;
    step.run("tell", gateway.notify("house.failed", address)).await?;
    Ok(format!("{address}: {} ({} in {})", failure.error, failure.error.name, failure.function))
}

/// Builds a house.
#[inngest_fn(id = "test/house-build", event = HouseOrdered, on_failure = not_built)]
async fn build(event: Event<HouseOrdered>) -> Result<String> {
    Ok(format!("{} with {:?} floors", event.data.address, event.data.floors))
}

fn ordered() -> HouseOrdered {
    HouseOrdered { address: "Main Street 1".to_owned(), floors: None }
}

#[tokio::test]
async fn a_failure_handler_gets_the_event_of_the_failed_run() {
    let harness = Harness::failure_handler::<not_built>()
        .failure(Failure::of(ordered(), StepError::new("NoBricksError", "no bricks")));
    let report = harness.run().await;
    assert_eq!(report.value::<String>().unwrap(), "Main Street 1: no bricks (NoBricksError in test)");
    assert_eq!(report.notified().len(), 1);
    harness.check_all().await;
}

#[tokio::test]
async fn an_error_is_a_failure_as_well() {
    let failure = Failure::of(ordered(), Error::terminal("no land"));
    assert_eq!(failure.error, StepError::new("TerminalError", "no land"));
    Harness::failure_handler::<not_built>().failure(failure).succeeds().await;
}

#[tokio::test]
async fn without_a_failure_the_event_behind_it_is_empty() {
    let problem = Harness::failure_handler::<not_built>().run().await.output.unwrap_err();
    assert!(problem.message().contains("`address`"), "{problem}");
}

#[tokio::test]
async fn the_handler_is_a_function_of_the_registry() {
    let registry = crate::registry::Registry::linked();
    let companion = registry.function("test/house-build-failure").unwrap();
    assert_eq!((companion.config.failure_of(), companion.config.retries), (Some("test/house-build"), Some(1)));
    assert_eq!(companion.config.steps[0].name, "tell");
    assert_eq!(companion.config.doc, "Says that a house was not built.");
    let failed = registry.function("test/house-build").unwrap();
    assert_eq!(failed.config.on_failure.unwrap().id, companion.config.id);
    assert!(registry.failure_handlers().iter().any(|handler| handler.item == "not_built"));
    let report = Harness::registered(companion).failure(Failure::of(ordered(), Error::terminal("no"))).run().await;
    assert_eq!(report.value::<String>().unwrap(), "Main Street 1: no (TerminalError in test/house-build)");
}

/// Data that cannot be written.
#[derive(Clone, serde::Deserialize, schemars::JsonSchema)]
struct Unwritable {}

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("never"))
    }
}

impl EventData for Unwritable {
    const NAME: &'static str = "test/unwritable.sent";
}

#[tokio::test]
async fn a_failure_that_cannot_be_written_is_a_problem_of_the_test() {
    let failure = Failure::of(Unwritable {}, Error::terminal("no"));
    let problem = Harness::failure_handler::<not_built>().failure(failure).try_run().await.err();
    assert!(matches!(problem, Some(HarnessError::Encode { name, .. }) if name == Unwritable::NAME));
}
