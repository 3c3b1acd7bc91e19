//! `system-bus schema`: the events' schemas for other programs. Needs no running worker.

use clap::{Args, ValueEnum};
use serde_json::json;
use system_bus_runtime::registry::export::asyncapi::asyncapi;
use system_bus_runtime::registry::export::json_schema::json_schema;
use system_bus_runtime::registry::export::typescript::typescript;

use super::context::Context;
use super::failure::Failure;

/// Print the schemas of all events.
///
/// Works without a running worker.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus schema > events.schema.json
  system-bus schema --format typescript > events.ts
  system-bus schema --format asyncapi > asyncapi.json")]
pub(super) struct Schema {
    /// The format to write.
    #[arg(long, value_enum, default_value_t = Format::JsonSchema)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON Schema document with a definition for each event.
    JsonSchema,
    /// An AsyncAPI 3 document.
    #[value(name = "asyncapi")]
    AsyncApi,
    /// TypeScript types.
    #[value(name = "typescript")]
    TypeScript,
}

impl Schema {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let manifest = context.application.manifest();
        match self.format {
            Format::JsonSchema => context.print_json(&json_schema(&manifest)),
            Format::AsyncApi => context.print_json(&asyncapi(&manifest)),
            Format::TypeScript if context.json => context.print_json(&json!({ "typescript": typescript(&manifest) })),
            Format::TypeScript => context.print(&typescript(&manifest)),
        }
    }
}
