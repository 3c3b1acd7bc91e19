//! What is kept of schedules, and when one is valid.
//!
//! | key | holds |
//! | --- | --- |
//! | `pane:schedules:pending` | hash from the schedule's id to the [`PaneScheduleRequested`] that waits or is being retried |
//! | `pane:schedules:claim:{id}` | the run that is carrying the schedule out, for half an hour |
//! | `pane:schedules:end:{id}` | the `End` of the schedule, for 30 days: what keeps it from being carried out again |
//! | `pane:schedules:failures` | hash from the id to the last `RunFailure` of a schedule that has not ended since |
//! | `pane:schedules:dead` | hash from the id to a `Quarantined` entry: one that makes no sense, or that could not be carried out for a day |
//!
//! A command line of another program writes and removes pending entries as well, after it has sent the event: an entry
//! may therefore come back once the schedule has ended. The end is what decides, not the absence of an entry.

use std::path::Path;

use events::pane_schedule::{PaneScheduleRequested, PaneVerb};
use jiff::Timestamp;
use serde_json::Value;
use system_bus_runtime::prelude::*;

use super::due::Outcome;

pub(super) const PENDING: &str = "pane:schedules:pending";
pub(super) const FAILURES: &str = "pane:schedules:failures";
pub(super) const DEAD: &str = "pane:schedules:dead";

/// Longer than all attempts of a step take. A run that is lost for good keeps the reconciler waiting for so long.
const CLAIM: Duration = Duration::from_secs(30 * 60);

/// Longer than an entry that came back, or a request that was sent twice, can be on its way.
const END_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How a schedule ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct End {
    /// The run that ended it.
    pub(super) run_id: String,
    /// How.
    pub(super) outcome: Outcome,
}

/// A run that was to carry out a schedule and failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunFailure {
    /// When, in RFC 3339.
    pub(super) failed_at: String,
    /// The run.
    pub(super) run_id: String,
    /// Why.
    pub(super) error: String,
}

/// An entry that was taken out of the pending ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Quarantined {
    /// Why.
    pub(super) issue: String,
    /// When, in RFC 3339.
    pub(super) quarantined_at: String,
    /// The entry as it was; a text when it was no JSON.
    pub(super) entry: Value,
}

/// When a schedule is due; the error says all that is wrong with it.
pub(super) fn check(entry: &PaneScheduleRequested) -> Result<Timestamp, String> {
    let mut issues = Vec::new();
    if entry.version != 1 {
        issues.push(format!("its `version` is {}, not 1", entry.version));
    }
    for (name, text) in [("scheduleId", &entry.schedule_id), ("requestedBy", &entry.requested_by)] {
        if text.trim().is_empty() {
            issues.push(format!("its `{name}` is blank"));
        }
    }
    let mut time = |name: &str, text: &str| {
        text.trim().parse().unwrap_or_else(|_| {
            issues.push(format!("its `{name}` is no time in RFC 3339, such as `2026-01-31T18:30:00Z`"));
            Timestamp::default()
        })
    };
    let at = time("at", &entry.at);
    time("createdAt", &entry.created_at);
    let fields = [
        ("target", &entry.target, PaneVerb::Wake, "wake"),
        ("briefPath", &entry.brief_path, PaneVerb::Spawn, "spawn"),
        ("loopId", &entry.loop_id, PaneVerb::Revive, "revive"),
    ];
    for (name, field, verb, word) in fields {
        match (said(field), entry.verb == verb) {
            (None, true) => issues.push(format!("it has no `{name}`, which `{word}` needs")),
            (Some(_), false) => issues.push(format!("its `{name}` is for `{word}` alone")),
            _ => {}
        }
    }
    if said(&entry.brief_path).is_some_and(|path| !Path::new(path).is_absolute()) {
        issues.push("its `briefPath` is not absolute".to_owned());
    }
    if issues.is_empty() { Ok(at) } else { Err(issues.join("; ")) }
}

/// A field that says something.
pub(super) fn said(field: &Option<String>) -> Option<&str> {
    field.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// Notes a pending schedule; false when it has ended before.
pub(super) async fn register(entry: &PaneScheduleRequested, state: &State) -> Result<bool> {
    let id = entry.schedule_id.as_str();
    state.hash_set(PENDING, id, entry).await?;
    // In this order: a cancellation that comes between the two finds the entry, an earlier one is found here.
    let has_ended = end(id, state).await?.is_some();
    if has_ended {
        state.hash_remove(PENDING, id).await?;
    }
    Ok(!has_ended)
}

/// Makes the schedule this run's to carry out; false while another one is at it.
pub(super) async fn claim(id: &str, run: &RunInfo, state: &State) -> Result<bool> {
    state.acquire(claim_key(id), run.id.to_string(), CLAIM).await
}

/// Gives the schedule back, so that the next one need not wait.
pub(super) async fn release(id: &str, run: &RunInfo, state: &State) -> Result<bool> {
    state.release(claim_key(id), run.id.to_string()).await
}

/// How the schedule ended, if it did.
pub(super) async fn end(id: &str, state: &State) -> Result<Option<End>> {
    state.get(end_key(id)).await
}

/// Ends the schedule, unless it has; how it ended.
pub(super) async fn finish(id: &str, run: &RunInfo, outcome: Outcome, state: &State) -> Result<End> {
    let ended = End { run_id: run.id.to_string(), outcome };
    state.set_if_absent(end_key(id), &ended, Some(END_KEPT)).await?;
    let ended = end(id, state).await?.unwrap_or(ended);
    forget(id, state).await?;
    Ok(ended)
}

/// Removes what there is of a schedule that has ended.
pub(super) async fn forget(id: &str, state: &State) -> Result<()> {
    state.hash_remove(PENDING, id).await?;
    state.hash_remove(FAILURES, id).await?;
    Ok(())
}

fn claim_key(id: &str) -> String {
    format!("pane:schedules:claim:{id}")
}

fn end_key(id: &str) -> String {
    format!("pane:schedules:end:{id}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A schedule to wake somebody.
    pub(in crate::pane_schedules) fn wake(at: &str) -> PaneScheduleRequested {
        PaneScheduleRequested {
            version: 1,
            schedule_id: "s-1".to_owned(),
            verb: PaneVerb::Wake,
            at: at.to_owned(),
            target: Some("observer".to_owned()),
            brief_path: None,
            loop_id: None,
            prompt: Some("look at the queue".to_owned()),
            requested_by: "joel".to_owned(),
            created_at: "2026-01-31T09:00:00.000Z".to_owned(),
        }
    }

    /// One to start an agent with this brief.
    pub(in crate::pane_schedules) fn spawn(at: &str, brief: &str) -> PaneScheduleRequested {
        let brief_path = Some(brief.to_owned());
        PaneScheduleRequested { verb: PaneVerb::Spawn, target: None, brief_path, prompt: None, ..wake(at) }
    }

    fn good() -> PaneScheduleRequested {
        wake("2026-01-31T09:30:00.000Z")
    }

    #[track_caller]
    fn check_issues(entry: PaneScheduleRequested, expected: &str) {
        assert_eq!(check(&entry), Err(expected.to_owned()));
    }

    #[test]
    fn a_valid_schedule_is_due_at_its_time() {
        assert_eq!(check(&good()).map(Timestamp::as_millisecond), Ok(1_769_851_800_000));
        assert_eq!(check(&wake("2026-01-31T10:30:00+01:00")).map(Timestamp::as_millisecond), Ok(1_769_851_800_000));
        assert!(check(&spawn("2026-01-31T09:30:00Z", "/briefs/daily.md")).is_ok());
        let revive = PaneScheduleRequested {
            verb: PaneVerb::Revive,
            target: Some(" ".to_owned()),
            loop_id: Some("loop-1".to_owned()),
            ..good()
        };
        assert!(check(&revive).is_ok());
    }

    #[test]
    fn each_verb_needs_its_own_field_and_no_other() {
        check_issues(
            PaneScheduleRequested { verb: PaneVerb::Spawn, ..good() },
            "its `target` is for `wake` alone; it has no `briefPath`, which `spawn` needs",
        );
        check_issues(
            PaneScheduleRequested { verb: PaneVerb::Revive, target: None, ..good() },
            "it has no `loopId`, which `revive` needs",
        );
        check_issues(PaneScheduleRequested { target: None, ..good() }, "it has no `target`, which `wake` needs");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let entry = PaneScheduleRequested {
            version: 2,
            schedule_id: " ".to_owned(),
            requested_by: String::new(),
            created_at: "yesterday".to_owned(),
            ..wake("soon")
        };
        let issues = check(&entry).expect_err("is not valid");
        for name in ["version", "scheduleId", "requestedBy", "at", "createdAt"] {
            assert!(issues.contains(&format!("its `{name}` is ")), "{name}: {issues}");
        }
    }

    #[test]
    fn a_brief_has_an_absolute_path() {
        check_issues(spawn("2026-01-31T09:30:00Z", "briefs/daily.md"), "its `briefPath` is not absolute");
    }
}
