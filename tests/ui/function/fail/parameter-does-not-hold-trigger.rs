use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[event("ui/other.requested")]
struct Other {}

#[inngest_fn(id = "ask", event = Asked, cron = "0 9 * * 1")]
async fn ask(_event: Event<Other>) -> Result<()> {
    Ok(())
}

fn main() {}
