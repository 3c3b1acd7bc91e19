use system_bus_runtime::prelude::*;

use system_bus_runtime::registry::Registry;

#[event("ui/asked.requested")]
struct Asked {
    id: u32,
}

#[event("ui/asked.answered")]
struct Answered {
    id: u32,
}

#[inngest_fn(id = "other", event = Asked)]
async fn other(event: Event<Asked>) -> Result<u32> {
    Ok(event.data.id)
}

struct NoEvent;

impl NoEvent {
    fn answer(self) -> Answered {
        Answered { id: 1 }
    }
}

/// Asks.
#[inngest_fn(id = "ask", event = Asked, throttle(limit = 2, period = "1m"))]
async fn ask(event: Event<Asked>, step: Step) -> Result<u32> {
    step.wait_for_event::<Answered>("wait").matching("async.data.id == event.data.id").await?;
    step.send_event("send", Answered { id: 1 }).await?;
    step.send_event("send-other", NoEvent { }.answer()).await?;
    Ok(step.invoke::<other>("invoke", event.data).await?)
}

fn main() {
    let registry = Registry::linked();
    let ask = registry.function("ask").expect("it is linked");
    assert_eq!(ask.config.doc, "Asks.");
    assert_eq!(ask.site.line, 29);
    assert!(ask.site.file.ends_with("step-sites.rs"), "{}", ask.site.file);
    let steps = ask.config.steps;
    let names: Vec<_> = steps.iter().map(|step| (step.name, step.line)).collect();
    assert_eq!(names, [("wait", 31), ("send", 32), ("send-other", 33), ("invoke", 34)]);
    let events: Vec<_> = steps.iter().map(|step| step.events.iter().map(|event| event()).collect::<Vec<_>>()).collect();
    let answered = Some("ui/asked.answered");
    assert_eq!(events, [vec![answered], vec![answered], vec![None], vec![]]);
    assert_eq!(steps[0].expression, Some("async.data.id == event.data.id"));
    assert_eq!(steps[3].invokes.map(|id| id()), Some("other"));
    assert!(registry.event("ui/asked.answered").is_some());
}
