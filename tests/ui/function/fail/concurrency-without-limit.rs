use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked, concurrency(key = "event.data.id"))]
async fn ask(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
