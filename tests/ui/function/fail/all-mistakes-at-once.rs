use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(event = Asked, retries = 0, role = nowhere, concurrency(limit = 1, scope = env))]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    step.sleep("rest", Duration::from_secs(1)).await;
    step.sleep("rest", Duration::from_secs(1)).await;
    Ok(())
}

fn main() {}
