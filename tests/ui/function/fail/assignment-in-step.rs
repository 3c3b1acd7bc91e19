use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step) -> Result<()> {
    let mut total = 0;
    let mut all = [0; 3];
    step.run("count", async {
        total += 1;
        all[0] = total;
        Ok::<_, Error>(())
    })
    .await?;
    let _ = (total, all);
    Ok(())
}

fn main() {}
