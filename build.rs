//! Checks the program as a whole and writes its manifest.

use functions as _;

fn main() {
    system_bus_runtime::build::registry();
}
