use system_bus_runtime::prelude::*;

#[inngest_fn(id = "ask")]
async fn ask() -> Result<()> {
    Ok(())
}

fn main() {}
