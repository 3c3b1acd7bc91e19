//! Asks for all regular checks, every quarter of an hour.
//!
//! The checks are events of their own, each with its own retries; nothing is checked here. Between two runs lie at least
//! 10 minutes; the decision of the day and the digest are asked for once, and a step that is repeated claims nothing
//! twice. Old session files are removed on the way, where `SESSION_FILE_RETENTION_DAYS` says after how many days.

use events::adr::AdrPitchRequested;
use events::email::EmailTriageRequested;
use events::heartbeat::{
    CalendarDailyCheck, GatewayHealthCheckRequested, HealthMode, LoopsStaleCheck, SessionsPruneRequested,
    SystemHealthRequested, TasksTriageRequested, TriggersAuditRequested, VaultSyncCheck,
};
use events::memory::{MemoryDigestRequested, MemoryReviewCheck};
use system_bus_runtime::prelude::*;

use super::local_time::LocalTime;
use super::session_files::Pruning;
use super::{heartbeat, session_files};
use crate::environment::Environment;

/// Held after a run, so that the next one is not too soon.
const LAST_RUN: &str = "heartbeat:last-run";
const BETWEEN_RUNS: Duration = Duration::from_secs(10 * 60);

/// Held after a decision was asked for, so that the next one comes on another day: longer than the window of two hours,
/// shorter than from one day's end of it to the next day's start.
const LAST_PITCH: &str = "adr:pitch:last-fired";
const BETWEEN_PITCHES: Duration = Duration::from_secs(20 * 60 * 60);

/// What a heartbeat did.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Heartbeat {
    /// The last one was less than 10 minutes ago.
    Skipped,
    /// The checks were asked for.
    Sent {
        /// What was done about old files, unless that failed.
        pruned: Option<Pruning>,
        /// Whether a decision was asked for.
        pitch_requested: bool,
        /// Whether the digest of the day was asked for.
        digest_requested: bool,
        /// Whether the operator was shown that the heart beats.
        shown: bool,
    },
}

/// Asks for all regular checks.
// The zone's distance from UTC is a whole number of quarters, so the windows of local time below begin with a heartbeat.
#[inngest_fn(id = "system-heartbeat", cron = "*/15 * * * *", role = host)]
pub async fn system_heartbeat(
    event: Event<Cron>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
    environment: Environment,
) -> Result<Heartbeat> {
    let is_needed = step.run("check-if-needed", is_absent(&state, LAST_RUN)).await?;
    if !is_needed {
        return Ok(Heartbeat::Skipped);
    }

    // Tidying up must not hold up the checks; the next heartbeat is the other attempt.
    let pruned = step.run("prune-old-sessions", session_files::prune(environment.clone())).retries(0).await.ok();

    step.send_event(
        "fan-out-checks",
        (
            TasksTriageRequested::default(),
            SessionsPruneRequested {},
            TriggersAuditRequested {},
            SystemHealthRequested {
                mode: Some(HealthMode::Core),
                source: Some("heartbeat-15m".to_owned()),
                ..SystemHealthRequested::default()
            },
            GatewayHealthCheckRequested {},
            MemoryReviewCheck {},
            VaultSyncCheck {},
            EmailTriageRequested {},
            CalendarDailyCheck {},
            LoopsStaleCheck {},
        ),
    )
    .await?;

    // The time at which the heartbeat was due: the same at every replay.
    let time = LocalTime::at(event.ts)?;
    let pitch_requested = step.run("maybe-request-adr-pitch", is_pitch_due(&time, &state)).await?;
    if pitch_requested {
        step.send_event("fan-out-adr-pitch", AdrPitchRequested {}).await?;
        step.run("record-adr-pitch-fired", state.set(LAST_PITCH, &event.ts, Some(BETWEEN_PITCHES))).await?;
    }

    let digest_due = heartbeat::is_digest_due(&time, &run, &state, &environment);
    let digest_requested = step.run("maybe-request-daily-digest", digest_due).await?;
    if digest_requested {
        step.send_event("fan-out-daily-digest", MemoryDigestRequested {}).await?;
    }

    let shown = heartbeat::show("cron", &run, &state, &gateway);
    let shown = step.run("maybe-emit-user-visible-heartbeat", shown).await?;
    step.run("record-last-run", state.set(LAST_RUN, &event.ts, Some(BETWEEN_RUNS))).await?;
    Ok(Heartbeat::Sent { pruned, pitch_requested, digest_requested, shown })
}

async fn is_pitch_due(time: &LocalTime, state: &State) -> Result<bool> {
    Ok(time.is_pitch_window() && is_absent(state, LAST_PITCH).await?)
}

async fn is_absent(state: &State, key: &str) -> Result<bool> {
    Ok(state.get::<i64>(key).await?.is_none())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use system_bus_runtime::testing::{Harness, Report};
    use tempfile::TempDir;

    use super::*;

    const NOON: &str = "2026-01-15T20:00:00Z";
    const MORNING: &str = "2026-01-15T16:30:00Z";
    const MIDNIGHT: &str = "2026-01-16T07:45:00Z";

    /// A heartbeat at this time, and the home directory it sees.
    fn at(time: &str) -> (Harness, TempDir) {
        let home = tempfile::tempdir().expect("a directory");
        let environment = Environment::of([("HOME", home.path().to_string_lossy())]);
        let time: Timestamp = time.parse().expect("a time");
        (Harness::of::<system_heartbeat>().service(environment).now(time), home)
    }

    fn heartbeat(report: &Report) -> Heartbeat {
        report.value().unwrap()
    }

    #[track_caller]
    fn check(report: &Report, pitch: bool, digest: bool) {
        assert_eq!(report.sent::<AdrPitchRequested>().len(), usize::from(pitch));
        assert_eq!(report.sent::<MemoryDigestRequested>().len(), usize::from(digest));
        let pruned = Some(Pruning::SwitchedOff { turned_on_by: "SESSION_FILE_RETENTION_DAYS".to_owned() });
        let expected = Heartbeat::Sent { pruned, pitch_requested: pitch, digest_requested: digest, shown: true };
        assert_eq!(heartbeat(report), expected);
    }

    #[tokio::test]
    async fn ten_checks_are_asked_for() {
        let (harness, _home) = at(NOON);
        let report = harness.run().await;
        let mut names: Vec<_> = report.sent_events.iter().map(|event| event.name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "calendar/daily.check",
            "email/triage.requested",
            "gateway/health.check.requested",
            "loops/stale.check",
            "memory/review.check",
            "sessions/prune.requested",
            "system/health.requested",
            "tasks/triage.requested",
            "triggers/audit.requested",
            "vault/sync.check",
        ];
        assert_eq!(names, expected);
        let health = report.sent_events.iter().find(|event| event.name == "system/health.requested").expect("is sent");
        assert_eq!(health.data.get(), r#"{"mode":"core","source":"heartbeat-15m"}"#);
        check(&report, false, false);
    }

    #[tokio::test]
    async fn a_heartbeat_that_comes_too_soon_is_skipped() {
        let (harness, _home) = at(NOON);
        let report = harness.run().await;
        report.state.clock().advance(BETWEEN_RUNS - Duration::from_millis(1));
        assert!(report.state.value(LAST_RUN).is_some());
        report.state.clock().advance(Duration::from_millis(1));
        assert!(report.state.value(LAST_RUN).is_none());

        let (harness, _home) = at(NOON);
        let report = harness.state(LAST_RUN, &1).run().await;
        assert_eq!(heartbeat(&report), Heartbeat::Skipped);
        assert_eq!(report.steps, ["check-if-needed"]);
    }

    #[tokio::test]
    async fn a_decision_is_asked_for_once_in_the_morning() {
        let (harness, _home) = at(MORNING);
        let report = harness.run().await;
        check(&report, true, false);
        report.state.clock().advance(BETWEEN_PITCHES - Duration::from_millis(1));
        assert!(report.state.value(LAST_PITCH).is_some());

        let (harness, _home) = at(MORNING);
        check(&harness.state(LAST_PITCH, &1).run().await, false, false);
    }

    #[tokio::test]
    async fn the_digest_is_asked_for_once_at_the_end_of_the_local_day() {
        let (harness, _home) = at(MIDNIGHT);
        let report = harness.run().await;
        check(&report, false, true);
        assert!(report.state.value("heartbeat:digest:2026-01-15").is_some());

        let (harness, _home) = at(MIDNIGHT);
        check(&harness.state("heartbeat:digest:2026-01-15", &"another run").run().await, false, false);
    }

    #[tokio::test]
    async fn a_digest_that_is_there_is_not_asked_for() {
        let (harness, home) = at(MIDNIGHT);
        let digests = home.path().join("Vault/Daily/digests");
        std::fs::create_dir_all(&digests).expect("can be made");
        std::fs::write(digests.join("2026-01-15-digest.md"), "").expect("can be written");
        check(&harness.run().await, false, false);
    }

    #[tokio::test]
    async fn the_operator_sees_about_one_heartbeat_an_hour() {
        let (harness, _home) = at(NOON);
        let report = harness.run().await;
        assert_eq!(report.notified(), ["cron.heartbeat"]);
        let expected = serde_json::json!({
            "status": "HEARTBEAT_OK", "quiet": true, "trigger": "cron", "userVisibleIntervalMs": 3_600_000,
        });
        assert_eq!(report.notifications[0].payload, expected);
        // Three quarters later it is still held, a whole hour later, give or take a second, it is not.
        report.state.clock().advance(Duration::from_secs(45 * 60));
        assert!(report.state.value("heartbeat:shown").is_some());
        report.state.clock().advance(Duration::from_secs(15 * 60 - 1));
        assert!(report.state.value("heartbeat:shown").is_none());

        let (harness, _home) = at(NOON);
        let report = harness.state("heartbeat:shown", &"another run").run().await;
        assert!(report.notifications.is_empty());
    }

    #[tokio::test]
    async fn the_checks_are_asked_for_even_when_tidying_up_fails() {
        let environment = Environment::of([("SESSION_FILE_RETENTION_DAYS", "a month")]);
        let report = Harness::of::<system_heartbeat>().service(environment).run().await;
        assert_eq!(report.sent_events.len(), 10);
        assert!(matches!(heartbeat(&report), Heartbeat::Sent { pruned: None, .. }));
    }

    #[tokio::test]
    async fn it_survives_failures() {
        for time in [NOON, MORNING, MIDNIGHT] {
            let (harness, _home) = at(time);
            harness.check_all().await;
        }
    }
}
