//! Every kind of step, for a real Inngest server: a whole program with the command line of the worker.
//!
//! ```sh
//! INNGEST_DEV=1 PORT=3000 cargo run --example server
//! INNGEST_DEV=1 cargo run --example server -- send server/chain.requested --data '{"steps": 3}'
//! INNGEST_DEV=1 cargo run --example server -- runs
//! ```
//!
//! `WORKER_ROLE=host` and `WORKER_ROLE=cluster` in two processes make two apps, and `server/invokes` calls from one into
//! the other. `INNGEST_CONNECT_MODE=1` connects in place of listening. `docs/protocol.md` lists all variables.

use std::process::ExitCode;

use serde_json::{Value, json};
use system_bus::Application;
use system_bus_runtime::prelude::*;

/// Asks for steps in a row.
#[event("server/chain.requested", sent_by = "cli")]
pub(crate) struct ChainRequested {
    /// How many.
    pub(crate) steps: u32,
    /// How large the result of each is, in bytes.
    #[serde(default)]
    pub(crate) bytes: usize,
    /// How long each takes, in milliseconds.
    #[serde(default)]
    pub(crate) pause: u64,
}

/// Asks for a run that sleeps.
#[event("server/nap.requested", sent_by = "cli")]
pub(crate) struct NapRequested {
    /// How long, in milliseconds.
    pub(crate) length: u64,
    /// Until when it sleeps after that, in milliseconds since 1970.
    pub(crate) until: i64,
}

/// Asks for a run that waits.
#[event("server/wait.requested", sent_by = "cli")]
pub(crate) struct WaitRequested {
    /// What the awaited event or signal names.
    pub(crate) key: String,
    /// How long it waits, in seconds.
    pub(crate) patience: u64,
}

/// Ends a wait.
#[event("server/wait.answered", sent_by = "cli")]
pub(crate) struct WaitAnswered {
    /// The key of the wait.
    pub(crate) key: String,
    /// Anything.
    pub(crate) answer: u32,
}

/// Ends a run that waits.
#[event("server/wait.abandoned", sent_by = "cli")]
pub(crate) struct WaitAbandoned {
    /// The key of the wait.
    pub(crate) key: String,
}

/// Asks for a run that waits for a signal.
#[event("server/signal.awaited", sent_by = "cli")]
pub(crate) struct SignalAwaited {
    /// The name of the signal.
    pub(crate) key: String,
    /// How long it waits, in seconds.
    pub(crate) patience: u64,
}

/// Asks for a signal.
#[event("server/signal.requested", sent_by = "cli")]
pub(crate) struct SignalRequested {
    /// The name of the signal.
    pub(crate) key: String,
}

/// Asks a function of one role to call one of the other.
#[event("server/invocation.requested", sent_by = "cli")]
pub(crate) struct InvocationRequested {
    /// What to double.
    pub(crate) number: u32,
}

/// Asks for a number times two.
#[event("server/double.requested", sent_by = "cli")]
pub(crate) struct DoubleRequested {
    /// What to double.
    pub(crate) number: u32,
}

/// Asks for requests that the server makes.
#[event("server/fetch.requested", sent_by = "cli")]
pub(crate) struct FetchRequested {
    /// Where to.
    pub(crate) url: String,
}

/// Asks for steps beside each other.
#[event("server/parallel.requested", sent_by = "cli")]
pub(crate) struct ParallelRequested {}

/// Asks for a run that fails at first or at last.
#[event("server/trouble.requested", sent_by = "cli")]
pub(crate) struct TroubleRequested {
    /// Whether it never succeeds.
    pub(crate) terminal: bool,
}

/// One of many.
#[event("server/item.counted", sent_by = "cli")]
pub(crate) struct ItemCounted {
    /// How many it counts for.
    pub(crate) number: u32,
}

/// Steps one after another; each returns a text of that size.
#[inngest_fn(id = "server/chain", event = ChainRequested)]
async fn chain(event: Event<ChainRequested>, step: Step) -> Result<usize> {
    let ChainRequested { steps, bytes, pause } = event.data;
    let mut sum = 0;
    for index in 0..steps {
        let work = async move {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            Ok::<_, Error>("x".repeat(bytes))
        };
        sum += step.run(format!("step-{index}"), work).await?.len() + 1;
    }
    Ok(sum)
}

/// The same with checkpoints of its own: up to ten results in one request, half a second in one call.
#[inngest_fn(
    id = "server/chain-buffered",
    event = ChainRequested,
    checkpoint(buffered_steps = 10, max_interval = "100ms", max_runtime = "500ms"),
)]
async fn chain_buffered(event: Event<ChainRequested>, step: Step) -> Result<u32> {
    let ChainRequested { steps, pause, .. } = event.data;
    let mut sum = 0;
    for index in 0..steps {
        let work = async move {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            Ok::<_, Error>(index)
        };
        sum += step.run(format!("step-{index}"), work).await?;
    }
    Ok(sum)
}

/// Sleeps for a while, then until a time.
#[inngest_fn(id = "server/naps", event = NapRequested)]
async fn naps(event: Event<NapRequested>, step: Step) -> Result<u32> {
    let before = step.run("before", async { Ok::<_, Error>(1) }).await?;
    step.sleep("nap", Duration::from_millis(event.data.length)).await;
    step.sleep_until("morning", event.data.until).await;
    let after = step.run("after", async { Ok::<_, Error>(2) }).await?;
    Ok(before + after)
}

/// Waits for the event with its key; cancelled by another.
#[inngest_fn(
    id = "server/waits",
    event = WaitRequested,
    cancel_on(event = WaitAbandoned, if = "event.data.key == async.data.key"),
)]
async fn waits(event: Event<WaitRequested>, step: Step) -> Result<Option<u32>> {
    let answered = step
        .wait_for_event::<WaitAnswered>("answer")
        .matching("event.data.key == async.data.key")
        .timeout(Duration::from_secs(event.data.patience))
        .await?;
    Ok(answered.map(|event| event.data.answer))
}

/// Waits for a signal.
#[inngest_fn(id = "server/awaits-signal", event = SignalAwaited)]
async fn awaits_signal(event: Event<SignalAwaited>, step: Step) -> Result<Option<String>> {
    let patience = Duration::from_secs(event.data.patience);
    Ok(step.wait_for_signal("signal", event.data.key).timeout(patience).await?)
}

/// Sends a signal, and tells whether a run got it.
#[inngest_fn(id = "server/sends-signal", event = SignalRequested)]
async fn sends_signal(event: Event<SignalRequested>, step: Step) -> Result<bool> {
    let delivery = step.send_signal("signal", event.data.key, "hello").await?;
    Ok(delivery.run_id.is_some())
}

/// Calls a function that only workers of another role hold.
#[inngest_fn(id = "server/invokes", event = InvocationRequested, role = host)]
async fn invokes(event: Event<InvocationRequested>, step: Step) -> Result<u32> {
    let number = event.data.number;
    Ok(step.invoke::<doubles>("double", DoubleRequested { number }).timeout(Duration::from_secs(60)).await?)
}

/// Doubles a number.
#[inngest_fn(id = "server/doubles", event = DoubleRequested, role = cluster)]
async fn doubles(event: Event<DoubleRequested>, step: Step) -> Result<u32> {
    let number = event.data.number;
    Ok(step.run("double", async move { Ok::<_, Error>(number * 2) }).await?)
}

/// Has the server make a request, and ask something that speaks like OpenAI's chat completions.
#[inngest_fn(id = "server/fetches", event = FetchRequested)]
async fn fetches(event: Event<FetchRequested>, step: Step) -> Result<(u16, Value)> {
    let url = event.data.url;
    let fetched = step.fetch("fetch", FetchRequest::post(format!("{url}/echo")).json(&json!({ "a": 1 }))).await?;
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hello" }] });
    let request = InferRequest::openai_chat("sk-test", body).url(format!("{url}/v1/chat/completions"));
    let answer = step.ai().infer::<Value>("infer", request).await?;
    Ok((fetched.status, answer["choices"][0]["message"]["content"].clone()))
}

/// Two steps beside each other, then a race between a step and a sleep, then an event.
#[inngest_fn(id = "server/parallel", event = ParallelRequested)]
async fn parallel(step: Step) -> Result<(u32, &'static str, usize)> {
    let (one, two) =
        tokio::join!(step.run("one", async { Ok::<_, Error>(1) }), step.run("two", async { Ok::<_, Error>(2) }),);
    let winner = tokio::select! {
        fast = step.run("fast", async { Ok::<_, Error>(()) }) => fast.map(|()| "fast")?,
        () = step.sleep("slow", Duration::from_secs(3)) => "slow",
    };
    let ids = step.send_event("tell", ItemCounted { number: 1 }).await?;
    Ok((one? + two?, winner, ids.len()))
}

/// Fails in its step and in its body before it succeeds; or for good.
#[inngest_fn(id = "server/troubled", event = TroubleRequested, on_failure = troubled_failed)]
async fn troubled(event: Event<TroubleRequested>, run: RunInfo, step: Step) -> Result<&'static str> {
    let (terminal, first) = (event.data.terminal, run.attempt == 0);
    let caught = step.run("caught", async { Err::<(), _>(Error::terminal("a step's own end")) }).await;
    step.run(
        "work",
        async move { if first { Err(Error::retry_after("not yet", Duration::from_secs(1))) } else { Ok(1) } },
    )
    .await?;
    match (terminal, first) {
        (true, _) => Err(Error::terminal("never")),
        (false, true) => Err(Error::retryable("once more")),
        (false, false) => Ok(if caught.is_err() { "caught" } else { "not caught" }),
    }
}

/// Says what has failed.
#[failure_handler]
async fn troubled_failed(failure: Failure<TroubleRequested>, step: Step) -> Result<String> {
    let text = format!("{} {}", failure.event.data.terminal, failure.error);
    Ok(step.run("report", async move { Ok::<_, Error>(text) }).await?)
}

/// Adds up what comes within two seconds.
#[inngest_fn(id = "server/batched", event = ItemCounted, batch(max_size = 3, timeout = "2s"))]
async fn batched(events: Events<ItemCounted>) -> Result<u32> {
    Ok(events.iter().map(|event| event.data.number).sum())
}

/// Runs each minute.
#[inngest_fn(id = "server/minutely", cron = "* * * * *")]
async fn minutely(_event: Event<Cron>, step: Step) -> Result<u32> {
    Ok(step.run("tick", async { Ok::<_, Error>(1) }).await?)
}

fn main() -> ExitCode {
    system_bus::main(Application::linked().named("server"), std::env::args_os())
}
