use system_bus_runtime::prelude::*;

#[inngest_fn(id = "ask", cron = "61 * * * *", cron = "0 0 9 * * 1", cron = "@daily")]
async fn ask() -> Result<()> {
    Ok(())
}

fn main() {}
