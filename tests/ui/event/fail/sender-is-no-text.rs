use system_bus_runtime::prelude::*;

#[event("ui/asked.requested", sent_by = cli)]
struct Asked {}

fn main() {}
