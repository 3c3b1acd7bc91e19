use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[event("ui/asked.cancelled")]
struct Cancelled {
    id: u32,
}

/// Answers what was asked.
#[inngest_fn(
    id = "ui/answer.all-words",
    event(Asked, if = "event.data.id > 0"),
    role = host,
    name = "Answer",
    retries = 2,
    concurrency = 3,
    concurrency(limit = 1, key = "event.data.id", scope = account),
    throttle(limit = 1, period = "90s", burst = 2, key = "event.data.id"),
    debounce(period = "45s", key = "event.data.id", timeout = "3m"),
    priority(run = "60"),
    singleton(key = "event.data.id", mode = cancel),
    idempotency = "event.data.id",
    cancel_on(event = Cancelled, if = "event.data.id == async.data.id", timeout = "1h"),
    timeouts(start = "10m", finish = "1h30m"),
    on_failure = tell,
    checkpoint(buffered_steps = 10, max_interval = "500ms", max_runtime = "1m"),
    crate = system_bus_runtime,
)]
async fn answer(event: Event<Asked>, run: RunInfo) -> Result<u32, Error> {
    Ok(event.data.id + run.attempt)
}

#[failure_handler]
async fn tell(failure: Failure<Asked>) -> Result<u32> {
    Ok(failure.event.data.id)
}

#[inngest_fn(id = "short-forms", event = Asked, concurrency(limit = 2), priority = "60", singleton, checkpoint)]
async fn short_forms() -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "checkpoint-safe", event = Asked, checkpoint = safe)]
async fn checkpoint_safe() -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "checkpoint-blended", event = Asked, checkpoint = blended)]
async fn checkpoint_blended() -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "checkpoint-performant", event = Asked, checkpoint = performant)]
async fn checkpoint_performant() -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "checkpoint-off", event = Asked, checkpoint = off)]
async fn checkpoint_off() -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "rate-limited", event = Asked, rate_limit(limit = 6, period = "1h"))]
async fn rate_limited(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

fn main() {}
