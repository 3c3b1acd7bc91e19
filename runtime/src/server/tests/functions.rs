//! The functions that the tests call.

use std::time::Duration;

use tokio::sync::Notify;

use crate::prelude::*;
use crate::registry::Registry;
use crate::{event, inngest_fn};

/// Asks for work.
#[event("test/work.requested")]
pub(crate) struct WorkRequested {
    /// How much of it.
    #[serde(default)]
    pub(crate) count: u32,
}

/// Work is done.
#[event("test/work.done")]
pub(crate) struct WorkDone {
    /// How much of it.
    pub(crate) count: u32,
}

pub(super) fn registry() -> Registry {
    let linked = Registry::linked();
    let mine = linked.functions().iter().copied().filter(|function| function.site.file.ends_with("tests/functions.rs"));
    Registry::of(mine.collect(), linked.events().to_vec())
}

async fn gives<T>(value: T) -> Result<T> {
    Ok(value)
}

#[inngest_fn(id = "plain", event = WorkRequested)]
async fn plain(event: Event<WorkRequested>) -> Result<u32> {
    Ok(event.data.count + 1)
}

#[inngest_fn(id = "chain", event = WorkRequested)]
async fn chain(step: Step) -> Result<u32> {
    let a = step.run("a", gives(1)).await?;
    let b = step.run("b", gives(a + 1)).await?;
    let c = step.run("c", gives(b + 1)).await?;
    Ok(a + b + c)
}

#[inngest_fn(id = "all-kinds", event = WorkRequested)]
async fn all_kinds(step: Step) -> Result<()> {
    let (_, _, _, _) = tokio::join!(
        step.run("run", gives(1)),
        step.sleep("sleep", Duration::from_secs(90)),
        step.wait_for_event::<WorkDone>("wait").timeout(Duration::from_secs(60)),
        step.invoke::<plain>("invoke", WorkRequested { count: 1 }),
    );
    Ok(())
}

#[inngest_fn(id = "parallel", event = WorkRequested)]
async fn parallel(step: Step) -> Result<u32> {
    let (a, b) = tokio::join!(step.run("a", gives(1)), step.run("b", gives(2)));
    Ok(a? + b?)
}

#[inngest_fn(id = "fails", event = WorkRequested)]
async fn fails(event: Event<WorkRequested>) -> Result<()> {
    match event.data.count {
        0 => Err(Error::retryable("not yet")),
        1 => Err(Error::terminal("never")),
        _ => Err(Error::retry_after("later", Duration::from_secs(60))),
    }
}

#[inngest_fn(id = "panics", event = WorkRequested)]
async fn panics() -> Result<()> {
    panic!("on purpose")
}

#[inngest_fn(id = "fails-in-step", event = WorkRequested)]
async fn fails_in_step(event: Event<WorkRequested>, step: Step) -> Result<()> {
    let kind = event.data.count;
    let body = async move {
        match kind {
            0 => Err(Error::retryable("not yet")),
            1 => Err(Error::terminal("never")),
            _ => Err::<(), _>(Error::retry_after("later", Duration::from_secs(60))),
        }
    };
    Ok(step.run("work", body).await?)
}

#[inngest_fn(id = "one-attempt", event = WorkRequested)]
async fn one_attempt(step: Step) -> Result<()> {
    Ok(step.run("work", async { Err::<(), _>(Error::retryable("not yet")) }).retries(0).await?)
}

#[inngest_fn(id = "backs-off", event = WorkRequested)]
async fn backs_off(step: Step) -> Result<()> {
    let body = async { Err::<(), _>(Error::retryable("not yet")) };
    Ok(step.run("work", body).backoff(Duration::from_secs(100), Duration::from_secs(300)).await?)
}

#[inngest_fn(id = "too-slow", event = WorkRequested)]
async fn too_slow(step: Step) -> Result<()> {
    Ok(step.run("work", std::future::pending::<Result<()>>()).timeout(Duration::from_millis(1)).await?)
}

#[inngest_fn(id = "tells", event = WorkRequested)]
async fn tells(step: Step) -> Result<Vec<String>> {
    Ok(step.send_event("tell", WorkDone { count: 1 }).await?)
}

#[inngest_fn(id = "naps", event = WorkRequested)]
async fn naps(step: Step) -> Result<u32> {
    let before = step.run("before", gives(1)).await?;
    step.sleep("nap", Duration::from_secs(5)).await;
    Ok(before)
}

#[inngest_fn(id = "eager", event = WorkRequested, checkpoint(buffered_steps = 100))]
async fn eager(step: Step) -> Result<u32> {
    let a = step.run("a", gives(1)).await?;
    let b = step.run("b", gives(a + 1)).await?;
    Ok(a + b)
}

#[inngest_fn(id = "eager-then-fails", event = WorkRequested, checkpoint(buffered_steps = 100))]
async fn eager_then_fails(step: Step) -> Result<u32> {
    step.run("a", gives(1)).await?;
    Err(Error::retryable("not yet"))
}

/// Lets the second step of `timed` end.
pub(super) static GO_ON: Notify = Notify::const_new();

#[inngest_fn(id = "timed", event = WorkRequested, checkpoint(buffered_steps = 100, max_interval = "1ms"))]
async fn timed(step: Step) -> Result<u32> {
    let a = step.run("a", gives(1)).await?;
    let waits = async move {
        GO_ON.notified().await;
        Ok::<_, Error>(a + 1)
    };
    Ok(step.run("b", waits).await?)
}

#[inngest_fn(id = "short-calls", event = WorkRequested, checkpoint(buffered_steps = 100, max_runtime = "1ms"))]
async fn short_calls(step: Step) -> Result<u32> {
    let slow = async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok::<_, Error>(1)
    };
    let a = step.run("a", slow).await?;
    Ok(step.run("b", gives(a + 1)).await?)
}
