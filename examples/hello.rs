//! One event, one function: `cargo run --example hello`.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use support::{has_ended, run_when, show};
use system_bus_engine::{Config, Engine, RunDetail};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

/// Somebody came by.
#[event("hello/visitor.arrived")]
struct VisitorArrived {
    /// Who it is.
    name: String,
}

/// Greets a visitor.
#[inngest_fn(id = "hello/greet", event = VisitorArrived)]
async fn greet(event: Event<VisitorArrived>) -> Result<String> {
    Ok(format!("hello {}", event.data.name))
}

/// Sends the event and returns the run that it starts.
pub(crate) async fn demo(directory: PathBuf) -> Result<RunDetail> {
    // The engine, its store and every function that is linked into this program: there is nothing to list.
    let engine = Engine::open(&Config { directory }, &Registry::linked(), Services::default())?;
    let event = NewEvent::new(&VisitorArrived { name: "Ada".to_owned() })?;
    let accepted = engine.send(vec![event]).await?;
    let run = run_when(&engine, accepted[0], has_ended).await?;
    engine.stop(Duration::from_secs(1)).await;
    Ok(run)
}

#[tokio::main]
async fn main() -> Result<()> {
    show(&demo(std::env::temp_dir().join("system-bus-hello")).await?);
    Ok(())
}
