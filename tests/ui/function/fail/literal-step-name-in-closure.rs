use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

async fn work() -> Result<u32> {
    Ok(1)
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    let runs = (0..3).map(|_| step.run("work", work()));
    futures::future::join_all(runs).await;
    Ok(())
}

fn main() {}
