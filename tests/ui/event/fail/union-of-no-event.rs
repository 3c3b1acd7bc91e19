use system_bus_runtime::prelude::*;

struct Plain;

#[derive(EventUnion)]
enum Either {
    One(Plain),
}

fn main() {}
