//! The `system-bus` binary: the application's functions, linked to the command line.

use std::process::ExitCode;

// A crate that the binary never names is not linked, and its functions would not be there.
use events::pane_schedule::PaneScheduleReconcileRequested;
use functions as _;
use system_bus::Application;

fn main() -> ExitCode {
    let application = Application::with_manifest(include_str!(concat!(env!("OUT_DIR"), "/manifest.json")))
        .at_start(&PaneScheduleReconcileRequested { reason: Some("startup".to_owned()) });
    system_bus::main(application, std::env::args_os())
}
