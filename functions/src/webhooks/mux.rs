//! Mux's webhook: what becomes of assets and direct uploads, and every other event that is declared.
//!
//! A delivery is signed with HMAC-SHA256 over a time and its raw body; several signatures stand in one header while a
//! secret is changed, and one that is older than five minutes is refused
//! ([vendor](https://www.mux.com/docs/core/verify-webhook-signatures)). It is repeated for 24 hours until it is accepted,
//! with the same id and another body: the attempts are listed in it.
//!
//! What has no type of its own here becomes `mux/{…}` of Mux's `video.{…}`, with Mux's data: declare a type for it, and
//! it is sent. What lets its holder read or write a file, or go on the air, is left out.

use events::mux::{
    MuxAssetCreated, MuxAssetErrored, MuxAssetReady, MuxAssetStaticRenditionReady, MuxAssetUpdated, MuxReport,
    MuxUploadAssetCreated, MuxUploadCancelled, MuxUploadCreated,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use system_bus_runtime::prelude::*;

/// Members that are as good as a password.
const SECRET_MEMBERS: [&str; 4] = ["master", "srt_passphrase", "stream_key", "url"];

/// Turns Mux's deliveries into events.
#[webhook_provider(
    id = "mux",
    signature(
        hmac_sha256,
        header = "mux-signature",
        timestamp(list, tolerance = "5m"),
        secret = "MUX_WEBHOOK_SECRET",
        lease = "mux_signing_secret",
    ),
    delivery_id(body = "/id"),
    emits(
        MuxAssetCreated,
        MuxAssetReady,
        MuxAssetErrored,
        MuxAssetUpdated,
        MuxAssetStaticRenditionReady,
        MuxUploadCreated,
        MuxUploadAssetCreated,
        MuxUploadCancelled,
        "mux/*",
    )
)]
fn mux(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let head: Head = delivery.json()?;
    let Some(name) = head.kind.strip_prefix("video.") else { return Ok(Vec::new()) };
    let report = MuxReport {
        event_type: head.kind.clone(),
        event_id: head.id.unwrap_or_default(),
        created_at: head.created_at.unwrap_or_default(),
    };
    let event = match name {
        "asset.created" => NewEvent::new(&MuxAssetCreated { report, asset: data(delivery)? }),
        "asset.ready" => NewEvent::new(&MuxAssetReady { report, asset: data(delivery)? }),
        "asset.errored" => NewEvent::new(&MuxAssetErrored { report, asset: data(delivery)? }),
        "asset.updated" => NewEvent::new(&MuxAssetUpdated { report, asset: data(delivery)? }),
        "asset.static_rendition.ready" => {
            NewEvent::new(&MuxAssetStaticRenditionReady { report, rendition: data(delivery)? })
        }
        "upload.created" => NewEvent::new(&MuxUploadCreated { report, upload: data(delivery)? }),
        "upload.asset_created" => NewEvent::new(&MuxUploadAssetCreated { report, upload: data(delivery)? }),
        "upload.cancelled" => NewEvent::new(&MuxUploadCancelled { report, upload: data(delivery)? }),
        name => any(name, &report, data(delivery)?),
    };
    Ok(vec![event?.with_id(format!("mux-{name}-{}", delivery.id))])
}

/// What the report is about.
fn data<T: DeserializeOwned>(delivery: &Delivery<'_>) -> Result<T> {
    #[derive(Deserialize)]
    #[serde(bound = "T: DeserializeOwned")]
    struct Body<T> {
        data: T,
    }
    Ok(delivery.json::<Body<T>>()?.data)
}

/// Mux's own data without secrets, and what it says of its report.
fn any(name: &str, report: &MuxReport, data: Map<String, Value>) -> Result<NewEvent> {
    #[derive(Serialize)]
    struct Any<'a> {
        #[serde(flatten)]
        data: Map<String, Value>,
        #[serde(flatten)]
        report: &'a MuxReport,
    }
    let mut data = without_secrets(data);
    for member in ["eventType", "eventId", "createdAt"] {
        data.remove(member);
    }
    let data = serde_json::value::to_raw_value(&Any { data, report })?;
    Ok(NewEvent::named(format!("mux/{name}"), data))
}

fn without_secrets(members: Map<String, Value>) -> Map<String, Value> {
    fn of_value(value: Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(without_secrets(members)),
            Value::Array(elements) => elements.into_iter().map(of_value).collect(),
            other => other,
        }
    }
    let kept = members.into_iter().filter(|(name, _)| !SECRET_MEMBERS.contains(&name.as_str()));
    kept.map(|(name, value)| (name, of_value(value))).collect()
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    created_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use system_bus_runtime::testing::WebhookHarness;
    use system_bus_runtime::webhook::Refusal;

    use super::*;

    const SECRET: &str = "mux-test-secret";
    /// When it was signed, in milliseconds since 1970.
    const SIGNED_AT: i64 = 1_735_787_045_000;
    const SIGNATURE: &str = "t=1735787045,v1=61838c0b8bd652fa7c4b175f2b7eafd1dc1ce54fc6ac790c971f07cf14c927fd";
    const BODY: &str = concat!(
        r#"{"type":"video.asset.ready","id":"3c3a4f0e-0000-4000-8000-000000000001","#,
        r#""created_at":"2025-01-02T03:04:05.000000Z","object":{"type":"asset","id":"asset_1"},"#,
        r#""environment":{"name":"Production","id":"env_1"},"data":{"id":"asset_1","status":"ready","#,
        r#""duration":12.5,"playback_ids":[{"policy":"public","id":"pb_1"}]},"attempts":[]}"#
    );

    fn mux() -> WebhookHarness {
        WebhookHarness::of("mux").secret("MUX_WEBHOOK_SECRET", SECRET).at(SIGNED_AT)
    }

    fn event(body: &Value) -> (String, String, Value) {
        mux().event(&[], body.to_string())
    }

    /// A report of this type.
    fn report(kind: &str, data: &Value) -> Value {
        json!({ "type": kind, "id": "e-1", "created_at": "2025-01-02T03:04:05.000000Z", "data": data })
    }

    #[test]
    fn the_vendors_own_vector_verifies_and_is_not_json() {
        let harness = mux().secret("MUX_WEBHOOK_SECRET", "SuperSecret123").at(1_591_664_030_000);
        let signature = "t=1591664030,v1=e43496b6aae982c4c2fd6f8e92935f1d90216f1f64d56024e72390acfb988272";
        let deliver = |harness: &WebhookHarness| harness.deliver(&[("mux-signature", signature)], "payload").map(drop);
        assert_eq!(deliver(&harness), Err(Refusal::NotJson));
        assert_eq!(deliver(&harness.at(1_591_664_030_000 + 300_001)), Err(Refusal::Signature));
    }

    #[test]
    fn a_ready_asset_becomes_its_event() {
        let (name, key, data) = mux().event(&[], BODY);
        assert_eq!(name, "mux/asset.ready");
        assert_eq!(key, "mux-asset.ready-3c3a4f0e-0000-4000-8000-000000000001");
        let expected = json!({
            "eventType": "video.asset.ready",
            "eventId": "3c3a4f0e-0000-4000-8000-000000000001",
            "createdAt": "2025-01-02T03:04:05.000000Z",
            "id": "asset_1",
            "status": "ready",
            "duration": 12.5,
            "playback_ids": [{ "policy": "public", "id": "pb_1" }],
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn what_only_resembles_a_delivery_is_refused() {
        mux().check_refusals(&[("mux-signature", SIGNATURE)], BODY);
    }

    #[test]
    fn every_listed_signature_counts_and_no_other_scheme() {
        let (time, signature) = SIGNATURE.split_once(',').expect("is a list");
        let wrong = format!("v1={}", "0".repeat(64));
        let verified = |header: &str| mux().deliver(&[("mux-signature", header)], BODY).is_ok();
        for right in [
            format!("{time},{wrong},{signature}"),
            format!("{time},{signature},{wrong}"),
            format!("{time}, v0=zz, {signature}"),
            format!("{signature},{time}"),
            format!("{time},v1=zz,{signature}"),
        ] {
            assert!(verified(&right), "{right}");
        }
        for false_one in [
            format!("{time},{wrong}"),
            format!("{time},{}", signature.replace("v1", "v2")),
            format!("{time},{},{signature}", vec![wrong; 8].join(",")),
        ] {
            assert!(!verified(&false_one), "{false_one}");
        }
    }

    #[test]
    fn a_further_attempt_is_the_same_event() {
        let again = BODY.replace("[]}", r#"[{"id":"a-1","response_status_code":500}]}"#);
        assert_ne!(again, BODY);
        assert_eq!(mux().event(&[], again), mux().event(&[], BODY));
    }

    #[test]
    fn each_type_has_its_event() {
        for (kind, expected) in [
            ("video.asset.created", "mux/asset.created"),
            ("video.asset.ready", "mux/asset.ready"),
            ("video.asset.errored", "mux/asset.errored"),
            ("video.asset.updated", "mux/asset.updated"),
            ("video.asset.static_rendition.ready", "mux/asset.static_rendition.ready"),
            ("video.upload.created", "mux/upload.created"),
            ("video.upload.asset_created", "mux/upload.asset_created"),
            ("video.upload.cancelled", "mux/upload.cancelled"),
        ] {
            let (name, key, data) =
                event(&report(kind, &json!({ "id": "o-1", "passthrough": "p", "url": "https://u" })));
            assert_eq!((name.as_str(), key), (expected, format!("{}-e-1", expected.replace('/', "-"))));
            let mut expected = json!({
                "eventType": kind, "eventId": "e-1", "createdAt": "2025-01-02T03:04:05.000000Z", "id": "o-1",
            });
            // An upload has none of its own.
            if !kind.contains("upload") {
                expected["passthrough"] = json!("p");
            }
            assert_eq!(data, expected);
        }
    }

    #[test]
    fn missing_and_null_fields_have_defaults() {
        let data = json!({ "id": "a", "status": null, "duration": null, "errors": null, "meta": null });
        let (_, key, data) =
            event(&json!({ "type": "video.asset.ready", "id": null, "created_at": null, "data": data }));
        assert!(key.starts_with("mux-asset.ready-body-"), "{key}");
        let expected = json!({ "eventType": "video.asset.ready", "eventId": "", "createdAt": "", "id": "a" });
        assert_eq!(data, expected);
    }

    #[test]
    fn other_types_are_of_no_interest() {
        for kind in ["video.live_stream.active", "video.constructor", "video.", "data.ready", "constructor", ""] {
            assert!(mux().events(&[], report(kind, &json!({})).to_string()).is_empty(), "{kind}");
        }
    }

    /// A live stream has stopped.
    #[event("mux/live_stream.disconnected")]
    struct LiveStreamDisconnected {
        /// Mux's id of the stream.
        id: String,
    }

    #[test]
    fn an_event_that_is_declared_needs_no_mapping() {
        let data = json!({
            "id": "ls-1",
            "stream_key": "s3cret",
            "eventType": "not this one",
            "simulcast_targets": [{ "id": "st-1", "stream_key": "s3cret", "url": "rtmp://live.example.com" }],
        });
        let (name, key, data) = event(&report("video.live_stream.disconnected", &data));
        assert_eq!((name.as_str(), key.as_str()), ("mux/live_stream.disconnected", "mux-live_stream.disconnected-e-1"));
        let expected = json!({
            "eventType": "video.live_stream.disconnected",
            "eventId": "e-1",
            "createdAt": "2025-01-02T03:04:05.000000Z",
            "id": "ls-1",
            "simulcast_targets": [{ "id": "st-1" }],
        });
        assert_eq!(data, expected);
        let unfit = mux().problem(&[], report("video.live_stream.disconnected", &json!({ "id": 7 })).to_string());
        assert!(unfit.contains("`mux/live_stream.disconnected` does not fit its schema: `id`"), "{unfit}");
    }

    #[test]
    fn a_body_that_does_not_fit_is_a_problem() {
        for (body, expected) in [
            (json!({}), "missing field `type`"),
            (json!({ "type": null }), "type"),
            (json!({ "type": "video.asset.ready" }), "missing field `data`"),
            (report("video.asset.ready", &Value::Null), "data"),
            (report("video.asset.ready", &json!({})), "`data`: missing field `id`"),
            (report("video.asset.ready", &json!({ "id": "a", "duration": "long" })), "data.duration"),
            (report("video.live_stream.active", &json!([])), "data"),
        ] {
            let problem = mux().problem(&[], body.to_string());
            assert!(problem.contains(expected), "{body}: {problem}");
        }
    }
}
