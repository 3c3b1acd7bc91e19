use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked, batch(max_size = 1, timeout = "5s"))]
async fn ask(_events: Events<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
