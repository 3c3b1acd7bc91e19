//! Log lines go to stderr; stdout belongs to a command's answer. Event data and secrets are never logged.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Environment;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "warn,system_bus=info,system_bus_engine=info,system_bus_runtime=info,functions=info";

/// Starts logging; a second call changes nothing.
pub(crate) fn start(environment: &Environment) {
    let wanted = environment.text("RUST_LOG");
    let filter = wanted.as_deref().unwrap_or(DEFAULT_FILTER).parse::<EnvFilter>();
    let is_wrong = filter.is_err();
    let outcome = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER)))
        .with_ansi(std::io::stderr().is_terminal() && environment.text("NO_COLOR").is_none())
        .with_writer(std::io::stderr)
        .try_init();
    if outcome.is_ok() && is_wrong {
        tracing::warn!("`RUST_LOG` does not parse and is ignored: write for instance `info` or `system_bus=debug`");
    }
}
