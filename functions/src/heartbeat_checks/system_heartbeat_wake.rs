//! Asks for all regular checks, on demand.
//!
//! Starts on `system/heartbeat.wake`, as often as it is sent: without the pause between two heartbeats and without the
//! decision of the day. The digest is asked for once for each day, and a step that is repeated claims nothing twice. Old
//! session files are removed on the way, where `SESSION_FILE_RETENTION_DAYS` says after how many days.

use events::email::EmailTriageRequested;
use events::heartbeat::{
    CalendarDailyCheck, GatewayHealthCheckRequested, HealthMode, LoopsStaleCheck, SessionsPruneRequested,
    SystemHealthRequested, SystemHeartbeatWake, TasksTriageRequested, TriggersAuditRequested, VaultSyncCheck,
};
use events::memory::{MemoryDigestRequested, MemoryReviewCheck};
use system_bus_runtime::prelude::*;

use super::local_time::LocalTime;
use super::session_files::Pruning;
use super::{heartbeat, session_files};
use crate::environment::Environment;

/// What a heartbeat on demand did.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Woken {
    /// What was done about old files, unless that failed.
    pub pruned: Option<Pruning>,
    /// Whether the digest of the day was asked for.
    pub digest_requested: bool,
    /// Whether the operator was shown that the heart beats.
    pub shown: bool,
}

/// Asks for all regular checks, on demand.
#[inngest_fn(id = "system-heartbeat-wake", event = SystemHeartbeatWake, role = host)]
pub async fn system_heartbeat_wake(
    event: Event<SystemHeartbeatWake>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
    environment: Environment,
) -> Result<Woken> {
    // Tidying up must not hold up the checks; the next heartbeat is the other attempt.
    let pruned = step.run("prune-old-sessions", session_files::prune(environment.clone())).retries(0).await.ok();

    // The same as at the regular heartbeat. They stand in both bodies because there the registry finds who sends what.
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

    let time = LocalTime::at(event.ts)?;
    let digest_due = heartbeat::is_digest_due(&time, &run, &state, &environment);
    let digest_requested = step.run("maybe-request-daily-digest", digest_due).await?;
    if digest_requested {
        step.send_event("fan-out-daily-digest", MemoryDigestRequested {}).await?;
    }

    let shown = heartbeat::show("wake", &run, &state, &gateway);
    let shown = step.run("maybe-emit-user-visible-heartbeat", shown).await?;
    Ok(Woken { pruned, digest_requested, shown })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use system_bus_runtime::testing::Harness;
    use tempfile::TempDir;

    use super::*;
    use crate::heartbeat_checks::system_heartbeat::system_heartbeat;

    const NOON: &str = "2026-01-15T20:00:00Z";
    const MORNING: &str = "2026-01-15T16:30:00Z";
    const MIDNIGHT: &str = "2026-01-16T07:45:00Z";

    /// A heartbeat at this time, and the home directory it sees.
    fn at(harness: Harness, time: &str) -> (Harness, TempDir) {
        let home = tempfile::tempdir().expect("a directory");
        let environment = Environment::of([("HOME", home.path().to_string_lossy())]);
        let time: Timestamp = time.parse().expect("a time");
        (harness.service(environment).now(time), home)
    }

    fn woken() -> Harness {
        Harness::of::<system_heartbeat_wake>().event(SystemHeartbeatWake {})
    }

    #[tokio::test]
    async fn the_same_checks_are_asked_for_as_regularly() {
        let (on_demand, _home) = at(woken(), NOON);
        let (regular, _home) = at(Harness::of::<system_heartbeat>(), NOON);
        let sent = |harness: Harness| async move {
            let report = harness.run().await;
            report.sent_events.into_iter().map(|event| (event.name, event.data.get().to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(sent(on_demand).await, sent(regular).await);
    }

    #[tokio::test]
    async fn it_works_right_after_another_heartbeat() {
        let (harness, _home) = at(woken(), NOON);
        let report = harness.state("heartbeat:last-run", &1).state("heartbeat:shown", &"another run").run().await;
        let pruned = Some(Pruning::SwitchedOff { turned_on_by: "SESSION_FILE_RETENTION_DAYS".to_owned() });
        assert_eq!(report.value::<Woken>(), Ok(Woken { pruned, digest_requested: false, shown: false }));
        assert_eq!(report.sent_events.len(), 10);
    }

    #[tokio::test]
    async fn the_digest_is_asked_for_once_whoever_comes_first() {
        let (harness, _home) = at(woken(), MIDNIGHT);
        assert_eq!(harness.run().await.sent::<MemoryDigestRequested>().len(), 1);
        let (harness, _home) = at(woken(), MIDNIGHT);
        let report = harness.state("heartbeat:digest:2026-01-15", &"another run").run().await;
        assert!(report.sent::<MemoryDigestRequested>().is_empty());
    }

    #[tokio::test]
    async fn no_decision_is_asked_for() {
        let (harness, _home) = at(woken(), MORNING);
        assert_eq!(harness.run().await.sent_events.len(), 10);
    }

    #[tokio::test]
    async fn it_survives_failures() {
        for time in [NOON, MIDNIGHT] {
            let (harness, _home) = at(woken(), time);
            harness.check_all().await;
        }
    }
}
