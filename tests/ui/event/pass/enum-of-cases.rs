use system_bus_runtime::prelude::*;

#[event("ui/answer.received")]
#[serde(tag = "kind")]
enum Answer {
    Yes { why: String },
    No,
}

fn main() {}
