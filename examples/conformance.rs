//! The functions that the server's own conformance suite expects of an SDK (`inngest alpha conformance run`).
//!
//! ```sh
//! INNGEST_DEV=1 INNGEST_CHECKPOINTING=off PORT=3000 cargo run --example conformance
//! ```
//!
//! The suite checks each step as an answer of its own, so checkpoints are off.

use std::time::Duration;

use serde::Serialize;
use system_bus_runtime::function::{RunInfo, Services};
use system_bus_runtime::middleware::MiddlewareStack;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;
use system_bus_runtime::server::{AppIds, ServerSettings, Serving};
use tokio::net::TcpListener;

/// Starts a function without steps.
#[event("tests/function.test", allow_command_name)]
pub(crate) struct FunctionTest {
    /// Always true.
    #[serde(default)]
    pub(crate) test: bool,
}

/// Starts a function of two steps with a sleep between them.
#[event("tests/step.test", allow_command_name)]
pub(crate) struct StepTest {}

/// Starts a function that fails at first.
#[event("tests/retry.test", allow_command_name)]
pub(crate) struct RetryTest {}

/// Starts a function that is cancelled.
#[event("tests/cancel.test", allow_command_name)]
pub(crate) struct CancelTest {
    /// What the cancelling event names.
    pub(crate) request_id: String,
}

/// Cancels a run.
#[event("cancel/please", allow_command_name)]
pub(crate) struct CancelPlease {
    /// The run's.
    pub(crate) request_id: String,
}

/// Starts a function that waits.
#[event("tests/wait.test", allow_command_name)]
pub(crate) struct WaitTest {
    /// What the awaited event names.
    pub(crate) id: String,
}

/// Is waited for.
#[event("test/resume", allow_command_name)]
pub(crate) struct Resume {
    /// The run's.
    pub(crate) id: String,
    /// Whether the run goes on.
    #[serde(default)]
    pub(crate) resume: bool,
}

/// What most of the functions return.
#[derive(Serialize)]
pub(crate) struct Ended {
    name: String,
    body: &'static str,
}

impl Ended {
    fn of<T>(event: &Event<T>) -> Self {
        Self { name: event.name.clone(), body: "ok" }
    }
}

/// Returns at once.
#[inngest_fn(id = "test-suite-simple-fn", event = FunctionTest)]
async fn simple(event: Event<FunctionTest>) -> Result<Ended> {
    Ok(Ended::of(&event))
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Second {
    first: String,
    second: bool,
}

/// Runs a step, sleeps, runs another step.
#[inngest_fn(id = "test-suite-step-test", event = StepTest)]
async fn steps(event: Event<StepTest>, step: Step) -> Result<Ended> {
    let first = step.run("first step", async { Ok::<_, Error>("first step".to_owned()) }).await?;
    step.sleep("sleep", Duration::from_secs(2)).await;
    step.run("second step", async { Ok::<_, Error>(Second { first, second: true }) }).await?;
    Ok(Ended::of(&event))
}

/// Fails in its step, then in its body, and then not.
#[inngest_fn(id = "test-suite-retry-test", event = RetryTest)]
async fn retries(event: Event<RetryTest>, run: RunInfo, step: Step) -> Result<Ended> {
    let first_attempt = run.attempt == 0;
    step.run("first step", async move {
        if first_attempt { Err(Error::retryable("broken")) } else { Ok("yes: 2".to_owned()) }
    })
    .await?;
    if first_attempt {
        return Err(Error::retryable("broken func"));
    }
    Ok(Ended::of(&event))
}

/// Sleeps until it is cancelled.
#[inngest_fn(
    id = "test-suite-cancel-test",
    event = CancelTest,
    cancel_on(event = CancelPlease, if = "async.data.request_id == event.data.request_id"),
)]
async fn cancelled(event: Event<CancelTest>, step: Step) -> Result<Ended> {
    step.sleep("sleep", Duration::from_secs(10)).await;
    step.run("After the sleep", async { Ok::<_, Error>(()) }).await?;
    Ok(Ended::of(&event))
}

/// What the awaited event held.
#[derive(Serialize)]
pub(crate) struct Waited {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Resume>,
}

/// Waits for an event that names it.
#[inngest_fn(id = "test-suite-wait-for-event", event = WaitTest)]
async fn waits(_event: Event<WaitTest>, step: Step) -> Result<Waited> {
    let resumed = step
        .wait_for_event::<Resume>("wait")
        .matching("async.data.resume == true && async.data.id == event.data.id")
        .timeout(Duration::from_secs(10))
        .await?;
    Ok(Waited { result: resumed.map(|event| event.data) })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::linked();
    let Some(settings) = ServerSettings::read(|name| std::env::var(name).ok(), "conformance-system-bus")? else {
        return Err("set `INNGEST_DEV=1` to work for a Dev Server".into());
    };
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?;
    let app_ids = AppIds::new("conformance-system-bus", &settings.app_id, None, &registry);
    let serving = Serving::new(settings, app_ids, registry, Services::default(), MiddlewareStack::default(), address);
    println!("conformance fixtures at {}", serving.keeper().url());
    // The suite registers the functions itself: it puts itself between the server and this program.
    axum::serve(listener, serving.router()).await?;
    Ok(())
}
