use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_events: Events<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
