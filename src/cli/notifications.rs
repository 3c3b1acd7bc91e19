//! `system-bus notifications`: what functions told the operator.

use clap::Args;
use system_bus_engine::limits;
use system_bus_runtime::service::Notification;

use super::context::Context;
use super::failure::Failure;
use super::show::{Style, cut, time};

/// List messages to the operator, newest first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus notifications
  system-bus notifications --count 1 --json | jq '.[0].payload'")]
pub(super) struct Notifications {
    /// How many at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::LIST_ROWS_MAX)))]
    count: u32,
}

impl Notifications {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let query = [("limit", self.count.to_string())];
        let answer = context.wait(async { Ok(client.data(&["notifications"], &query).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        let notifications: Vec<Notification> = super::decode(&answer)?;
        if notifications.is_empty() {
            return context.print("no notifications yet");
        }
        let style = context.style();
        let before =
            |notification: &Notification| notification.kind.chars().count() + notification.source.chars().count();
        let taken = notifications.iter().map(before).max().unwrap_or(0) + 28;
        let room = style.width().saturating_sub(taken).max(20);
        let mut rows = style.table(&["TIME", "TYPE", "SOURCE", "PAYLOAD"]);
        for notification in &notifications {
            rows.push(vec![
                Style::whole(&time(notification.ts)),
                Style::whole(&notification.kind),
                Style::whole(&notification.source),
                Style::whole(&cut(&notification.payload.to_string(), room)),
            ]);
        }
        rows.keep(0);
        context.print(&rows.text())
    }
}
