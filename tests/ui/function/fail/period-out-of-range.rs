use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked, throttle(limit = 1, period = "8d"), debounce(period = "1ms"))]
async fn ask(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
