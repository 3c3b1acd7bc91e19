//! Wakes the system: messages reach the operator again, and one digest tells of those that have waited.
//!
//! Starts on `system/wake.requested`. Each step reads, or removes what an earlier step has read, so that it may be
//! repeated: a worker that dies anywhere loses nothing. The key goes first. Whoever speaks from then on is delivered at
//! once, so the queue is whole when it is read; it goes last, once the operator has the digest.

use events::system::SystemWakeRequested;
use serde::de::IgnoredAny;
use serde_json::Value;
use system_bus_runtime::prelude::*;
use system_bus_runtime::service::gateway::{SLEEP_KEY, SLEEP_QUEUE_KEY, SleepState};

use super::digest::{Waited, span};
use super::sleep_mode::SOURCE;

/// What waking up has brought.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Awake {
    /// Whether the system sleeps on, because this wake-up was for an earlier sleep.
    pub sleeping: bool,
    /// How many messages had waited.
    pub queued_count: usize,
    /// Whether a model has written the digest; none does yet.
    pub digest_synthesized: bool,
}

/// What the operator is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    synthesized: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slept_for: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Wakes the system and tells what has waited.
#[inngest_fn(
    id = "system-wake-requested",
    name = "System: wake mode requested",
    event = SystemWakeRequested,
    role = host,
)]
pub async fn system_wake_requested(
    event: Event<SystemWakeRequested>,
    step: Step,
    state: State,
    gateway: Gateway,
) -> Result<Awake> {
    let sleep = step.run("read-system-sleep-key", current_sleep(&state)).await?;
    let meant = event.data.since.as_deref();
    if let (Some(meant), Some(sleep)) = (meant, &sleep)
        && sleep.since != meant
    {
        return Ok(Awake { sleeping: true, queued_count: 0, digest_synthesized: false });
    }
    step.run("clear-system-sleep-key", state.remove(SLEEP_KEY)).await?;
    let waited = step.run("drain-sleep-queue", waited(&state)).await?;

    // A sleep whose time is over has left its key already, and its wake-up says since when it was.
    let since = sleep.as_ref().map(|sleep| sleep.since.as_str()).or(meant);
    let reason = sleep.as_ref().and_then(|sleep| sleep.reason.as_deref());
    let slept_for = since.and_then(|since| slept_for(since, event.ts));
    let about = Message {
        message: "☀️ The system is awake: nothing has waited".to_owned(),
        queued_count: None,
        synthesized: None,
        slept_for: slept_for.as_deref(),
        since,
        reason,
    };
    let gateway = gateway.with_source(SOURCE);
    if waited.count == 0 {
        step.run("notify-gateway-wake-empty", gateway.urgent("system.sleep.woke", about)).await?;
        return Ok(Awake { sleeping: false, queued_count: 0, digest_synthesized: false });
    }
    let digest = async { Ok::<_, Error>(waited.text(slept_for.as_deref())) };
    let digest = step.run("synthesize-wake-digest", digest).await?;
    let message = Message {
        message: format!("☀️ Wake digest\n\n{digest}"),
        queued_count: Some(waited.count),
        synthesized: Some(false),
        ..about
    };
    step.run("notify-gateway-wake-digest", gateway.urgent("system.sleep.digest", message)).await?;
    step.run("clear-sleep-queue", forget_queue(&state)).await?;
    Ok(Awake { sleeping: false, queued_count: waited.count, digest_synthesized: false })
}

/// The sleep that is on. What another program has written there may be anything, and must not keep the system asleep.
async fn current_sleep(state: &State) -> Result<Option<SleepState>> {
    match state.get(SLEEP_KEY).await {
        Err(error) if !error.is_retryable() => Ok(None),
        sleep => sleep,
    }
}

async fn waited(state: &State) -> Result<Waited> {
    let queue: Vec<Value> = state.list(SLEEP_QUEUE_KEY).await?;
    Ok(Waited::of(&queue))
}

/// Removes what was told, unless the system has been put to sleep again and the queue may hold more: the next digest
/// then tells some of it a second time.
async fn forget_queue(state: &State) -> Result<bool> {
    match state.get::<IgnoredAny>(SLEEP_KEY).await {
        Ok(Some(_)) => Ok(false),
        Err(error) if error.is_retryable() => Err(error),
        Ok(None) | Err(_) => state.remove(SLEEP_QUEUE_KEY).await,
    }
}

/// How long it was from `since` until `now`; unknown when `since` is no time.
fn slept_for(since: &str, now: i64) -> Option<String> {
    let since: jiff::Timestamp = since.parse().ok()?;
    Some(span(now.saturating_sub(since.as_millisecond())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use system_bus_runtime::service::Urgency;
    use system_bus_runtime::testing::Harness;

    use super::*;

    /// 2026-01-31T13:05:00Z
    const NOW: i64 = 1_769_864_700_000;
    const SINCE: &str = "2026-01-31T06:00:00.000Z";

    fn requested(since: Option<&str>) -> Harness {
        let data = SystemWakeRequested { since: since.map(str::to_owned) };
        Harness::of::<system_wake_requested>().event(data).now(NOW)
    }

    fn asleep() -> SleepState {
        SleepState { since: SINCE.to_owned(), reason: Some("night".to_owned()), duration: None }
    }

    fn queue() -> [Value; 2] {
        ["ci.passed", "github/push"].map(|event| json!({"event": event, "summary": format!("{event}: said")}))
    }

    #[tokio::test]
    async fn what_has_waited_is_told_in_one_digest() {
        let report = requested(None).state(SLEEP_KEY, &asleep()).state_list(SLEEP_QUEUE_KEY, queue()).run().await;
        assert_eq!(
            report.steps,
            [
                "read-system-sleep-key",
                "clear-system-sleep-key",
                "drain-sleep-queue",
                "synthesize-wake-digest",
                "notify-gateway-wake-digest",
                "clear-sleep-queue"
            ]
        );
        assert!(report.state.keys().is_empty());
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!((notification.kind.as_str(), notification.urgency), ("system.sleep.digest", Urgency::Urgent));
        assert_eq!(notification.source, "inngest/sleep-mode");
        assert_eq!(
            notification.payload,
            json!({
                "message": "☀️ Wake digest\n\nMessages that waited: 2\nSlept for: 7h 5m\nBy source:\n- ci: 1\n- github: 1\n\
                            First of them:\n- ci.passed: said\n- github/push: said",
                "queuedCount": 2, "synthesized": false, "sleptFor": "7h 5m", "since": SINCE, "reason": "night",
            })
        );
        assert_eq!(
            report.value::<Value>().unwrap(),
            json!({"sleeping": false, "queuedCount": 2, "digestSynthesized": false})
        );
    }

    #[tokio::test]
    async fn a_quiet_night_is_told_as_one() {
        let report = requested(Some(SINCE)).state(SLEEP_KEY, &asleep()).run().await;
        assert_eq!(report.steps.last().unwrap(), "notify-gateway-wake-empty");
        assert_eq!(report.notified(), ["system.sleep.woke"]);
        assert_eq!(
            report.notifications[0].payload,
            json!({
                "message": "☀️ The system is awake: nothing has waited",
                "sleptFor": "7h 5m", "since": SINCE, "reason": "night",
            })
        );
        assert!(report.state.keys().is_empty());
    }

    #[tokio::test]
    async fn a_sleep_that_is_over_by_itself_leaves_its_messages_to_the_digest() {
        let report = requested(Some(SINCE)).state_list(SLEEP_QUEUE_KEY, queue()).run().await;
        assert_eq!(report.notified(), ["system.sleep.digest"]);
        assert_eq!(report.notifications[0].payload["sleptFor"], "7h 5m");
        assert!(report.state.keys().is_empty());
    }

    #[tokio::test]
    async fn a_wake_up_of_an_earlier_sleep_does_not_end_the_next_one() {
        let harness = requested(Some("2026-01-30T06:00:00.000Z")).state(SLEEP_KEY, &asleep());
        let report = harness.state_list(SLEEP_QUEUE_KEY, queue()).run().await;
        assert_eq!((&report.steps[..], report.notifications.len()), (&["read-system-sleep-key".to_owned()][..], 0));
        assert_eq!(report.state.keys(), [SLEEP_QUEUE_KEY, SLEEP_KEY]);
        assert_eq!(report.value::<Value>().unwrap()["sleeping"], true);
    }

    #[tokio::test]
    async fn what_waits_for_the_next_digest_stays_when_the_system_sleeps_again() {
        let state = State::new(std::sync::Arc::new(system_bus_runtime::testing::MemoryState::default()));
        state.list_append(SLEEP_QUEUE_KEY, &1, None).await.unwrap();
        state.set(SLEEP_KEY, &asleep(), None).await.unwrap();
        assert!(!forget_queue(&state).await.unwrap());
        state.remove(SLEEP_KEY).await.unwrap();
        assert!(forget_queue(&state).await.unwrap());
        assert!(state.list::<Value>(SLEEP_QUEUE_KEY).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_sleep_that_another_program_has_written_ends_too() {
        for sleep in [json!({"since": "yesterday", "reason": 7}), json!(1), json!({"since": "yesterday"})] {
            let report = requested(None).state(SLEEP_KEY, &sleep).run().await;
            assert_eq!(report.notified(), ["system.sleep.woke"]);
            assert_eq!(report.notifications[0].payload.get("sleptFor"), None);
            assert!(report.state.keys().is_empty());
        }
    }

    #[tokio::test]
    async fn a_digest_that_cannot_be_told_leaves_the_queue() {
        let harness = requested(None).state_list(SLEEP_QUEUE_KEY, queue());
        let report = harness.fail_step("notify-gateway-wake-digest", Error::terminal("no")).run().await;
        assert_eq!(report.state.keys(), [SLEEP_QUEUE_KEY]);
    }

    #[tokio::test]
    async fn it_survives_failures() {
        requested(None).check_all().await;
        requested(None).state(SLEEP_KEY, &asleep()).state_list(SLEEP_QUEUE_KEY, queue()).check_all().await;
    }
}
