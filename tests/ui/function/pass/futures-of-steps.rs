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
    let ids = [1_u32, 2, 3];
    let runs = ids.iter().map(|id| step.run(format!("run-{id}"), work()));
    futures::future::try_join_all(runs).await?;
    let mut open = futures::stream::FuturesUnordered::new();
    for id in ids {
        open.push(step.run(format!("open-{id}"), work()));
    }
    while let Some(value) = futures::StreamExt::next(&mut open).await {
        value?;
    }
    let one = step.run("one", work());
    let two = Box::pin(step.run("two", work()));
    futures::future::join(one, two).await.0?;
    let block = async {
        step.run("in-block", work()).await?;
        step.sleep("rest", Duration::from_secs(1)).await;
        Ok::<_, Error>(())
    };
    block.await?;
    let later = if ids.len() > 2 { step.run("many", work()) } else { step.run("few", work()) };
    later.retries(2).await?;
    Ok(())
}

fn main() {}
