use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

async fn work() -> Result<u32> {
    Ok(1)
}

async fn later(_value: u32) {}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    work().await?;
    let value = step.run("work", work()).await?;
    later(value).await;
    Ok(())
}

fn main() {}
