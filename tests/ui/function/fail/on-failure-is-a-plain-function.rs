use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked, on_failure = companion)]
async fn ask(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

async fn companion(_failure: Failure<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
