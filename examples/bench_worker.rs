//! The worker that benchmarks drive: `cargo run --release --example bench_worker`, then `POST /e/bench`.
//!
//! `bench/hello.requested` starts a run that returns at once; `bench/chain.requested` with `{"steps": N}` one of N steps
//! in a row; 150 functions idle beside them. `GET /done` tells how many runs have ended and how large the process is.

use std::path::PathBuf;

use axum::routing::get;
use axum::{Json, Router};
use system_bus_engine::{Config, Engine, api};
use system_bus_runtime::function::{
    Context, FunctionConfig, FunctionFuture, FunctionRegistration, FunctionResult, Services, Trigger,
};
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::{Registry, Site};
use tokio::net::TcpListener;

/// Asks for a run that does nothing.
#[event("bench/hello.requested")]
pub(crate) struct HelloRequested {}

/// Asks for a run of many steps.
#[event("bench/chain.requested")]
pub(crate) struct ChainRequested {
    /// How many steps.
    pub(crate) steps: u64,
}

/// Starts nothing.
#[event("bench/idle.noted")]
pub(crate) struct IdleNoted {}

/// Returns at once.
#[inngest_fn(id = "bench-hello", event = HelloRequested)]
async fn bench_hello() -> Result<&'static str> {
    Ok("hello")
}

/// Runs steps one after another; each returns its index, the run returns their sum.
#[inngest_fn(id = "bench-chain", event = ChainRequested)]
async fn bench_chain(event: Event<ChainRequested>, step: Step) -> Result<u64> {
    let mut sum = 0;
    for index in 0..event.data.steps {
        sum += step.run(format!("s{index}"), async move { Ok::<_, Error>(index) }).await?;
    }
    Ok(sum)
}

/// A function for an event that nobody sends.
fn idle(index: usize) -> &'static FunctionRegistration {
    fn call(_: &Context) -> Result<FunctionFuture> {
        Ok(Box::pin(async { FunctionResult::encode(Ok::<_, Error>(())) }))
    }
    let id = format!("idle-{index}").leak();
    let name = format!("bench/idle-{index}.requested").leak();
    let trigger = Box::leak(Box::new([Trigger::Event { name, expression: None }]));
    let mut config = FunctionConfig::new(id);
    config.triggers = trigger;
    let site = Site { file: file!(), line: line!(), manifest_dir: env!("CARGO_MANIFEST_DIR") };
    Box::leak(Box::new(FunctionRegistration { config, call, site }))
}

/// Bytes of memory that the process has in use, where the system tells.
fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let resident = pages.as_deref().and_then(|text| text.split(' ').nth(1)).and_then(|pages| pages.parse::<u64>().ok());
    resident.unwrap_or(0) * PAGE_BYTES
}

/// Serves the functions on `listener`, with the engine's state in `directory`.
pub(crate) async fn serve(listener: TcpListener, directory: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let linked = Registry::linked();
    let functions = linked.functions().iter().copied().chain((0..150).map(idle)).collect();
    let registry = Registry::of(functions, linked.events().to_vec());
    let engine = Engine::open(&Config { directory }, &registry, Services::default())?;
    let counted = engine.clone();
    let done = move || async move {
        Json(serde_json::json!({ "done": counted.stats().runs_ended(), "rss": resident_bytes() }))
    };
    let app = Router::new().route("/done", get(done)).merge(api::router(engine, api::Keys::default()));
    axum::serve(listener, app).await?;
    Ok(())
}

#[allow(dead_code, reason = "the benchmarks include this file as a module")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let address = format!("{}:{}", variable("HOST", "127.0.0.1"), variable("PORT", "3111"));
    let listener = TcpListener::bind(&address).await?;
    println!("bench worker on http://{}", listener.local_addr()?);
    serve(listener, PathBuf::from(variable("SYSTEM_BUS_DATA", ".system-bus-bench"))).await
}
