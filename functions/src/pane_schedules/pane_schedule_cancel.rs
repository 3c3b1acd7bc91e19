//! Takes a cancelled schedule off the list of pending ones.
//!
//! Starts on `pane/schedule.cancelled`, which also ends the schedule's run; that run can do nothing any more. The end that
//! is noted here keeps the reconciler, and a run that has not been ended yet, from carrying the schedule out.

use events::pane_schedule::PaneScheduleCancelled;
use system_bus_runtime::prelude::*;

use super::due::Outcome;
use super::schedule;

/// Takes a cancelled schedule off the list of pending ones; yields how the schedule ended.
#[inngest_fn(id = "pane/schedule.cancel", event = PaneScheduleCancelled, role = host)]
pub async fn pane_schedule_cancel(
    event: Event<PaneScheduleCancelled>,
    run: RunInfo,
    step: Step,
    state: State,
) -> Result<Outcome> {
    let id = event.data.schedule_id.as_str();
    if id.trim().is_empty() {
        return Err(Error::terminal("the cancellation names no schedule: `scheduleId` is blank"));
    }
    let ended = step.run("end-schedule", schedule::finish(id, &run, Outcome::Cancelled, &state)).await?;
    Ok(ended.outcome)
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::testing::Harness;

    use super::super::schedule::tests::wake;
    use super::*;

    fn harness() -> Harness {
        let cancelled = PaneScheduleCancelled {
            schedule_id: "s-1".to_owned(),
            cancelled_by: "joel".to_owned(),
            cancelled_at: "2026-01-31T09:10:00.000Z".to_owned(),
        };
        Harness::of::<pane_schedule_cancel>().event(cancelled)
    }

    #[tokio::test]
    async fn a_cancelled_schedule_is_no_longer_pending_and_stays_so() {
        let entry = wake("2099-01-31T09:30:00.000Z");
        let report = harness().state_hash("pane:schedules:pending", [("s-1", entry)]).run().await;
        assert_eq!(report.value::<Outcome>(), Ok(Outcome::Cancelled));
        assert_eq!(report.state.keys(), ["pane:schedules:end:s-1"]);
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        assert_eq!(report.state.expires_after("pane:schedules:end:s-1"), Some(month));
    }

    #[tokio::test]
    async fn a_cancellation_that_comes_too_late_says_so() {
        let end = serde_json::json!({ "runId": "another run", "outcome": { "status": "signalled" } });
        let report = harness().state("pane:schedules:end:s-1", &end).run().await;
        assert_eq!(report.value::<Outcome>(), Ok(Outcome::Signalled));
        assert_eq!(report.state.value("pane:schedules:end:s-1"), Some(end));
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness().check_all().await;
    }
}
