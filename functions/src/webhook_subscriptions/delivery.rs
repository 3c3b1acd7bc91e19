//! Delivers one webhook event to those who subscribed to it.
//!
//! | key | holds |
//! | --- | --- |
//! | `joelclaw:webhook:events:{id}` | list of the subscription's `Envelope`s, the newest first |
//! | `joelclaw:webhook:notify:{id}` | channel on which each of them is published |
//! | `joelclaw:webhook:dedup:{id}:{delivery}` | the run that delivers it: any other one is a repetition |
//!
//! The list keeps `WEBHOOK_SUBSCRIPTION_EVENT_HISTORY_LIMIT` envelopes, 200 when it is not set. A delivery is known for
//! `WEBHOOK_SUBSCRIPTION_DEDUP_TTL_SECONDS`, 7 days when it is not set, and a minute at least.

use std::str::FromStr;

use futures::future::join_all;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use system_bus_runtime::prelude::*;

use super::subscription::{Match, Matches};
use crate::environment::Environment;
use crate::timestamp::rfc3339;

const HISTORY: &str = "WEBHOOK_SUBSCRIPTION_EVENT_HISTORY_LIMIT";
const HISTORY_DEFAULT: u32 = 200;

const DEDUP: &str = "WEBHOOK_SUBSCRIPTION_DEDUP_TTL_SECONDS";
const DEDUP_DEFAULT: u64 = 7 * 24 * 60 * 60;
/// A vendor that got no answer comes back within seconds.
const DEDUP_MIN: u64 = 60;

/// The type of the envelopes, and of the messages to sessions.
const MATCHED: &str = "webhook.subscription.matched";

/// Failed deliveries that the run's error tells of.
const FAILURES_TOLD: usize = 3;

/// A webhook event on its way to its subscribers.
pub(super) struct Webhook {
    /// The vendor.
    pub(super) provider: String,
    /// The event's name without the vendor.
    pub(super) event: String,
    /// What makes the delivery one: the event and the vendor's id of it.
    pub(super) delivery: String,
    /// What the subscribers get.
    pub(super) data: Map<String, Value>,
    /// What a session is told.
    pub(super) prompt: String,
    /// When it came, in milliseconds since 1970.
    pub(super) ts: i64,
}

/// One event in the list of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    /// The same when the event is delivered again.
    id: String,
    #[serde(rename = "type")]
    kind: String,
    subscription_id: String,
    data: Map<String, Value>,
    ts: String,
}

/// What became of an event.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dispatched {
    /// Subscriptions that it was for.
    pub matched_subscriptions: usize,
    /// Those that got it.
    pub delivered: usize,
    /// Those that another run had delivered it to.
    pub duplicates: usize,
    /// Sessions that were told.
    pub notified_sessions: usize,
    /// Subscriptions that had expired or could not be read, and were removed.
    pub removed: usize,
    /// Subscriptions beyond what one run can do.
    pub left_out: usize,
}

/// What became of one delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered { notified: bool },
    Duplicate,
}

/// What deliveries are made with.
#[derive(Clone, Copy)]
pub(super) struct Courier<'a> {
    pub(super) run: &'a RunInfo,
    pub(super) state: &'a State,
    pub(super) gateway: &'a Gateway,
    pub(super) environment: &'a Environment,
}

pub(super) fn events_key(id: &str) -> String {
    format!("joelclaw:webhook:events:{id}")
}

impl Courier<'_> {
    /// Delivers to all, side by side, each in steps of its own. One that fails keeps nobody waiting, and fails the run in
    /// the end.
    pub(super) async fn dispatch(self, step: &Step, webhook: &Webhook, found: &Matches) -> Result<Dispatched> {
        let matches = &found.matches;
        let fates = join_all(matches.iter().map(|matched| self.serve(step, webhook, matched))).await;
        let failures: Vec<_> = matches
            .iter()
            .zip(&fates)
            .filter_map(|(matched, fate)| Some(format!("`{}`: {}", matched.id, fate.as_ref().err()?)))
            .collect();
        if !failures.is_empty() {
            let told = failures.iter().take(FAILURES_TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
            let (failed, all) = (failures.len(), matches.len());
            return Err(Error::terminal(format!("{failed} of {all} subscriptions did not get the event: {told}")));
        }
        let count = |is: fn(&Fate) -> bool| fates.iter().flatten().filter(|fate| is(fate)).count();
        Ok(Dispatched {
            delivered: count(|fate| matches!(fate, Fate::Delivered { .. })),
            duplicates: count(|fate| *fate == Fate::Duplicate),
            notified_sessions: count(|fate| *fate == Fate::Delivered { notified: true }),
            ..Dispatched::to_nobody(found)
        })
    }

    async fn serve(self, step: &Step, webhook: &Webhook, matched: &Match) -> Result<Fate, StepError> {
        let id = &matched.id;
        let served = self.deliver_and_tell(step, webhook, matched).await;
        if served.is_err() {
            // Else a replay of this run would take the delivery for a repetition. Without it the claim expires.
            let _ = step.run(format!("release-{id}"), self.release(webhook, id)).await;
        }
        served
    }

    async fn deliver_and_tell(self, step: &Step, webhook: &Webhook, matched: &Match) -> Result<Fate, StepError> {
        let id = &matched.id;
        let is_ours = step.run(format!("deliver-{id}"), self.deliver(webhook, id)).await?;
        if !is_ours {
            return Ok(Fate::Duplicate);
        }
        let Some(session) = &matched.session_id else { return Ok(Fate::Delivered { notified: false }) };
        step.run(format!("notify-{id}"), self.tell(webhook, id, session)).await?;
        Ok(Fate::Delivered { notified: true })
    }

    /// Puts the event into the subscription's list, unless another run has done so; whether it is this run's to deliver.
    async fn deliver(self, webhook: &Webhook, id: &str) -> Result<bool> {
        let history: u32 = number(self.environment, HISTORY, HISTORY_DEFAULT)?;
        let dedup: u64 = number(self.environment, DEDUP, DEDUP_DEFAULT)?;
        let lasts = Duration::from_secs(dedup.max(DEDUP_MIN));
        if !self.state.acquire(webhook.claim_key(id), self.run.id.to_string(), lasts).await? {
            return Ok(false);
        }
        let envelope = webhook.envelope(id)?;
        // An earlier attempt may have come this far.
        let kept = self.state.list::<Value>(events_key(id)).await?;
        if kept.iter().all(|other| other["id"] != *envelope.id) {
            self.state.list_prepend(events_key(id), &envelope, Some(history.max(1))).await?;
        }
        let message = serde_json::to_string(&envelope)?;
        self.state.publish(format!("joelclaw:webhook:notify:{id}"), &message).await?;
        Ok(true)
    }

    async fn release(self, webhook: &Webhook, id: &str) -> Result<bool> {
        self.state.release(webhook.claim_key(id), self.run.id.to_string()).await
    }

    async fn tell(self, webhook: &Webhook, id: &str, session: &str) -> Result<()> {
        let mut payload = webhook.payload(id)?;
        payload.insert("originSession".to_owned(), Value::from(session));
        payload.insert("prompt".to_owned(), Value::from(webhook.prompt.as_str()));
        // It is for an agent, which does not sleep.
        self.gateway.clone().for_session(session).urgent(MATCHED, payload).await?;
        Ok(())
    }
}

impl Dispatched {
    /// What comes of an event that nobody subscribed to.
    pub(super) fn to_nobody(found: &Matches) -> Self {
        Self {
            matched_subscriptions: found.matches.len() + found.left_out,
            delivered: 0,
            duplicates: 0,
            notified_sessions: 0,
            removed: found.removed,
            left_out: found.left_out,
        }
    }
}

impl Webhook {
    /// The data, and to whom it matters since when.
    fn payload(&self, id: &str) -> Result<Map<String, Value>> {
        let mut payload = self.data.clone();
        let facts = [
            ("provider", self.provider.clone()),
            ("event", self.event.clone()),
            ("subscriptionId", id.to_owned()),
            ("matchedAt", rfc3339(self.ts)?),
        ];
        payload.extend(facts.map(|(name, fact)| (name.to_owned(), Value::from(fact))));
        Ok(payload)
    }

    fn envelope(&self, id: &str) -> Result<Envelope> {
        let digest = hex::encode(Sha256::digest(format!("{id}\n{}", self.delivery)));
        Ok(Envelope {
            id: digest.chars().take(32).collect(),
            kind: MATCHED.to_owned(),
            subscription_id: id.to_owned(),
            data: self.payload(id)?,
            ts: rfc3339(self.ts)?,
        })
    }

    fn claim_key(&self, id: &str) -> String {
        format!("joelclaw:webhook:dedup:{id}:{}", self.delivery)
    }
}

/// A number that an environment variable may set.
fn number<T: FromStr>(environment: &Environment, name: &str, default: T) -> Result<T> {
    let Some(text) = environment.find(name) else { return Ok(default) };
    let unreadable =
        || Error::terminal(format!("the environment variable `{name}` must be a whole number, such as 200"));
    text.trim().parse().map_err(|_| unreadable())
}
