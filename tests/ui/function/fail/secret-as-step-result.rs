use system_bus_runtime::prelude::*;

const TOKEN: SecretSource = SecretSource { variables: &["TOKEN"], lease: None };

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[inngest_fn(id = "ask", event = Asked)]
async fn ask(_event: Event<Asked>, step: Step, secrets: Secrets) -> Result<()> {
    let token = step.run("token", secrets.get(&TOKEN)).await?;
    step.run("use", async move { Ok::<_, Error>(token.expose().len()) }).await?;
    Ok(())
}

fn main() {}
