//! A run that waits for another event, without costing anything: `cargo run --example wait`.

mod support;

use std::path::PathBuf;

use support::{has_ended, run_when, show};
use system_bus_engine::{Config, Engine, RunDetail};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

/// Somebody asks for leave.
#[event("wait/leave.requested")]
struct LeaveRequested {
    /// The number of the request.
    request: u32,
}

/// Somebody has decided about it.
#[event("wait/leave.decided")]
struct LeaveDecided {
    /// The number of the request.
    request: u32,
    /// Whether it is granted.
    granted: bool,
}

/// Waits for the decision about this one request, at most three days.
#[inngest_fn(id = "wait/ask", event = LeaveRequested)]
async fn ask(event: Event<LeaveRequested>, step: Step) -> Result<String> {
    let decision = step
        .wait_for_event::<LeaveDecided>("decision")
        .matching("event.data.request == async.data.request")
        .timeout(Duration::from_secs(3 * 24 * 60 * 60))
        .await?;
    let answer = decision.map_or("nobody decided", |it| if it.data.granted { "granted" } else { "refused" });
    Ok(format!("request {}: {answer}", event.data.request))
}

/// Sends the event, decides about it and returns the run.
pub(crate) async fn demo(directory: PathBuf) -> Result<RunDetail> {
    let engine = Engine::open(&Config { directory }, &Registry::linked(), Services::default())?;
    let asked = engine.send(vec![NewEvent::new(&LeaveRequested { request: 7 })?]).await?;
    run_when(&engine, asked[0], |run| run.step_details.iter().any(|step| step.status == "Waiting")).await?;
    let decisions = [LeaveDecided { request: 8, granted: false }, LeaveDecided { request: 7, granted: true }];
    engine.send(decisions.iter().map(NewEvent::new).collect::<Result<_>>()?).await?;
    let run = run_when(&engine, asked[0], has_ended).await?;
    engine.stop(Duration::from_secs(1)).await;
    Ok(run)
}

#[tokio::main]
async fn main() -> Result<()> {
    show(&demo(std::env::temp_dir().join("system-bus-wait")).await?);
    Ok(())
}
