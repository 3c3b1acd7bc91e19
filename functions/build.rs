//! Declares every file below `src` as a module.

fn main() {
    system_bus_runtime::build::modules("src");
}
