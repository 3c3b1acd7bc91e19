use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked<T> {
    value: T,
}

fn main() {}
