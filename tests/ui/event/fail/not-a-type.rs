use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
fn asked() {}

fn main() {}
