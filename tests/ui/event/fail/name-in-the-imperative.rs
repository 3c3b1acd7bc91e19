use system_bus_runtime::prelude::*;

#[event("ui/ask")]
struct Ask {}

#[event("pipeline/video.download")]
struct Download {}

fn main() {}
