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
    for _ in 0..3 {
        step.run("work", work()).await?;
    }
    while let Ok(0) = step.run("wait", work()).await {}
    Ok(())
}

fn main() {}
