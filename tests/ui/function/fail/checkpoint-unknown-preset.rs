use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "one", event = Asked, checkpoint = fast)]
async fn one(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "two", event = Asked, checkpoint = "safe")]
async fn two(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "three", event = Asked, checkpoint(buffered_steps = 0))]
async fn three(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
