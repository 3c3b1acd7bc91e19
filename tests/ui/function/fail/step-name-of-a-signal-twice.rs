use system_bus_runtime::prelude::*;

#[event("ui/approval.requested")]
struct Approval {
    number: u32,
}

#[inngest_fn(id = "approve", event = Approval)]
async fn approve(event: Event<Approval>, step: Step) -> Result<()> {
    step.send_signal("approval", "asked", &event.data.number).await?;
    step.wait_for_signal::<bool>("approval", "answered").await?;
    Ok(())
}

fn main() {}
