use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(Event { .. }: Event<Asked>, step: &Step) -> Result<()> {
    let _ = step;
    Ok(())
}

fn main() {}
