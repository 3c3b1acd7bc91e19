use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

async fn work() -> Result<u32> {
    Ok(1)
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    let value = step
        .run("all", async {
            let mut total = 0;
            for _ in 0..3 {
                total += work().await?;
            }
            let started = std::time::Instant::now();
            let _ = (started.elapsed(), std::env::var("HOME"));
            Ok::<_, Error>(total)
        })
        .await?;
    let future = async move { Ok::<_, Error>(work().await? + value) };
    step.run("bound-before", future).await?;
    let make = |id: u32| async move { Ok::<_, Error>(work().await? + id) };
    for id in 0..3 {
        step.run(format!("made-{id}"), make(id)).await?;
    }
    let mut sum = 0;
    sum += step.run("outside", work()).await?;
    let _ = sum;
    Ok(())
}

fn main() {}
