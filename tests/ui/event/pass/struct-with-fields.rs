use system_bus_runtime::prelude::*;

/// It was asked.
#[event("ui/asked.requested", sent_by("webhook:github", "cli"), sent_by = "gateway")]
#[derive(Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Which one.
    pub question_id: u32,
    #[serde(default)]
    pub note: Option<String>,
}

fn main() {
    let registry = system_bus_runtime::registry::Registry::linked();
    let event = registry.event("ui/asked.requested").expect("it is linked");
    assert_eq!(event.doc, "It was asked.");
    assert_eq!(event.sent_by, ["webhook:github", "cli", "gateway"]);
    assert_eq!(event.site.line, 4);
    let schema = (event.schema)();
    assert_eq!(schema.pointer("/properties/questionId/description").and_then(|it| it.as_str()), Some("Which one."));
    assert_eq!(Event::of(Asked::default()).data, Asked::default());
}
