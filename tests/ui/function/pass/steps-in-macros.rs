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
    let (one, two) = tokio::try_join!(step.run("one", work()), step.run("two", work()))?;
    let (left, right) = futures::join!(step.run("left", work()), step.run("right", work()));
    assert_eq!(one + left?, two + right?, "{}", step.run("three", work()).await?);
    tokio::select! {
        biased;
        value = step.run("fast", work()) => println!("{}", value?),
        _ = step.sleep("slow", Duration::from_secs(1)), if one > 0 => {
            step.run("late", work()).await?;
        }
    }
    let all = vec![step.run("a", work()), step.run("b", work())];
    for future in all {
        future.await?;
    }
    Ok(())
}

fn main() {}
