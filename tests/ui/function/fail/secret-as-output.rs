use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>) -> Result<Secret> {
    Ok(Secret::from("s3cret"))
}

fn main() {}
