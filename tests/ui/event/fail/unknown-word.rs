use system_bus_runtime::prelude::*;

#[event("ui/asked.requested", allow_command, sender = "cli")]
struct Asked {}

fn main() {}
