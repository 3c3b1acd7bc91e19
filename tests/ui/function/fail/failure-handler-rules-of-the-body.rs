use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[failure_handler(id = "companion", retries = 0)]
async fn companion(failure: Failure<Asked>, step: Step) -> Result<()> {
    step.run("tell", tell(failure.event.data.id)).await?;
    step.run("tell", tell(failure.event.data.id)).await?;
    tell(2).await
}

async fn tell(_id: u32) -> Result<()> {
    Ok(())
}

fn main() {}
