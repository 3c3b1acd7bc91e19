//! A step that fails twice, and one that fails for good: `cargo run --example retry`.

mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use support::{has_ended, run_when, show};
use system_bus_engine::{Config, Engine, RunDetail};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

/// A report is wanted.
#[event("retry/report.requested")]
struct ReportRequested {}

/// Makes a report from a service that is not always there.
#[inngest_fn(id = "retry/report", event = ReportRequested, retries = 5)]
async fn report(step: Step) -> Result<String> {
    let pause = Duration::from_millis(10);
    let figures = step.run("figures", fetch_figures()).backoff(pause, Duration::from_secs(1)).await?;
    // A failed step is an ordinary error: what the function can do without, it does without.
    let picture = step.run("picture", take_picture()).await.unwrap_or_else(|error| format!("no picture ({error})"));
    Ok(format!("{figures}, {picture}"))
}

/// Fails at the first two calls.
async fn fetch_figures() -> Result<String> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    match CALLS.fetch_add(1, Ordering::Relaxed) {
        0 => Err(Error::retryable("the connection was reset")),
        1 => Err(Error::retry_after("too many requests", Duration::from_millis(30))),
        _ => Ok("figures".to_owned()),
    }
}

/// Fails in a way that no other attempt would cure.
async fn take_picture() -> Result<String> {
    Err(Error::terminal("the camera is broken"))
}

/// Sends the event and returns the run that it starts.
pub(crate) async fn demo(directory: PathBuf) -> Result<RunDetail> {
    let engine = Engine::open(&Config { directory }, &Registry::linked(), Services::default())?;
    let accepted = engine.send(vec![NewEvent::new(&ReportRequested {})?]).await?;
    let run = run_when(&engine, accepted[0], has_ended).await?;
    engine.stop(Duration::from_secs(1)).await;
    Ok(run)
}

#[tokio::main]
async fn main() -> Result<()> {
    show(&demo(std::env::temp_dir().join("system-bus-retry")).await?);
    Ok(())
}
