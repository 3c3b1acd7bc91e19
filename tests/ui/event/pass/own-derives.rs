use system_bus_runtime::prelude::*;

#[event("ui/asked.requested")]
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Asked {
    #[serde(rename = "number")]
    id: u32,
}

fn main() {}
