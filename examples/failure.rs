//! A function that fails, and what then runs: `cargo run --example failure`.

mod support;

use std::path::PathBuf;

use support::{has_ended, run_when, show};
use system_bus_engine::{Config, Engine, RunDetail};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

/// A version is to be deployed.
#[event("failure/deploy.requested")]
struct DeployRequested {
    /// The version that runs now.
    running: u32,
    /// The version that is to run.
    wanted: u32,
}

/// Deploys a version.
#[inngest_fn(id = "failure/deploy", event = DeployRequested, on_failure = deploy_failed)]
async fn deploy(event: Event<DeployRequested>, step: Step) -> Result<u32> {
    step.run("install", install(event.data.wanted)).await?;
    Ok(event.data.wanted)
}

/// Goes back to the version that ran before. What has failed is known by its type: `failure.event` is the event that had
/// started the failed run.
#[failure_handler]
async fn deploy_failed(failure: Failure<DeployRequested>, step: Step) -> Result<String> {
    let DeployRequested { running, wanted } = failure.event.data;
    step.run("roll-back", install(running)).await?;
    Ok(format!("version {running} is back, version {wanted} is not: {}", failure.error))
}

/// There is room for seven versions.
async fn install(version: u32) -> Result<()> {
    if version > 7 { Err(Error::terminal("the disk is full")) } else { Ok(()) }
}

/// Sends the event and returns the run of the failure handler.
pub(crate) async fn demo(directory: PathBuf) -> Result<RunDetail> {
    let engine = Engine::open(&Config { directory }, &Registry::linked(), Services::default())?;
    let accepted = engine.send(vec![NewEvent::new(&DeployRequested { running: 7, wanted: 8 })?]).await?;
    let failed = run_when(&engine, accepted[0], |run| !run.failure_handled_by.is_empty()).await?;
    let handler = failed.failure_handled_by[0].run_id.parse()?;
    let mut interval = tokio::time::interval(Duration::from_millis(5));
    let run = loop {
        interval.tick().await;
        match engine.run(handler).await? {
            Some(run) if has_ended(&run) => break run,
            _ => {}
        }
    };
    engine.stop(Duration::from_secs(1)).await;
    Ok(run)
}

#[tokio::main]
async fn main() -> Result<()> {
    show(&demo(std::env::temp_dir().join("system-bus-failure")).await?);
    Ok(())
}
