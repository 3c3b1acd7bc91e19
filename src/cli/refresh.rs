//! `system-bus refresh`: registers a worker's functions again.

use clap::Args;
use serde::Deserialize;
use system_bus_runtime::server::PATH;

use super::context::Context;
use super::failure::Failure;
use super::show::plain;

/// Make a running worker register its functions at its server again.
///
/// For a server that has forgotten them. --url is the worker's address here, whatever the environment names.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus refresh
  system-bus refresh --url http://127.0.0.1:3111")]
pub(super) struct Refresh {}

#[derive(Deserialize)]
struct Refreshed {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    modified: bool,
}

impl Refresh {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let path = context.server()?.and_then(|settings| settings.serve_path);
        let path = path.as_deref().unwrap_or(PATH);
        let answer = context.wait(async { Ok(client.refresh(path).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        let refreshed: Refreshed = super::decode(&answer)?;
        let change = if refreshed.modified { "the server has taken changes" } else { "the server had the same" };
        let message = refreshed.message.map(|message| format!(": {}", plain(&message))).unwrap_or_default();
        context.print(&format!("registered, {change}{message}"))
    }
}
