use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked, on_failure = companion)]
async fn ask(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

#[failure_handler]
async fn companion(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

#[failure_handler]
async fn companion_of_batch(_events: Events<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
