use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_failure: Failure<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
