//! Carries out schedules that have lost their run, and puts those aside that nobody can carry out.
//!
//! Starts every five minutes, and on `pane/schedule.reconcile.requested`, which the worker sends when it starts. It looks
//! at schedules that are overdue by ten minutes: their own run would have come by then, and the claim of a schedule keeps
//! the two from carrying it out both. Each one has a step of its own, and the next round is its other attempt.

use std::collections::BTreeMap;

use events::pane_schedule::{PaneScheduleReconcileRequested, PaneScheduleRequested};
use serde_json::Value;
use system_bus_runtime::prelude::*;
use system_bus_runtime::service::Processes;

use super::due::{Dispatch, Outcome};
use super::schedule::{self, DEAD, FAILURES, PENDING, Quarantined, RunFailure};
use crate::clients::herdr::Herdr;
use crate::environment::Environment;
use crate::text::excerpt;
use crate::timestamp::rfc3339;

const MINUTE_MS: i64 = 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// A schedule's own run is not so late.
const OVERDUE_MS: i64 = 10 * MINUTE_MS;

/// A schedule that cannot be carried out for so long needs a person.
const GIVEN_UP_MS: i64 = DAY_MS;

/// The failure of a run is of no use any more.
const FAILURE_KEPT_MS: i64 = 30 * DAY_MS;

/// Schedules that one round carries out or puts aside; the rest comes in the next ones.
const ROUND_MAX: usize = 50;

/// Schedules that were put aside of which the operator is told by name.
const TOLD_MAX: usize = 10;

/// Characters of what is wrong with a schedule.
const ISSUE_MAX: usize = 300;

/// What a round came to.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciled {
    /// Pending entries.
    pub scanned: usize,
    /// What became of those that were overdue.
    pub overdue: BTreeMap<String, Recovery>,
    /// Those that were put aside, and why.
    pub quarantined: BTreeMap<String, String>,
}

/// What became of an overdue schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recovery {
    /// It was seen to.
    Ended(Outcome),
    /// It could not be carried out; the next round is the next attempt.
    Failed {
        /// Why.
        error: String,
    },
}

/// What is to be done.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Scan {
    scanned: usize,
    overdue: Vec<Overdue>,
    /// Why each of these makes no sense.
    malformed: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Overdue {
    id: String,
    /// By how much, in milliseconds.
    by: i64,
}

/// Carries out schedules that have lost their run, and puts those aside that nobody can carry out.
#[inngest_fn(
    id = "pane/schedule.reconcile",
    name = "Pane schedule reconciler",
    cron = "*/5 * * * *",
    event = PaneScheduleReconcileRequested,
    concurrency = 1,
    retries = 2,
    role = host,
)]
pub async fn pane_schedule_reconcile(
    event: Event<AnyEvent>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
    processes: Processes,
    environment: Environment,
) -> Result<Reconciled> {
    let now = event.ts;
    let scan = step.run("read-pending-registry", scan(now, &state)).await?;
    let herdr = Herdr::new(processes, &environment);
    let (mut overdue, mut quarantined) = (BTreeMap::new(), scan.malformed);
    for Overdue { id, by } in scan.overdue {
        let dispatch = Dispatch { run: &run, state: &state, gateway: &gateway, herdr: &herdr, now, recovered: true };
        let recovered = step.run(format!("recover-due-{id}"), recover(&id, dispatch)).retries(0).await;
        let recovery = match recovered {
            Ok(outcome) => Recovery::Ended(outcome),
            Err(error) => Recovery::Failed { error: error.message },
        };
        if let (true, Some(obstacle)) = (by > GIVEN_UP_MS, recovery.obstacle()) {
            quarantined
                .insert(id.clone(), excerpt(&format!("it could not be carried out for a day: {obstacle}"), ISSUE_MAX));
        }
        overdue.insert(id, recovery);
    }
    if !quarantined.is_empty() {
        step.run("quarantine", quarantine(&quarantined, now, &state)).await?;
        let notice = serde_json::json!({ "prompt": prompt(&quarantined), "quarantined": quarantined.len() });
        step.run("notify-quarantined", gateway.notify("pane.schedule.quarantined", notice)).await?;
    }
    Ok(Reconciled { scanned: scan.scanned, overdue, quarantined })
}

/// Reads the pending schedules, and forgets old failures on the way.
async fn scan(now: i64, state: &State) -> Result<Scan> {
    let entries = state.hash_texts(PENDING).await?;
    let mut scan = Scan { scanned: entries.len(), ..Scan::default() };
    for (id, text) in entries {
        match due(&id, &text) {
            Ok(due) if due <= now - OVERDUE_MS => scan.overdue.push(Overdue { id, by: now - due }),
            Ok(_) => {}
            Err(issue) => {
                scan.malformed.insert(id, excerpt(&issue, ISSUE_MAX));
            }
        }
    }
    // The oldest first, so that none is left for ever.
    scan.overdue.sort_by_key(|overdue| std::cmp::Reverse(overdue.by));
    scan.overdue.truncate(ROUND_MAX);
    scan.malformed = scan.malformed.into_iter().take(ROUND_MAX).collect();
    for (id, text) in state.hash_texts(FAILURES).await? {
        let failed = serde_json::from_str::<RunFailure>(&text).ok();
        let failed = failed.and_then(|failure| failure.failed_at.parse::<jiff::Timestamp>().ok());
        if failed.is_none_or(|time| time.as_millisecond() <= now - FAILURE_KEPT_MS) {
            state.hash_remove(FAILURES, id).await?;
        }
    }
    Ok(scan)
}

/// When an entry is due, in milliseconds since 1970, or why it makes no sense.
fn due(id: &str, text: &str) -> Result<i64, String> {
    let entry: PaneScheduleRequested = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if entry.schedule_id != id {
        return Err("its `scheduleId` is another one than that which it is kept under".to_owned());
    }
    schedule::check(&entry).map(jiff::Timestamp::as_millisecond)
}

async fn recover(id: &str, dispatch: Dispatch<'_>) -> Result<Outcome> {
    match dispatch.state.hash_get::<PaneScheduleRequested>(PENDING, id).await? {
        Some(entry) => dispatch.fire(&entry).await,
        // Its own run came after all, or it was cancelled.
        None => Ok(Outcome::Over),
    }
}

impl Recovery {
    /// What is in the way of a schedule that stays pending.
    fn obstacle(&self) -> Option<String> {
        match self {
            Self::Ended(Outcome::Busy { pane_id }) => Some(format!("the agent in pane `{pane_id}` is at work")),
            Self::Failed { error } => Some(error.clone()),
            Self::Ended(_) => None,
        }
    }
}

/// Puts entries aside: they are kept, and are in nobody's way.
async fn quarantine(issues: &BTreeMap<String, String>, now: i64, state: &State) -> Result<()> {
    let entries = state.hash_texts(PENDING).await?;
    for (id, issue) in issues {
        let Some(text) = entries.get(id) else { continue };
        let entry = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()));
        let quarantined = Quarantined { issue: issue.clone(), quarantined_at: rfc3339(now)?, entry };
        state.hash_set(DEAD, id, &quarantined).await?;
        state.hash_remove(PENDING, id).await?;
    }
    Ok(())
}

fn prompt(issues: &BTreeMap<String, String>) -> String {
    let mut lines = vec![format!("## ⏰ Schedules put aside: {}", issues.len()), String::new()];
    lines.extend(issues.iter().take(TOLD_MAX).map(|(id, issue)| format!("- `{}`: {issue}", excerpt(id, ISSUE_MAX))));
    lines.extend([String::new(), format!("They are kept in the hash `{DEAD}`.")]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use system_bus_runtime::service::{StateCommand, StateStore};
    use system_bus_runtime::testing::{Harness, MemoryState, Report, ScriptedProcesses};

    use super::super::lane::tests::{Terminal, commands};
    use super::super::schedule::tests::{spawn, wake};
    use super::*;

    /// 09:30 on the last day of January.
    const NOW: i64 = 1_769_851_800_000;
    const OVERDUE: &str = "2026-01-31T09:20:00.000Z";

    fn harness<T: Serialize>(entries: impl IntoIterator<Item = (&'static str, T)>) -> Harness {
        Harness::of::<pane_schedule_reconcile>()
            .event(PaneScheduleReconcileRequested::default())
            .now(NOW)
            .service(Environment::of::<String, String>([]))
            .service_with(|| Processes::new(ScriptedProcesses::default()))
            .state_hash(PENDING, entries)
    }

    fn reconciled(report: &Report) -> Reconciled {
        report.value().expect("succeeds")
    }

    fn named(id: &str, at: &str) -> PaneScheduleRequested {
        PaneScheduleRequested { schedule_id: id.to_owned(), ..wake(at) }
    }

    #[tokio::test]
    async fn a_schedule_that_lost_its_run_is_carried_out_and_one_that_may_still_run_is_not() {
        let entries = [("s-1", named("s-1", OVERDUE)), ("s-2", named("s-2", "2026-01-31T09:20:00.001Z"))];
        let report = harness(entries).run().await;
        let expected = Reconciled {
            scanned: 2,
            overdue: BTreeMap::from([("s-1".to_owned(), Recovery::Ended(Outcome::Signalled))]),
            quarantined: BTreeMap::new(),
        };
        assert_eq!(reconciled(&report), expected);
        assert_eq!(report.steps, ["read-pending-registry", "recover-due-s-1"]);
        let [signal] = &report.notifications[..] else { panic!("one signal") };
        assert_eq!((signal.kind.as_str(), &signal.payload["scheduleId"]), ("pane.schedule.due", &json!("s-1")));
        assert_eq!((&signal.payload["recovered"], &signal.payload["late"]), (&json!(true), &json!(true)));
        let pending = report.state.value(PENDING).expect("one is left");
        assert_eq!(pending.as_object().expect("a hash").keys().collect::<Vec<_>>(), ["s-2"]);
    }

    #[tokio::test]
    async fn the_schedules_own_run_and_the_reconciler_do_not_carry_it_out_both() {
        let claimed = harness([("s-1", wake(OVERDUE))]).state("pane:schedules:claim:s-1", &"its own run").run().await;
        assert_eq!(reconciled(&claimed).overdue["s-1"], Recovery::Ended(Outcome::Taken));
        assert!(claimed.state.value(PENDING).is_some(), "its own run is not done");

        // Another program has written the entry again after the end.
        let end = json!({ "runId": "its own run", "outcome": { "status": "signalled" } });
        let ended = harness([("s-1", wake(OVERDUE))]).state("pane:schedules:end:s-1", &end).run().await;
        assert_eq!(reconciled(&ended).overdue["s-1"], Recovery::Ended(Outcome::Over));
        assert_eq!(ended.state.value(PENDING), None);
        assert!(claimed.notifications.is_empty() && ended.notifications.is_empty());
    }

    #[tokio::test]
    async fn a_cancelled_schedule_is_not_carried_out() {
        let end = json!({ "runId": "the cancelling run", "outcome": { "status": "cancelled" } });
        let report = harness([("s-1", wake(OVERDUE))]).state("pane:schedules:end:s-1", &end).run().await;
        assert!(report.notifications.is_empty() && report.state.value(PENDING).is_none());
    }

    #[tokio::test]
    async fn entries_that_make_no_sense_are_put_aside_and_told() {
        let entries = [
            ("s-1", json!(wake(OVERDUE))),
            ("odd", json!(5)),
            ("other", json!(wake(OVERDUE))),
            ("s-3", json!({ "verb": "wake" })),
            ("s-4", json!(PaneScheduleRequested { target: None, ..named("s-4", OVERDUE) })),
        ];
        let report = harness(entries).run().await;
        let quarantined = reconciled(&report).quarantined;
        assert_eq!(quarantined.keys().collect::<Vec<_>>(), ["odd", "other", "s-3", "s-4"]);
        let dead = report.state.value(DEAD).expect("is kept");
        assert_eq!(dead["odd"]["entry"], 5);
        assert_eq!(dead["s-4"]["issue"], "it has no `target`, which `wake` needs");
        assert_eq!(dead["s-4"]["quarantinedAt"], "2026-01-31T09:30:00.000Z");
        assert_eq!(report.state.value(PENDING), None);
        // The good one among them is carried out.
        assert_eq!(report.notified(), ["pane.schedule.due", "pane.schedule.quarantined"]);
        let prompt = report.notifications[1].payload["prompt"].as_str().expect("a text");
        assert!(prompt.starts_with("## ⏰ Schedules put aside: 4\n\n- `odd`: invalid type"), "{prompt}");
    }

    #[tokio::test]
    async fn an_entry_that_is_no_json_is_put_aside_as_it_is_and_hides_no_other() {
        let store = MemoryState::default();
        let entry = serde_json::to_string(&wake(OVERDUE)).expect("is JSON");
        for (id, text) in [("odd", "{verb: wake}"), ("s-1", &entry)] {
            let command = StateCommand::SetField { field: id.to_owned(), value: text.to_owned() };
            store.apply(PENDING.to_owned(), command).await.expect("is stored");
        }
        let kept: Arc<dyn StateStore> = Arc::new(store.clone());
        let report = harness::<Value>([]).service(kept).run().await;
        assert_eq!(report.notified(), ["pane.schedule.due", "pane.schedule.quarantined"]);
        assert_eq!(store.value(DEAD).expect("is kept")["odd"]["entry"], "{verb: wake}");
        assert_eq!(store.value(PENDING), None);
    }

    #[tokio::test]
    async fn one_schedule_that_fails_is_not_in_the_way_of_the_others_and_stays_pending() {
        let entries = [("s-1", spawn(OVERDUE, "/no/such/brief.md")), ("s-2", named("s-2", OVERDUE))];
        let report = harness(entries).run().await;
        let Reconciled { overdue, quarantined, .. } = reconciled(&report);
        let error = "there is no brief `/no/such/brief.md`".to_owned();
        assert_eq!(overdue["s-1"], Recovery::Failed { error });
        assert_eq!(overdue["s-2"], Recovery::Ended(Outcome::Signalled));
        assert!(quarantined.is_empty() && report.state.value(PENDING).expect("one is left")["s-1"].is_object());
        assert_eq!(report.state.value("pane:schedules:claim:s-1"), None, "the next round can try");
    }

    #[tokio::test]
    async fn a_schedule_that_cannot_be_carried_out_for_a_day_is_put_aside() {
        let report = harness([("s-1", spawn("2026-01-30T09:29:00.000Z", "/no/such/brief.md"))]).run().await;
        let issue = "it could not be carried out for a day: there is no brief `/no/such/brief.md`";
        assert_eq!(reconciled(&report).quarantined["s-1"], issue);
        assert_eq!(report.state.value(DEAD).expect("is kept")["s-1"]["entry"]["verb"], "spawn");
        // One that is just as late and can be carried out is.
        let report = harness([("s-1", wake("2026-01-01T09:30:00.000Z"))]).run().await;
        assert_eq!((report.notified(), reconciled(&report).quarantined.len()), (vec!["pane.schedule.due"], 0));
    }

    #[tokio::test]
    async fn an_agent_is_started_in_its_lane() {
        let brief = tempfile::NamedTempFile::new().expect("a file");
        let path = brief.path().to_str().expect("a text");
        let terminal = Terminal::default().script();
        let report = harness([("s-1", spawn(OVERDUE, path))]).service(Processes::new(terminal.clone())).run().await;
        let spawned = Outcome::Spawned { pane_id: "w9:p1".to_owned(), created: true };
        assert_eq!(reconciled(&report).overdue["s-1"], Recovery::Ended(spawned));
        assert!(report.notifications.is_empty() && report.state.value(PENDING).is_none());
        assert_eq!(commands(&terminal).last().expect("a command")[..3], ["pane", "run", "w9:p1"]);
    }

    #[tokio::test]
    async fn old_failures_are_forgotten() {
        let failure = |at: &str| json!({ "failedAt": at, "runId": "r", "error": "no" });
        let failures = [("old", failure("2026-01-01T09:30:00Z")), ("new", failure("2026-01-01T09:30:00.001Z"))];
        let report = harness::<Value>([]).state_hash(FAILURES, failures).run().await;
        let left = report.state.value(FAILURES).expect("one is left");
        assert_eq!(left.as_object().expect("a hash").keys().collect::<Vec<_>>(), ["new"]);
    }

    #[tokio::test]
    async fn it_survives_failures() {
        let entries = [("s-1", json!(wake(OVERDUE))), ("odd", json!(5)), ("s-2", json!(named("s-2", OVERDUE)))];
        harness(entries).check_all().await;
    }
}
