//! Steps side by side, as many as there are items: `cargo run --example parallel`.

mod support;

use std::path::PathBuf;

use futures::future::try_join_all;
use support::{has_ended, run_when, show};
use system_bus_engine::{Config, Engine, RunDetail};
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

/// Texts were handed in.
#[event("parallel/texts.submitted")]
struct TextsSubmitted {
    /// The texts.
    texts: Vec<String>,
}

/// Measures all texts at once; yields the longest length and the sum.
#[inngest_fn(id = "parallel/measure", event = TextsSubmitted)]
async fn measure(event: Event<TextsSubmitted>, step: Step) -> Result<(usize, usize)> {
    let texts = event.data.texts.iter().enumerate();
    // The position is in the name, because each step needs one of its own.
    let lengths = try_join_all(texts.map(|(index, text)| step.run(format!("measure-{index}"), length(text)))).await?;
    let (longest, sum) = tokio::try_join!(
        step.run("longest", async { Ok::<_, Error>(lengths.iter().max().copied().unwrap_or(0)) }),
        step.run("sum", async { Ok::<_, Error>(lengths.iter().sum::<usize>()) }),
    )?;
    Ok((longest, sum))
}

async fn length(text: &str) -> Result<usize> {
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(text.len())
}

/// Sends the event and returns the run that it starts.
pub(crate) async fn demo(directory: PathBuf) -> Result<RunDetail> {
    let engine = Engine::open(&Config { directory }, &Registry::linked(), Services::default())?;
    let texts = ["one", "three", "eleven"].map(str::to_owned).to_vec();
    let accepted = engine.send(vec![NewEvent::new(&TextsSubmitted { texts })?]).await?;
    let run = run_when(&engine, accepted[0], has_ended).await?;
    engine.stop(Duration::from_secs(1)).await;
    Ok(run)
}

#[tokio::main]
async fn main() -> Result<()> {
    show(&demo(std::env::temp_dir().join("system-bus-parallel")).await?);
    Ok(())
}
