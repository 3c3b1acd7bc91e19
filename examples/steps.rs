//! Steps, whose results are stored before the next one starts, and a second function: `cargo run --example steps`.

mod support;

use std::path::PathBuf;

use support::{has_ended, run_when, show};
use system_bus_engine::{Config, Engine, RunDetail};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

/// Somebody ordered something.
#[event("steps/order.placed")]
struct OrderPlaced {
    cents: u32,
    pieces: u32,
}

/// An order was paid.
#[event("steps/order.paid")]
struct OrderPaid {
    cents: u32,
}

/// Takes the money. After a crash it goes on behind the last step that has ended.
#[inngest_fn(id = "steps/fulfil", event = OrderPlaced)]
async fn fulfil(event: Event<OrderPlaced>, step: Step) -> Result<u32> {
    let OrderPlaced { cents, pieces } = event.data;
    let price = step.run("add-up", async { Ok::<_, Error>(cents * pieces) }).await?;
    step.sleep("let-the-customer-think", Duration::from_millis(50)).await;
    let paid = step.run("charge", async { Ok::<_, Error>(price) }).await?;
    step.send_event("announce", OrderPaid { cents: paid }).await?;
    Ok(paid)
}

/// Tells the operator.
#[inngest_fn(id = "steps/tell", event = OrderPaid)]
async fn tell(event: Event<OrderPaid>, step: Step, gateway: Gateway) -> Result<()> {
    step.run("notify", gateway.notify("order.paid", event.data)).await?;
    Ok(())
}

/// Sends the event and returns the run that it starts.
pub(crate) async fn demo(directory: PathBuf) -> Result<RunDetail> {
    let engine = Engine::open(&Config { directory }, &Registry::linked(), Services::default())?;
    let accepted = engine.send(vec![NewEvent::new(&OrderPlaced { cents: 250, pieces: 4 })?]).await?;
    let run = run_when(&engine, accepted[0], has_ended).await?;
    // The second function may still be at work: what it has not done when the engine stops, it does at the next start.
    engine.stop(Duration::from_secs(1)).await;
    Ok(run)
}

#[tokio::main]
async fn main() -> Result<()> {
    show(&demo(std::env::temp_dir().join("system-bus-steps")).await?);
    Ok(())
}
