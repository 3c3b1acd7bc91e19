use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

struct Asker;

impl Asker {
    #[inngest_fn(id = "ask", event = Asked)]
    async fn ask(&self, _event: Event<Asked>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
