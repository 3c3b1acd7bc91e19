use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

async fn work() -> Result<u32> {
    Ok(1)
}

async fn helper(step: &Step, id: u32) -> Result<u32, StepError> {
    step.run(format!("helper-{id}"), work()).await
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    helper(&step, 1).await?;
    let alias = &step;
    alias.run("alias", work()).await?;
    let copy = step.clone();
    helper(&copy, 2).await?;
    let twice = |id: u32| step.run(format!("twice-{id}"), work());
    twice(1).await?;
    let nested = async |step: &Step, id: u32| step.run(format!("nested-{id}"), work()).await;
    nested(&step, 3).await?;
    Ok(())
}

fn main() {}
