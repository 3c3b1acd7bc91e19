use system_bus_runtime::function::StepKind;
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

#[event("ui/page.requested")]
struct Page {
    url: String,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

#[inngest_fn(id = "ask", event = Page)]
async fn ask(event: Event<Page>, step: Step) -> Result<Option<String>> {
    let page = step.fetch("page", FetchRequest::get(event.data.url)).await?;
    let body = serde_json::json!({ "prompt": page.body });
    let answer: Answer = step.ai().infer("ask", InferRequest::openai_chat("key", body)).await?;
    let sent = step.send_signal("tell", "asked", &answer.text).await?;
    for number in 0..u8::from(sent.run_id.is_some()) {
        let signal = format!("more-{number}");
        let wait = step.wait_for_signal::<String>(format!("wait-{number}"), signal);
        if let Some(more) = wait.timeout(Duration::from_secs(60)).on_conflict(OnConflict::Replace).await? {
            return Ok(Some(more));
        }
    }
    Ok(None)
}

fn main() {
    let registry = Registry::linked();
    let steps = registry.function("ask").expect("it is linked").config.steps;
    let found: Vec<_> = steps.iter().map(|step| (step.name, step.kind, step.repeated)).collect();
    assert_eq!(
        found,
        [
            ("page", StepKind::Fetch, false),
            ("ask", StepKind::Infer, false),
            ("tell", StepKind::SendSignal, false),
            ("wait-{number}", StepKind::WaitForSignal, true),
        ]
    );
}
