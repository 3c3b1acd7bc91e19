use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

async fn helper(_step: &Step) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    step.run("outer", helper(&step)).await?;
    Ok(())
}

fn main() {}
