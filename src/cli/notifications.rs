//! `system-bus notifications`: what functions told the operator, so far or as it comes.

use std::time::Duration;

use clap::Args;
use system_bus_engine::{KeptNotification, limits};
use system_bus_runtime::service::Delivery;

use super::context::Context;
use super::failure::Failure;
use super::show::{Style, cut, plain, time};
use crate::client::{Client, ClientError};

/// Messages that a follower takes at once.
const FOLLOWED_AT_ONCE: u32 = 100;

/// How long a follower leaves a worker alone that does not answer.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// List messages to the operator, newest first, or follow them.
///
/// A message is delivered, or queued while the system sleeps: the digest at its end tells of it. With --follow, new ones
/// are shown as they come, each once, until Ctrl-C; the worker may be restarted meanwhile.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus notifications
  system-bus notifications --count 1 --json | jq '.[0].payload'
  system-bus notifications --follow
  system-bus notifications --follow --json | jq --unbuffered -r .type

With --follow, --json prints one JSON document a line.")]
pub(super) struct Notifications {
    /// How many at most [default: 20, with --follow none before the new ones].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::LIST_ROWS_MAX)))]
    count: Option<u32>,
    /// Show new ones as they come.
    #[arg(long, short)]
    follow: bool,
}

impl Notifications {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        if self.follow {
            return context.wait(async {
                tokio::select! {
                    outcome = self.follow(context, &client) => outcome,
                    interrupted = tokio::signal::ctrl_c() => {
                        interrupted.map_err(|error| Failure::failed(format!("cannot listen to Ctrl-C: {error}")))
                    }
                }
            });
        }
        let query = [("limit", self.count.unwrap_or(20).to_string())];
        let answer = context.wait(async { Ok(client.data(&["notifications"], &query).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        let notifications: Vec<KeptNotification> = super::decode(&answer)?;
        if notifications.is_empty() {
            return context.print("no notifications yet");
        }
        let style = context.style();
        let before =
            |kept: &KeptNotification| kept.notification.kind.chars().count() + kept.notification.source.chars().count();
        let taken = notifications.iter().map(before).max().unwrap_or(0) + 39;
        let room = style.width().saturating_sub(taken).max(20);
        let mut rows = style.table(&["TIME", "TYPE", "SOURCE", "DELIVERY", "PAYLOAD"]);
        for kept in &notifications {
            rows.push(columns(kept, room).iter().map(|text| Style::whole(text)).collect());
        }
        rows.keep(0);
        context.print(&rows.text())
    }

    /// Shows what comes behind the newest message, for ever.
    async fn follow(&self, context: &Context, client: &Client) -> Result<(), Failure> {
        let query = [("limit", self.count.unwrap_or(1).to_string())];
        let mut newest: Vec<KeptNotification> = super::decode(&client.data(&["notifications"], &query).await?)?;
        newest.reverse();
        let mut cursor = newest.last().map_or(0, |kept| kept.cursor);
        if self.count.is_some() {
            newest.iter().try_for_each(|kept| show(context, kept))?;
        }
        let mut is_away = false;
        loop {
            let query = [
                ("after", cursor.to_string()),
                ("limit", FOLLOWED_AT_ONCE.to_string()),
                ("wait", limits::FOLLOW_TIME_MAX.as_secs().to_string()),
            ];
            let answer = match client.data(&["notifications"], &query).await {
                Ok(answer) => answer,
                Err(error @ (ClientError::Unreachable { .. } | ClientError::Busy(_))) => {
                    if !is_away {
                        tracing::warn!("{error}; trying again");
                    }
                    is_away = true;
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            is_away = false;
            for kept in super::decode::<Vec<KeptNotification>>(&answer)? {
                let missed = kept.cursor - cursor - 1;
                if missed > 0 {
                    tracing::warn!(missed, "the worker no longer had some messages, they are not shown");
                }
                show(context, &kept)?;
                cursor = kept.cursor;
            }
        }
    }
}

/// One message as a line.
fn show(context: &Context, kept: &KeptNotification) -> Result<(), Failure> {
    if context.json {
        let line = serde_json::to_string(kept);
        return context.print(&line.map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))?);
    }
    let columns = columns(kept, usize::MAX);
    context.print(&columns.map(|text| plain(&text)).join("  "))
}

fn columns(kept: &KeptNotification, room: usize) -> [String; 5] {
    let KeptNotification { notification, delivery, .. } = kept;
    let delivery = match delivery {
        Delivery::Delivered => "delivered",
        Delivery::Queued => "queued",
    };
    [
        time(notification.ts),
        notification.kind.clone(),
        notification.source.clone(),
        delivery.to_owned(),
        cut(&notification.payload.to_string(), room),
    ]
}
