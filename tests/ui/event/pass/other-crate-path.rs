use system_bus_runtime::prelude::*;

use system_bus_runtime as bus;

#[event("ui/asked.requested", crate = bus)]
struct Asked {}

#[derive(EventUnion)]
#[event_union(crate = bus)]
enum Either {
    One(Asked),
}

#[inngest_fn(id = "ask", event = Asked, crate = bus)]
async fn ask(_event: Event<Either>) -> Result<()> {
    Ok(())
}

fn main() {}
