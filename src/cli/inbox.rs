//! `system-bus inbox`: deliveries of webhooks, and what became of them.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;
use system_bus_engine::limits;
use system_bus_runtime::webhook::{DeliveryState, DeliverySummary, KeptHeaders};

use super::context::Context;
use super::failure::Failure;
use super::show::{Style, cut, plain, time, time_or_dash};

/// List deliveries of webhooks, newest first; show one, or replay it.
#[derive(Args)]
#[command(
    after_help = "\
States:
  waiting   kept, and not yet at the server
  handled   its events are at the engine or the server
  ignored   of no interest: it becomes no event that is declared
  failed    kept, but it cannot be turned into events: replay it after a fix

Examples:
  system-bus inbox --state failed
  system-bus inbox show 17
  system-bus inbox replay 17
  system-bus inbox --state failed --json | jq '.[].id'",
    args_conflicts_with_subcommands = true
)]
pub(super) struct Inbox {
    #[command(subcommand)]
    command: Option<InboxCommand>,
    #[command(flatten)]
    list: List,
}

#[derive(Subcommand)]
enum InboxCommand {
    /// Show one delivery: what became of it, its headers, its body.
    Show {
        /// The delivery's number.
        #[arg(value_name = "NUMBER")]
        id: i64,
    },
    /// Turn a delivery into events again, with the worker as it is now.
    ///
    /// Events that it has sent within the last 24 hours are the same ones and start nothing a second time.
    Replay {
        /// The delivery's number.
        #[arg(value_name = "NUMBER")]
        id: i64,
    },
}

#[derive(Args)]
struct List {
    /// How many at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::LIST_ROWS_MAX)))]
    count: u32,
    /// Only those: waiting, handled, ignored or failed.
    #[arg(long)]
    state: Option<DeliveryState>,
    /// Only those of this provider.
    #[arg(long)]
    provider: Option<String>,
    /// Only those with a smaller number, for the next page.
    #[arg(long, value_name = "NUMBER")]
    before: Option<i64>,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(flatten)]
    summary: DeliverySummary,
    headers: KeptHeaders,
    body: Box<RawValue>,
}

impl Inbox {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self.command {
            None => self.list.run(context),
            Some(InboxCommand::Show { id }) => show(id, context),
            Some(InboxCommand::Replay { id }) => replay(id, context),
        }
    }
}

impl List {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let mut query = vec![("limit", self.count.to_string())];
        query.extend(self.state.map(|state| ("state", state.name().to_owned())));
        query.extend(self.provider.map(|provider| ("provider", provider)));
        query.extend(self.before.map(|before| ("before", before.to_string())));
        let answer = context.wait(async { Ok(client.data(&["inbox"], &query).await?) })?;
        if context.json {
            return context.print(answer.get());
        }
        let deliveries: Vec<DeliverySummary> = super::decode(&answer)?;
        if deliveries.is_empty() {
            return context.print("no such deliveries");
        }
        let style = context.style();
        let mut rows = style.table(&["NUMBER", "PROVIDER", "STATE", "CAME IN", "EVENTS", "DELIVERY", "PROBLEM"]);
        for delivery in &deliveries {
            rows.push(vec![
                Style::whole(&delivery.id.to_string()),
                Style::whole(&delivery.provider),
                style.status(delivery.state.name()),
                Style::whole(&time(delivery.received_at)),
                Style::whole(&delivery.events.len().to_string()),
                Style::whole(&delivery.key),
                Style::whole(&cut(delivery.problem.as_deref().unwrap_or_default(), 80)),
            ]);
        }
        rows.keep(0);
        context.print(&rows.text())
    }
}

fn show(id: i64, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let answer = context.wait(async { Ok(client.data(&["inbox", &id.to_string()], &[]).await?) })?;
    if context.json {
        return context.print(answer.get());
    }
    let shown: Shown = super::decode(&answer)?;
    let style = context.style();
    let mut rows = style.table(&["DELIVERY", &shown.summary.id.to_string()]);
    describe(&mut rows, style, &shown.summary);
    for (name, value) in &shown.headers {
        rows.push(vec![Style::whole(&format!("header {name}")), Style::whole(value)]);
    }
    rows.keep(0);
    context.print(&format!("{}\n{}\n", rows.text(), plain(shown.body.get())))
}

fn replay(id: i64, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let answer = context.wait(async { Ok(client.replay_delivery(id).await?) })?;
    let delivery: DeliverySummary = super::decode(&answer)?;
    if context.json {
        context.print(answer.get())?;
    } else {
        let style = context.style();
        let mut rows = style.table(&["REPLAYED", &delivery.id.to_string()]);
        describe(&mut rows, style, &delivery);
        rows.keep(0);
        context.print(&rows.text())?;
    }
    match delivery.problem {
        Some(problem) if delivery.state == DeliveryState::Failed => {
            Err(Failure::failed(format!("the delivery {id} still cannot be turned into events: {problem}")))
        }
        _ => Ok(()),
    }
}

fn describe(rows: &mut super::show::Rows, style: Style, delivery: &DeliverySummary) {
    rows.push(vec![Style::whole("provider"), Style::whole(&delivery.provider)]);
    rows.push(vec![Style::whole("delivery id"), Style::whole(&delivery.key)]);
    rows.push(vec![Style::whole("state"), style.status(delivery.state.name())]);
    rows.push(vec![Style::whole("came in"), Style::whole(&time(delivery.received_at))]);
    rows.push(vec![Style::whole("settled"), Style::whole(&time_or_dash(delivery.settled_at))]);
    if delivery.repeats > 0 {
        rows.push(vec![Style::whole("came again"), Style::whole(&format!("{} times, did nothing", delivery.repeats))]);
    }
    if let Some(problem) = &delivery.problem {
        rows.push(vec![Style::whole("problem"), Style::whole(problem)]);
    }
    for event in &delivery.events {
        rows.push(vec![Style::whole("event"), Style::whole(event)]);
    }
}
