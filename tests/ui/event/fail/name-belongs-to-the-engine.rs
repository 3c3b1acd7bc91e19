use system_bus_runtime::prelude::*;

#[event("inngest/asked.requested")]
struct Asked {}

fn main() {}
