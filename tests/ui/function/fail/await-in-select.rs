use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    tokio::select! {
        _ = step.sleep("short", Duration::from_secs(1)) => {}
        _ = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    Ok(())
}

fn main() {}
