use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked, on_failure = other)]
async fn ask(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "other", event = Asked)]
async fn other(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
