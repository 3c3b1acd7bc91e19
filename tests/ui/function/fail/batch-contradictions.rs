use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(
    id = "ask",
    event = Asked,
    batch(max_size = 10, timeout = "5s"),
    cancel_on(event = Asked),
    debounce(period = "5s"),
    singleton,
    priority = "1",
    rate_limit(limit = 1, period = "1h"),
)]
async fn ask(_events: Events<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
