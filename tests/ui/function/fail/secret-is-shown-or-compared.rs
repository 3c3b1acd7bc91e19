use system_bus_runtime::prelude::*;

fn shown(secret: &Secret) -> String {
    format!("{secret} {secret:?}")
}

fn equal(a: &Secret, b: &Secret) -> bool {
    a == b
}

fn main() {}
