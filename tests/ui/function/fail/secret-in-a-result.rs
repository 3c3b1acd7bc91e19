use system_bus_runtime::prelude::*;

#[derive(Serialize, Deserialize)]
struct Login {
    user: String,
    password: Secret,
}

fn main() {}
