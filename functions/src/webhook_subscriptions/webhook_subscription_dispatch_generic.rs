//! Delivers what the video service reports to the sessions that subscribed to it.
//!
//! Starts on the events of Mux. A report that is delivered again within 7 days reaches nobody twice: it is known by
//! Mux's id of the report. The claim of a delivery holds the run's id, so that a step which is repeated goes on with it,
//! and each subscription has steps of its own.

use events::mux::{
    MuxAssetCreated, MuxAssetErrored, MuxAssetReady, MuxAssetStaticRenditionReady, MuxAssetUpdated,
    MuxUploadAssetCreated, MuxUploadCancelled, MuxUploadCreated,
};
use serde_json::{Map, Value};
use system_bus_runtime::prelude::*;

use super::delivery::{Courier, Dispatched, Webhook};
use super::subscription::find;
use crate::environment::Environment;

/// Characters of the data that a session is shown; all of it is in the message beside.
const SHOWN_MAX: usize = 8_000;

/// Delivers what the video service reports to the sessions that subscribed to it.
#[inngest_fn(
    id = "webhook-subscription-dispatch-generic",
    name = "Webhook subscriptions: events of any vendor",
    event = MuxAssetCreated,
    event = MuxAssetReady,
    event = MuxAssetErrored,
    event = MuxAssetUpdated,
    event = MuxAssetStaticRenditionReady,
    event = MuxUploadCreated,
    event = MuxUploadAssetCreated,
    event = MuxUploadCancelled,
    retries = 2,
    concurrency(limit = 8, key = "event.name"),
    role = any,
)]
pub async fn webhook_subscription_dispatch_generic(
    event: Event<AnyEvent>,
    run: RunInfo,
    step: Step,
    state: State,
    gateway: Gateway,
    environment: Environment,
) -> Result<Dispatched> {
    let webhook = webhook(&event)?;
    let found = find(&webhook.provider, &webhook.event, &webhook.data, webhook.ts, &state);
    let found = step.run("match-subscriptions", found).await?;
    let courier = Courier { run: &run, state: &state, gateway: &gateway, environment: &environment };
    courier.dispatch(&step, &webhook, &found).await
}

fn webhook(event: &Event<AnyEvent>) -> Result<Webhook> {
    let Some((provider, name)) = event.name.split_once('/') else {
        return Err(Error::terminal(format!("`{}` names no vendor", event.name)));
    };
    let data = event.data.data.as_object().cloned().unwrap_or_default();
    // The data's `id` is that of the asset, which has many reports.
    let report = data.get("eventId").and_then(Value::as_str).filter(|id| !id.trim().is_empty());
    let delivery = format!("{name}:{}", report.unwrap_or(&event.id));
    let prompt = prompt(provider, name, &data)?;
    Ok(Webhook { provider: provider.to_owned(), event: name.to_owned(), delivery, data, prompt, ts: event.ts })
}

fn prompt(provider: &str, name: &str, data: &Map<String, Value>) -> Result<String> {
    let json = serde_json::to_string_pretty(data)?;
    let mut shown: String = json.chars().take(SHOWN_MAX).collect();
    if shown.len() < json.len() {
        shown.push_str("\n…");
    }
    Ok(format!(
        "## 🔔 {provider}: {name}\n\nYou subscribed to this event. See whether it asks for something.\n\n```json\n{shown}\n```"
    ))
}

#[cfg(test)]
mod tests {
    use events::mux::{MuxAsset, MuxReport};
    use serde_json::json;
    use system_bus_runtime::testing::{Harness, Report};

    use super::*;

    const CLAIM: &str = "joelclaw:webhook:dedup:a:asset.updated:report-1";

    fn updated(report: &str) -> MuxAssetUpdated {
        MuxAssetUpdated {
            report: MuxReport {
                event_type: "video.asset.updated".to_owned(),
                event_id: report.to_owned(),
                ..MuxReport::default()
            },
            asset: MuxAsset { id: "asset-1".to_owned(), ..MuxAsset::default() },
        }
    }

    fn subscription(id: &str, session: Option<&str>) -> (String, Value) {
        let record = json!({
            "id": id, "provider": "mux", "event": "asset.updated", "sessionId": session, "active": true,
            "createdAt": "2026-01-01T00:00:00.000Z",
        });
        (id.to_owned(), record)
    }

    /// Of two subscriptions one has a session.
    fn harness(report: &str) -> Harness {
        Harness::of::<webhook_subscription_dispatch_generic>()
            .event(updated(report))
            .now(1_769_851_800_000)
            .service(Environment::of::<String, String>([]))
            .state_hash("joelclaw:webhook:subscriptions", [subscription("a", Some("pi-7")), subscription("b", None)])
            .state_set("joelclaw:webhook:index:mux:asset.updated", ["a", "b"])
    }

    fn dispatched(report: &Report) -> Dispatched {
        report.value().expect("succeeds")
    }

    fn history(report: &Report, id: &str) -> Vec<Value> {
        let list = report.state.value(&format!("joelclaw:webhook:events:{id}"));
        list.and_then(|list| list.as_array().cloned()).unwrap_or_default()
    }

    #[tokio::test]
    async fn every_subscriber_gets_the_event_and_a_session_is_told() {
        let report = harness("report-1").run().await;
        let expected = Dispatched {
            matched_subscriptions: 2,
            delivered: 2,
            duplicates: 0,
            notified_sessions: 1,
            removed: 0,
            left_out: 0,
        };
        assert_eq!(dispatched(&report), expected);
        let [envelope] = &history(&report, "a")[..] else { panic!("one envelope") };
        assert_eq!(envelope["type"], "webhook.subscription.matched");
        assert_eq!((&envelope["subscriptionId"], &envelope["ts"]), (&json!("a"), &json!("2026-01-31T09:30:00.000Z")));
        let data = &envelope["data"];
        assert_eq!(
            (&data["id"], &data["provider"], &data["event"]),
            (&json!("asset-1"), &json!("mux"), &json!("asset.updated"))
        );
        assert_eq!((&data["subscriptionId"], &data["matchedAt"]), (&json!("a"), &json!("2026-01-31T09:30:00.000Z")));
        let published = report.state.published();
        let channels: Vec<_> = published.iter().map(|(channel, _)| channel.as_str()).collect();
        assert_eq!(channels, ["joelclaw:webhook:notify:a", "joelclaw:webhook:notify:b"]);
        assert_eq!(serde_json::from_str::<Value>(&published[0].1).expect("is JSON"), *envelope);

        let [message] = &report.notifications[..] else { panic!("one message") };
        assert_eq!(
            (message.kind.as_str(), message.origin_session.as_deref()),
            ("webhook.subscription.matched", Some("pi-7"))
        );
        assert_eq!(message.source, "inngest/mux/asset.updated");
        assert_eq!(
            (&message.payload["originSession"], &message.payload["eventId"]),
            (&json!("pi-7"), &json!("report-1"))
        );
        let prompt = message.payload["prompt"].as_str().expect("a text");
        assert!(prompt.starts_with("## 🔔 mux: asset.updated\n") && prompt.contains("\"id\": \"asset-1\""), "{prompt}");
    }

    #[tokio::test]
    async fn a_second_report_about_the_same_asset_is_no_repetition() {
        let report = harness("report-2").state(CLAIM, &"another run").run().await;
        assert_eq!(dispatched(&report).delivered, 2);
    }

    #[tokio::test]
    async fn a_report_that_another_run_has_delivered_is_a_repetition() {
        let report = harness("report-1").state(CLAIM, &"another run").run().await;
        let Dispatched { delivered, duplicates, notified_sessions, .. } = dispatched(&report);
        assert_eq!((delivered, duplicates, notified_sessions), (1, 1, 0));
        assert!(history(&report, "a").is_empty() && report.notifications.is_empty());
        assert_eq!(report.state.value(CLAIM), Some(json!("another run")));
    }

    #[tokio::test]
    async fn a_report_without_an_id_is_known_by_its_event() {
        let report = harness("").run().await;
        let claim = |key: &&String| key.starts_with("joelclaw:webhook:dedup:a:");
        let keys = report.state.keys();
        assert_eq!(keys.iter().find(claim).map(String::as_str), Some("joelclaw:webhook:dedup:a:asset.updated:event-0"));
    }

    #[tokio::test]
    async fn a_delivery_that_fails_keeps_nobody_waiting_and_can_be_replayed() {
        // The list of `a` is no list.
        let report = harness("report-1").state("joelclaw:webhook:events:a", &1).run().await;
        let error = report.output.as_ref().expect_err("fails");
        assert!(!error.is_retryable(), "{error}");
        assert!(error.message().starts_with("1 of 2 subscriptions did not get the event: `a`: "), "{error}");
        assert_eq!(history(&report, "b").len(), 1);
        assert!(report.notifications.is_empty());
        assert_eq!(report.state.value(CLAIM), None, "a replay is no repetition");
        assert!(report.state.value("joelclaw:webhook:dedup:b:asset.updated:report-1").is_some(), "but it is for `b`");
    }

    #[tokio::test]
    async fn an_attempt_goes_on_with_what_it_has_claimed() {
        let run = harness("report-1").run().await.state.value(CLAIM).expect("is claimed");
        let report = harness("report-1").state(CLAIM, &run).run().await;
        assert_eq!((dispatched(&report).delivered, history(&report, "a").len()), (2, 1));
        let envelope = history(&report, "a");
        // The attempt before has even filled the list.
        let report =
            harness("report-1").state(CLAIM, &run).state_list("joelclaw:webhook:events:a", &envelope).run().await;
        assert_eq!(history(&report, "a"), envelope);
        assert_eq!(report.notified().len(), 1);
    }

    #[tokio::test]
    async fn history_and_memory_have_the_bounds_that_the_environment_sets() {
        let environment = |history: &str, dedup: &str| {
            Environment::of([
                ("WEBHOOK_SUBSCRIPTION_EVENT_HISTORY_LIMIT", history),
                ("WEBHOOK_SUBSCRIPTION_DEDUP_TTL_SECONDS", dedup),
            ])
        };
        let old = (0..250).map(|index| json!({ "id": index }));
        let filled = || harness("report-1").state_list("joelclaw:webhook:events:a", old.clone());
        let report = filled().run().await;
        assert_eq!(history(&report, "a").len(), 200);
        assert_eq!(report.state.expires_after(CLAIM), Some(Duration::from_secs(7 * 24 * 60 * 60)));
        let report = filled().service(environment("3", "90")).run().await;
        assert_eq!(history(&report, "a")[1..], [json!({ "id": 0 }), json!({ "id": 1 })]);
        assert_eq!(report.state.expires_after(CLAIM), Some(Duration::from_secs(90)));
        let report = filled().service(environment("0", "1")).run().await;
        assert_eq!(history(&report, "a").len(), 1);
        assert_eq!(report.state.expires_after(CLAIM), Some(Duration::from_secs(60)));
        let report = filled().service(environment("many", "1")).run().await;
        assert!(report.output.expect_err("fails").message().contains("`WEBHOOK_SUBSCRIPTION_EVENT_HISTORY_LIMIT`"));
    }

    #[tokio::test]
    async fn an_event_that_nobody_subscribed_to_is_done_at_once() {
        let report = Harness::of::<webhook_subscription_dispatch_generic>()
            .event(MuxUploadCancelled::default())
            .service(Environment::of::<String, String>([]))
            .run()
            .await;
        assert_eq!(dispatched(&report).matched_subscriptions, 0);
        assert_eq!(report.steps, ["match-subscriptions"]);
    }

    #[tokio::test]
    async fn a_large_event_is_shown_in_part() {
        let data = json!({ "text": "ü".repeat(20_000) });
        let prompt = prompt("mux", "asset.ready", data.as_object().expect("an object")).expect("is written");
        assert!(prompt.chars().count() < 8_200 && prompt.ends_with("\n…\n```"));
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness("report-1").check_all().await;
    }
}
