//! Puts the system to sleep: from then on only urgent messages reach the operator, the rest waits for the digest.
//!
//! Starts on `system/sleep.requested`. With a duration the run lasts until it is over and asks for the wake-up, so that
//! nothing waits longer than it must; a later request replaces it and a wake-up ends it. All that it writes follows from
//! the event, so that a step may be repeated.

use events::system::{SystemSleepRequested, SystemWakeRequested};
use system_bus_runtime::prelude::*;
use system_bus_runtime::service::gateway::{SLEEP_KEY, SleepState, iso_time};

use super::sleep_mode::{SOURCE, parse_duration};

/// Characters of a reason that are kept.
const REASON_LENGTH_MAX: usize = 500;

/// How the system sleeps.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asleep {
    /// Always.
    pub sleeping: bool,
    /// Since when, in ISO 8601.
    pub since: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For how long, as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// The same in seconds; none without end.
    pub ttl_seconds: Option<u64>,
}

/// What the operator is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    message: String,
    since: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<&'a str>,
    ttl_seconds: Option<u64>,
}

/// Puts the system to sleep, for a while or until it is woken.
#[inngest_fn(
    id = "system-sleep-requested",
    name = "System: sleep mode requested",
    event = SystemSleepRequested,
    cancel_on(event = SystemSleepRequested),
    // The wake-up that this run asks for names its sleep and is not for another one.
    cancel_on(event = SystemWakeRequested, if = "async.data.since == null"),
    role = host,
)]
pub async fn system_sleep_requested(
    event: Event<SystemSleepRequested>,
    step: Step,
    state: State,
    gateway: Gateway,
) -> Result<Asleep> {
    let reason = event.data.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| reason.chars().take(REASON_LENGTH_MAX).collect::<String>());
    let duration = event.data.duration.as_deref().map(str::trim).filter(|duration| !duration.is_empty());
    let lasts = duration.map(parse_duration).transpose()?;
    let sleep = SleepState { since: iso_time(event.ts), reason, duration: duration.map(str::to_owned) };
    let ttl_seconds = lasts.map(|lasts| lasts.as_secs());

    step.run("set-system-sleep-key", state.set(SLEEP_KEY, &sleep, lasts)).await?;
    let gateway = gateway.with_source(SOURCE);
    let message = message(&sleep, ttl_seconds);
    let told = step.run("notify-gateway-sleep-activated", gateway.urgent("system.sleep.activated", message)).await;
    if let Some(seconds) = ttl_seconds {
        let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        step.sleep_until("sleep-until-over", event.ts.saturating_add(millis)).await;
        step.send_event("wake", SystemWakeRequested { since: Some(sleep.since.clone()) }).await?;
    }
    // The system sleeps all the same, so this fails the run only after its wake-up is sure.
    told?;
    Ok(Asleep { sleeping: true, since: sleep.since, reason: sleep.reason, duration: sleep.duration, ttl_seconds })
}

fn message(sleep: &SleepState, ttl_seconds: Option<u64>) -> Message<'_> {
    let duration = sleep.duration.as_ref().map(|duration| format!("for {duration}"));
    let reason = sleep.reason.as_ref().map(|reason| format!("reason: {reason}"));
    let details: Vec<String> = duration.into_iter().chain(reason).collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    Message {
        message: format!("🌙 The system sleeps{details}"),
        since: &sleep.since,
        reason: sleep.reason.as_deref(),
        duration: sleep.duration.as_deref(),
        ttl_seconds,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use system_bus_runtime::service::Urgency;
    use system_bus_runtime::testing::Harness;

    use super::*;

    /// 2026-01-31T06:00:00.250Z
    const NOW: i64 = 1_769_839_200_250;

    fn requested(duration: Option<&str>, reason: Option<&str>) -> Harness {
        let data = SystemSleepRequested { duration: duration.map(str::to_owned), reason: reason.map(str::to_owned) };
        Harness::of::<system_sleep_requested>().event(data).now(NOW)
    }

    #[tokio::test]
    async fn a_sleep_without_a_duration_lasts_until_it_is_woken() {
        let report = requested(None, Some("  ")).run().await;
        assert_eq!(report.steps, ["set-system-sleep-key", "notify-gateway-sleep-activated"]);
        assert_eq!(report.state.value(SLEEP_KEY), Some(json!({"since": "2026-01-31T06:00:00.250Z"})));
        assert_eq!(report.state.expires_after(SLEEP_KEY), None);
        assert!(report.sent_events.is_empty());
        assert_eq!(
            report.value::<Value>().unwrap(),
            json!({"sleeping": true, "since": "2026-01-31T06:00:00.250Z", "ttlSeconds": null})
        );
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!((notification.kind.as_str(), notification.urgency), ("system.sleep.activated", Urgency::Urgent));
        assert_eq!(notification.source, "inngest/sleep-mode");
        assert_eq!(notification.payload["message"], "🌙 The system sleeps");
    }

    #[tokio::test]
    async fn a_sleep_with_a_duration_wakes_at_its_end() {
        let report = requested(Some(" 1h30m "), Some("night")).run().await;
        assert_eq!(
            report.steps,
            ["set-system-sleep-key", "notify-gateway-sleep-activated", "sleep-until-over", "wake"]
        );
        let since = Some("2026-01-31T06:00:00.250Z".to_owned());
        assert_eq!(report.sent::<SystemWakeRequested>(), [SystemWakeRequested { since: since.clone() }]);
        assert_eq!(report.state.value(SLEEP_KEY), None, "its time is over");
        assert_eq!(
            report.value::<Value>().unwrap(),
            json!({"sleeping": true, "since": since, "reason": "night", "duration": "1h30m", "ttlSeconds": 5400})
        );
        let payload = &report.notifications[0].payload;
        assert_eq!(payload["message"], "🌙 The system sleeps (for 1h30m, reason: night)");
        assert_eq!((&payload["ttlSeconds"], &payload["duration"]), (&json!(5400), &json!("1h30m")));
    }

    #[tokio::test]
    async fn an_invalid_duration_ends_the_run_and_nothing_sleeps() {
        let report = requested(Some("soon"), None).run().await;
        assert!(report.output.unwrap_err().message().contains("`soon` is not a duration"));
        assert!(report.state.keys().is_empty() && report.notifications.is_empty());
    }

    #[tokio::test]
    async fn a_gateway_that_is_away_does_not_keep_the_system_asleep() {
        let harness = requested(Some("1h"), None).fail_step("notify-gateway-sleep-activated", Error::terminal("no"));
        let report = harness.run().await;
        assert_eq!(report.sent::<SystemWakeRequested>().len(), 1);
        assert_eq!(report.output.unwrap_err().message(), "no");
    }

    #[tokio::test]
    async fn it_survives_failures() {
        requested(None, None).check_all().await;
        requested(Some("1d"), Some("night")).check_all().await;
    }
}
