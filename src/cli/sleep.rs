//! `system-bus sleep` and `system-bus wake`: quiet for the operator, and its end.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::send::Send;

/// Hold messages to the operator back, but urgent ones, until `wake`: sends `system/sleep.requested`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus sleep
  system-bus sleep --for 8h --reason night")]
pub(super) struct Sleep {
    /// For how long, such as 30m or 1h30m; until `wake` when not given.
    #[arg(long = "for", value_name = "DURATION")]
    duration: Option<String>,
    /// Why; the digest repeats it.
    #[arg(long)]
    reason: Option<String>,
}

/// Deliver messages again, and tell what has waited: sends `system/wake.requested`.
#[derive(Args)]
pub(super) struct Wake {}

impl Sleep {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        Send::of("system/sleep.requested", &json!({ "duration": self.duration, "reason": self.reason })).run(context)
    }
}

impl Wake {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        Send::of("system/wake.requested", &json!({})).run(context)
    }
}
