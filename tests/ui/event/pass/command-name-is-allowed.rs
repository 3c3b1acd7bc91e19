use system_bus_runtime::prelude::*;

#[event("pipeline/video.download", allow_command_name)]
struct Download {}

fn main() {}
