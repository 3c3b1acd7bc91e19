use system_bus_runtime::prelude::*;

#[inngest_fn(
    id = "ask",
    cron = "0 * * * *",
    cron = "1 * * * *",
    cron = "2 * * * *",
    cron = "3 * * * *",
    cron = "4 * * * *",
    cron = "5 * * * *",
    cron = "6 * * * *",
    cron = "7 * * * *",
    cron = "8 * * * *",
    cron = "9 * * * *",
    cron = "10 * * * *",
)]
async fn ask() -> Result<()> {
    Ok(())
}

fn main() {}
