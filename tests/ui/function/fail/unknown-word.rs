use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked, retry = 3, concurency = 1, colour = "red")]
async fn ask(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
