use system_bus_runtime::prelude::*;

#[event()]
struct Asked {}

fn main() {}
