use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

mod ids {
    pub fn new_v4() -> u32 {
        4
    }
    pub fn random() -> u32 {
        4
    }
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    let _ = ids::new_v4();
    step.sleep("rest", Duration::from_secs(u64::from(ids::random()))).await;
    Ok(())
}

fn main() {}
