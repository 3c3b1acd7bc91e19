use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    let home = std::env::var("HOME").unwrap_or_default();
    step.sleep(home, Duration::from_secs(1)).await;
    Ok(())
}

fn main() {}
