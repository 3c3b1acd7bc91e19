//! Carries out a schedule that is due: what its own run and the reconciler have in common.

use events::pane_schedule::{PaneScheduleRequested, PaneVerb};
use system_bus_runtime::prelude::*;

use super::lane::{self, Spawned};
use super::schedule::{self, said};
use crate::clients::herdr::Herdr;
use crate::timestamp::rfc3339;

/// A schedule that is carried out so long after its time is late.
const LATE_AFTER_MS: i64 = 5 * 60 * 1_000;

/// What became of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// The gateway was told that it is due.
    Signalled,
    /// An agent was started.
    Spawned {
        /// Its pane.
        pane_id: String,
        /// Whether the pane was made for it.
        created: bool,
    },
    /// The agent in its pane is at work; it stays pending.
    Busy {
        /// The pane.
        pane_id: String,
    },
    /// It was cancelled.
    Cancelled,
    /// Another run is carrying it out.
    Taken,
    /// It had ended before, or is no longer there.
    Over,
}

/// What a schedule is carried out with.
pub(super) struct Dispatch<'a> {
    pub(super) run: &'a RunInfo,
    pub(super) state: &'a State,
    pub(super) gateway: &'a Gateway,
    pub(super) herdr: &'a Herdr,
    /// When it is carried out, in milliseconds since 1970. A step that is repeated must say the same again.
    pub(super) now: i64,
    /// Whether its own run was lost.
    pub(super) recovered: bool,
}

/// What the gateway is told: the entry, and when it was carried out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signal<'a> {
    #[serde(flatten)]
    entry: &'a PaneScheduleRequested,
    fired_at: String,
    late: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    recovered: bool,
}

impl Dispatch<'_> {
    /// Carries out a valid schedule once, whoever calls: the claim keeps others away while it happens, the end for ever
    /// after. A schedule that cannot be carried out now stays pending, and free for the next one.
    pub(super) async fn fire(self, entry: &PaneScheduleRequested) -> Result<Outcome> {
        let (id, state) = (entry.schedule_id.as_str(), self.state);
        if !schedule::claim(id, self.run, state).await? {
            return Ok(Outcome::Taken);
        }
        if let Some(end) = schedule::end(id, state).await? {
            schedule::forget(id, state).await?;
            // An earlier attempt of this step has got this far.
            let is_ours = end.run_id == self.run.id.to_string();
            return Ok(if is_ours { end.outcome } else { Outcome::Over });
        }
        match self.carry_out(entry).await {
            Ok(outcome @ (Outcome::Signalled | Outcome::Spawned { .. })) => {
                schedule::finish(id, self.run, outcome.clone(), state).await?;
                Ok(outcome)
            }
            undone => {
                let released = schedule::release(id, self.run, state).await;
                undone.and_then(|outcome| released.map(|_| outcome))
            }
        }
    }

    async fn carry_out(&self, entry: &PaneScheduleRequested) -> Result<Outcome> {
        match (entry.verb, said(&entry.brief_path)) {
            (PaneVerb::Spawn, Some(brief)) => Ok(match lane::spawn(entry, brief, self.herdr, self.state).await? {
                Spawned::Started { pane_id, created } => Outcome::Spawned { pane_id, created },
                Spawned::Busy { pane_id } => Outcome::Busy { pane_id },
            }),
            (PaneVerb::Spawn, None) => Err(Error::terminal("a schedule without a brief cannot start an agent")),
            (PaneVerb::Wake | PaneVerb::Revive, _) => {
                // It is for an agent, which does not sleep.
                self.gateway.urgent("pane.schedule.due", self.signal(entry)?).await?;
                Ok(Outcome::Signalled)
            }
        }
    }

    fn signal<'e>(&self, entry: &'e PaneScheduleRequested) -> Result<Signal<'e>> {
        let due = schedule::check(entry).map_err(Error::terminal)?.as_millisecond();
        let late = self.now.saturating_sub(due) > LATE_AFTER_MS;
        Ok(Signal { entry, fired_at: rfc3339(self.now)?, late, recovered: self.recovered })
    }
}
