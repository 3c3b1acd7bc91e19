//! `system-bus cancel`: ends a run.

use clap::Args;

use super::context::Context;
use super::failure::Failure;

/// Cancel a run: the step that executes is dropped, nothing of it goes on.
#[derive(Args)]
#[command(after_help = "\
Example:
  system-bus cancel 01J9ZK4V6G8Q0R2T4W6Y8A0C2E")]
pub(super) struct Cancel {
    /// The run's id, as `runs` and `why` show it.
    id: String,
}

impl Cancel {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let backend = context.backend()?;
        let answer = context.wait(async { Ok(backend.cancel(&self.id).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        context.print(&format!("cancelled the run {}", self.id))
    }
}
