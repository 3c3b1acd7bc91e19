use system_bus_runtime::prelude::*;

#[event(sent_by = "cli")]
struct Asked {}

fn main() {}
