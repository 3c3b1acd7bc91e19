use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
struct Asked {}

#[derive(EventUnion)]
enum Either {
    One(Asked),
    Other(Asked),
}

fn main() {}
