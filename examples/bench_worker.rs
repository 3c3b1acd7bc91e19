//! The worker that benchmarks drive: `cargo run --release --example bench_worker`, then `POST /e/bench`.
//!
//! `bench/hello.requested` starts a run that returns at once; `bench/chain.requested` with `{"steps": N}` one of N steps
//! in a row; 150 functions idle beside them. `GET /done` tells how many runs have ended and how large the process is.
//! With `INNGEST_DEV=1` and the like it works for that server in place of the embedded engine.

use std::path::PathBuf;
use std::sync::Arc;

use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use system_bus_engine::{Config, Engine, api};
use system_bus_runtime::function::{
    Context, FunctionConfig, FunctionFuture, FunctionRegistration, FunctionResult, Services, Trigger,
};
use system_bus_runtime::middleware::MiddlewareStack;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::{Registry, Site};
use system_bus_runtime::server::{AppIds, ServerSettings, Serving};
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
    let variable = |name: &str| std::env::var(name).ok();
    let (routes, counter): (Router, Box<dyn Fn() -> u64 + Send + Sync>) = match ServerSettings::read(variable, "bench")?
    {
        None => {
            let engine = Engine::open(&Config { directory }, &registry, Services::default())?;
            (api::router(engine.clone(), api::Keys::default()), Box::new(move || engine.stats().runs_ended()))
        }
        Some(settings) => {
            let app_ids = AppIds::new("bench", &settings.app_id, None, &registry);
            let serving = Serving::new(
                settings,
                app_ids,
                registry,
                Services::default(),
                MiddlewareStack::default(),
                listener.local_addr()?,
            );
            let counted = serving.worker().clone();
            let routes = serving.router();
            tokio::spawn(serving.run());
            (routes, Box::new(move || counted.runs_ended()))
        }
    };
    let counter = Arc::new(counter);
    let done = move || {
        let counter = counter.clone();
        async move { Json(serde_json::json!({ "done": counter(), "rss": resident_bytes() })) }
    };
    let app = routes.route("/done", get(done));
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
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
