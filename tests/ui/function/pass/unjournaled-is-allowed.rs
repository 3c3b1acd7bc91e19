use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

async fn work() -> Result<u32> {
    Ok(1)
}

#[inngest_fn(id = "ask", event = Asked, allow(unjournaled))]
async fn ask(_event: Event<Asked>) -> Result<()> {
    work().await?;
    let _ = std::time::Instant::now();
    Ok(())
}

fn main() {}
