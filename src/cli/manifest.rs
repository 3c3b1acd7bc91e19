//! `system-bus manifest`: the registry as JSON. Needs no running worker.

use clap::Args;

use super::context::Context;
use super::failure::Failure;

/// Print all functions and events of this program as JSON.
///
/// Works without a running worker.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus manifest > manifest.json
  system-bus manifest | jq '.functions[] | {id, triggers}'")]
pub(super) struct ShowManifest {}

impl ShowManifest {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        context.print(&context.application.manifest().to_json())
    }
}
