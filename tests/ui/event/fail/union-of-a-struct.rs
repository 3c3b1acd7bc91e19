use system_bus_runtime::prelude::*;

#[derive(EventUnion)]
struct Either {}

fn main() {}
