use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    let shared = std::rc::Rc::new(1);
    step.sleep("rest", Duration::from_secs(1)).await;
    let _ = shared;
    Ok(())
}

fn main() {}
