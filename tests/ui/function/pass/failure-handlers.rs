use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
pub struct Asked {
    id: u32,
}

#[event("ui/asked.repeated")]
pub struct Repeated {}

#[derive(Debug, EventUnion)]
pub enum Either {
    Asked(Asked),
    Repeated(Repeated),
}

mod handlers {
    use super::*;

    /// Of one event, for several functions.
    #[failure_handler]
    pub async fn of_one(failure: Failure<Asked>, step: Step, gateway: Gateway) -> Result<String> {
        step.run("tell", gateway.notify("ask.failed", failure.event.data.id)).await?;
        Ok(format!("{} {} {}", failure.function, failure.run, failure.error.name))
    }

    #[failure_handler(retries = 5)]
    pub async fn of_several(failure: Failure<Either>) -> Result<bool> {
        Ok(matches!(failure.event.data, Either::Asked(_)))
    }

    #[failure_handler]
    pub async fn of_any(failure: Failure<AnyEvent>) -> Result<String> {
        Ok(failure.event.data.name)
    }
}

#[failure_handler(allow(unjournaled), crate = ::system_bus_runtime)]
async fn of_nothing() -> Result<()> {
    std::future::ready(()).await;
    Ok(())
}

#[failure_handler]
async fn of_batch(failure: Failure<Asked>) -> Result<usize> {
    Ok(failure.events.len())
}

#[inngest_fn(id = "one", event = Asked, on_failure = handlers::of_one)]
async fn one(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "two", event = Asked, on_failure = crate::handlers::of_one)]
async fn two(_event: Event<Asked>) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "several", event = Asked, event = Repeated, on_failure = handlers::of_several)]
async fn several(_event: Event<Either>) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "any", event = Asked, cron = "0 9 * * 1", on_failure = handlers::of_any)]
async fn any() -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "nothing", event = Asked, cron = "0 9 * * 1", on_failure = of_nothing)]
async fn nothing() -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "batch", event = Asked, batch(max_size = 10, timeout = "5s"), on_failure = of_batch)]
async fn batch(_events: Events<Asked>) -> Result<()> {
    Ok(())
}

#[inngest_fn(id = "every-failure", event = FunctionFailed)]
async fn every_failure(event: Event<FunctionFailed>) -> Result<String> {
    Ok(event.data.error.message)
}

fn main() {
    let failure = Failure::of(Asked { id: 1 }, Error::terminal("no"));
    drop(of_batch(failure));
}
