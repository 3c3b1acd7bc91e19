use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[event("ui/asked.repeated")]
struct Repeated {}

#[derive(Debug, EventUnion)]
enum Either {
    Asked(Asked),
    Repeated(Repeated),
    Time(Cron),
}

#[inngest_fn(id = "union", event = Asked, event = Repeated, cron = "TZ=Europe/Berlin 0 9 * * MON-FRI")]
async fn union(event: Event<Either>) -> Result<u32> {
    match event.data {
        Either::Asked(asked) => Ok(asked.id),
        Either::Repeated(_) | Either::Time(_) => Ok(0),
    }
}

#[inngest_fn(id = "any-event", event = Asked, event = Repeated, cron = "*/15 * * * *")]
async fn any_event(event: Event<AnyEvent>) -> Result<String> {
    Ok(event.data.name)
}

#[inngest_fn(id = "no-event", event = Asked, cron = "0 9 * * 1")]
async fn no_event(step: Step) -> Result<()> {
    step.sleep("rest", Duration::from_secs(1)).await;
    Ok(())
}

#[inngest_fn(id = "timer", cron = "0 9 * * 1")]
async fn timer(event: Event<Cron>) -> Result<String> {
    Ok(event.data.cron)
}

fn main() {}
