use system_bus_runtime::prelude::*;

struct Plain;

#[inngest_fn(id = "ask", event = Plain)]
async fn ask() -> Result<()> {
    Ok(())
}

fn main() {}
