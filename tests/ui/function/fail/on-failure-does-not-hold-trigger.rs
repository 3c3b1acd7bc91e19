use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[event("ui/other.requested")]
struct Other {}

#[inngest_fn(id = "ask", event = Asked, event = Other, on_failure = companion)]
async fn ask(_event: Event<AnyEvent>) -> Result<()> {
    Ok(())
}

#[failure_handler]
async fn companion(_failure: Failure<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
