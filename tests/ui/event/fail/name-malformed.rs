use system_bus_runtime::prelude::*;

#[event("asked")]
struct NoFamily {}

#[event("UI/Asked.requested")]
struct UpperCase {}

#[event("ui/asked..requested")]
struct EmptyWord {}

fn main() {}
