use system_bus_runtime::prelude::*;

#[derive(EventUnion)]
enum Either {
    None,
    Two(u32, u32),
}

fn main() {}
