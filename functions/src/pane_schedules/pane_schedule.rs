//! Wakes, starts or revives an agent at some time.
//!
//! Starts on `pane/schedule.requested`, once for a schedule's id; `pane/schedule.cancelled` ends it. The schedule is noted
//! as pending until it has been carried out, so that `pane/schedule.reconcile` finds one that has lost its run. Both carry
//! it out in the same way, and whoever comes first does.

use events::pane_schedule::{PaneScheduleCancelled, PaneScheduleRequested};
use jiff::Timestamp;
use system_bus_runtime::prelude::*;
use system_bus_runtime::service::Processes;

use super::due::{Dispatch, Outcome};
use super::schedule::{self, FAILURES, RunFailure};
use crate::clients::herdr::Herdr;
use crate::environment::Environment;

/// Wakes, starts or revives an agent at some time.
#[inngest_fn(
    id = "pane/schedule",
    name = "Pane schedule",
    event = PaneScheduleRequested,
    idempotency = "event.data.scheduleId",
    cancel_on(event = PaneScheduleCancelled, if = "event.data.scheduleId == async.data.scheduleId"),
    // Two agents that start at once would both find no workspace, and open one each.
    concurrency(limit = 1, key = "event.data.verb"),
    on_failure = pane_schedule_failed,
    role = host,
)]
pub async fn pane_schedule(
    event: Event<PaneScheduleRequested>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
    processes: Processes,
    environment: Environment,
) -> Result<Outcome> {
    let entry = &event.data;
    let invalid = |issues| Error::terminal(format!("the schedule `{}` is not valid: {issues}", entry.schedule_id));
    let due = schedule::check(entry).map_err(invalid)?;
    if !step.run("register-pending-schedule", schedule::register(entry, &state)).await? {
        return Ok(Outcome::Over);
    }
    step.sleep_until("sleep-until-due", due).await;
    // A step of its own: what the gateway is told must be the same at every attempt.
    let now = step.run("read-clock", async { Ok::<_, Error>(Timestamp::now().as_millisecond()) }).await?;
    let herdr = Herdr::new(processes, &environment);
    let dispatch = Dispatch { run: &run, state: &state, gateway: &gateway, herdr: &herdr, now, recovered: false };
    Ok(step.run("dispatch-due-schedule", dispatch.fire(entry)).await?)
}

/// Records that a schedule's run has failed, and leaves it pending: the reconciler carries it out.
#[failure_handler]
pub async fn pane_schedule_failed(failure: Failure<PaneScheduleRequested>, step: Step, state: State) -> Result<()> {
    step.run("record-schedule-run-failure", record(&failure, &state)).await?;
    Ok(())
}

async fn record(failure: &Failure<PaneScheduleRequested>, state: &State) -> Result<()> {
    let id = failure.event.data.schedule_id.trim();
    let failed = RunFailure {
        failed_at: Timestamp::now().to_string(),
        run_id: failure.run.to_string(),
        error: failure.error.to_string(),
    };
    state.hash_set(FAILURES, if id.is_empty() { "unknown" } else { id }, &failed).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use system_bus_runtime::testing::{Harness, ScriptedProcesses};

    use super::super::lane::tests::{Terminal, commands};
    use super::super::schedule::tests::{spawn, wake};
    use super::super::schedule::{End, PENDING};
    use super::*;

    const PAST: &str = "2026-01-31T09:30:00.000Z";
    const FUTURE: &str = "2099-01-31T09:30:00.000Z";
    const END: &str = "pane:schedules:end:s-1";

    fn harness(entry: PaneScheduleRequested) -> Harness {
        Harness::of::<pane_schedule>()
            .event(entry)
            .service(Environment::of::<String, String>([]))
            .service_with(|| Processes::new(ScriptedProcesses::default()))
    }

    fn end(outcome: Outcome) -> End {
        End { run_id: "another run".to_owned(), outcome }
    }

    #[tokio::test]
    async fn the_gateway_is_told_when_a_schedule_is_due() {
        let report = harness(wake(FUTURE)).run().await;
        assert_eq!(report.value::<Outcome>(), Ok(Outcome::Signalled));
        let steps = ["register-pending-schedule", "sleep-until-due", "read-clock", "dispatch-due-schedule"];
        assert_eq!(report.steps, steps);
        let [signal] = &report.notifications[..] else { panic!("one signal") };
        assert_eq!(signal.kind, "pane.schedule.due");
        let mut payload = signal.payload.clone();
        let fired_at = payload.as_object_mut().expect("an object").remove("firedAt");
        assert!(fired_at.is_some_and(|time| time.as_str().is_some_and(|time| time.ends_with('Z'))));
        let expected = json!({
            "version": 1, "scheduleId": "s-1", "verb": "wake", "at": FUTURE, "target": "observer",
            "prompt": "look at the queue", "requestedBy": "joel", "createdAt": "2026-01-31T09:00:00.000Z", "late": false,
        });
        assert_eq!(payload, expected);
        assert_eq!(report.state.value(PENDING), None);
        assert_eq!(report.state.value(END).expect("has ended")["outcome"], json!({ "status": "signalled" }));
    }

    #[tokio::test]
    async fn a_schedule_is_pending_until_it_is_due() {
        let report = harness(wake(FUTURE)).fail_step("dispatch-due-schedule", Error::retryable("no")).run().await;
        assert!(report.output.is_err());
        assert_eq!(report.state.value(PENDING), Some(json!({ "s-1": wake(FUTURE) })));
    }

    #[tokio::test]
    async fn one_that_comes_too_late_says_so() {
        let report = harness(wake(PAST)).run().await;
        assert_eq!(report.notifications[0].payload["late"], true);
        assert_eq!(report.notifications[0].payload.get("recovered"), None);
    }

    #[tokio::test]
    async fn one_that_another_run_is_carrying_out_is_left_to_it() {
        let report = harness(wake(PAST)).state("pane:schedules:claim:s-1", &"another run").run().await;
        assert_eq!(report.value::<Outcome>(), Ok(Outcome::Taken));
        assert!(report.notifications.is_empty() && report.state.value(PENDING).is_some());
    }

    #[tokio::test]
    async fn one_that_has_ended_is_not_carried_out_again() {
        for ended in [Outcome::Signalled, Outcome::Cancelled] {
            let report = harness(wake(FUTURE)).state(END, &end(ended)).run().await;
            assert_eq!(report.value::<Outcome>(), Ok(Outcome::Over));
            assert_eq!(report.steps, ["register-pending-schedule"]);
            assert!(report.notifications.is_empty() && report.state.value(PENDING).is_none());
        }
    }

    #[tokio::test]
    async fn an_agent_at_work_keeps_the_schedule_pending_and_free() {
        let brief = tempfile::NamedTempFile::new().expect("a file");
        let path = brief.path().to_str().expect("a text");
        let lane = json!({ "paneId": "w1:p2", "scheduleId": "s-0" });
        let terminal = Terminal::at_work("w1:p2").script();
        let report = harness(spawn(PAST, path))
            .service(Processes::new(terminal.clone()))
            .state_hash("pane:beats:lanes:system", [(path, lane)])
            .run()
            .await;
        assert_eq!(report.value::<Outcome>(), Ok(Outcome::Busy { pane_id: "w1:p2".to_owned() }));
        assert!(commands(&terminal).is_empty() && report.notifications.is_empty());
        assert_eq!(report.state.keys(), ["pane:beats:lanes:system", "pane:schedules:pending"]);
    }

    #[tokio::test]
    async fn a_brief_that_is_not_there_fails_the_run_for_good() {
        let report = harness(spawn(PAST, "/no/such/brief.md")).run().await;
        let error = report.output.expect_err("fails");
        assert_eq!((error.message(), error.is_retryable()), ("there is no brief `/no/such/brief.md`", false));
        assert_eq!(report.state.keys(), ["pane:schedules:pending"], "the reconciler can take it up");
    }

    #[tokio::test]
    async fn an_invalid_schedule_fails_for_good_and_is_not_noted() {
        let report = harness(PaneScheduleRequested { target: None, ..wake(FUTURE) }).run().await;
        let error = report.output.expect_err("fails");
        let message = "the schedule `s-1` is not valid: it has no `target`, which `wake` needs";
        assert_eq!((error.message(), error.is_retryable()), (message, false));
        assert!(report.steps.is_empty() && report.state.keys().is_empty());
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness(wake(FUTURE)).check_all().await;
    }

    #[tokio::test]
    async fn a_failed_run_is_recorded_and_the_schedule_stays_pending() {
        let failure = Failure::of(wake(PAST), Error::terminal("the terminal is gone"));
        let harness = Harness::failure_handler::<pane_schedule_failed>().failure(failure);
        let harness = harness.state_hash(PENDING, [("s-1", wake(PAST))]);
        let report = harness.run().await;
        let failed = &report.state.value(FAILURES).expect("is recorded")["s-1"];
        assert_eq!(failed["error"], "the terminal is gone");
        assert!(failed["runId"].is_string() && failed["failedAt"].is_string());
        assert_eq!(report.state.value(PENDING), Some(json!({ "s-1": wake(PAST) })));
        harness.check_all().await;
    }
}
