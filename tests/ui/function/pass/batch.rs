use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "batch", event = Asked, batch(max_size = 10, timeout = "5s", key = "event.data.id", if = "true"))]
async fn batch(events: Events<Asked>, step: Step) -> Result<u32> {
    let mut total = 0;
    for event in events.iter() {
        let id = event.data.id;
        total += step.run(format!("double-{id}"), async move { Ok::<_, Error>(id * 2) }).await?;
    }
    Ok(total)
}

fn main() {}
