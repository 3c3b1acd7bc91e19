use system_bus_runtime::prelude::*;

#[event("ui/pages.requested")]
struct Pages {
    urls: Vec<String>,
}

#[inngest_fn(id = "ask", event = Pages)]
async fn ask(event: Event<Pages>, step: Step) -> Result<()> {
    for url in event.data.urls {
        let page = step.fetch("page", FetchRequest::get(url)).await?;
        let request = InferRequest::openai_chat("key", page.body);
        step.ai().infer::<String>("ask", request).await?;
    }
    Ok(())
}

fn main() {}
