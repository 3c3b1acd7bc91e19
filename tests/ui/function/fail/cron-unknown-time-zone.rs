use system_bus_runtime::prelude::*;

#[inngest_fn(id = "ask", cron = "TZ=Europe/Berln 0 9 * * 1", cron = "TZ=europe/berlin 0 9 * * 1")]
async fn ask() -> Result<()> {
    Ok(())
}

fn main() {}
