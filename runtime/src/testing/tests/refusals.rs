//! What a provider does wrong is found; one that does nothing wrong passes.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::error::Result;
use crate::event::NewEvent;
use crate::testing::WebhookHarness;
use crate::webhook::Delivery;

const BODY: &str = r#"{"kind":"moved","place":{"x":1}}"#;

/// Something was moved.
#[crate::event("kit/thing.moved")]
struct ThingMoved {
    /// The kind.
    kind: String,
}

/// Does it right.
#[crate::webhook_provider(
    id = "kit-careful",
    signature(hmac_sha256, header = "x-kit-signature", secret = "KIT_SECRET"),
    emits(ThingMoved)
)]
fn careful(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(&delivery.json::<ThingMoved>()?)?])
}

/// Counts, takes anything, and believes a body with something around it.
#[crate::webhook_provider(
    id = "kit-careless",
    signature(hmac_sha256, header = "x-kit-signature", secret = "KIT_SECRET", also = without_junk),
    emits(ThingMoved)
)]
fn careless(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let body: Value = serde_json::from_slice(delivery.body)?;
    let kind = body["kind"].as_str().unwrap_or_default().to_owned();
    let key = format!("kit-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    Ok(vec![NewEvent::new(&ThingMoved { kind })?.with_id(key)])
}

fn without_junk(body: &[u8]) -> Option<Vec<u8>> {
    body.strip_prefix(b"\xef\xbb\xbf").or_else(|| body.strip_suffix(b"{}")).map(<[u8]>::to_vec)
}

/// What is found of a provider; `None` when it passes.
fn found(id: &str, break_it: impl Fn(WebhookHarness) -> WebhookHarness) -> Option<String> {
    let harness = WebhookHarness::of(id).secret("KIT_SECRET", "s3cret");
    let signed = harness.signed(BODY);
    let headers: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let harness = break_it(harness);
    let check = std::panic::AssertUnwindSafe(|| harness.check_refusals(&headers, BODY));
    let panic = std::panic::catch_unwind(check).err()?;
    panic.downcast::<String>().ok().map(|text| *text)
}

#[test]
fn a_careful_provider_passes() {
    assert_eq!(found("kit-careful", |harness| harness), None);
}

#[test]
fn what_a_careless_provider_does_is_listed() {
    let found = found("kit-careless", |harness| harness).expect("is found");
    for expected in [
        "`kit-careless`:",
        "a body with a byte order mark: not refused",
        "a body with something behind it: not refused",
        "at 86400000 it is not the same",
        "null is no object",
        "[] is no object",
    ] {
        assert!(found.contains(expected), "{expected}: {found}");
    }
    assert_eq!(
        found.lines().filter(|line| line.contains("spelling") || line.contains("altered")).count(),
        0,
        "{found}"
    );
}

#[test]
fn a_delivery_that_is_not_accepted_shows_nothing() {
    let found = found("kit-careful", |harness| harness.secret("KIT_SECRET", "another")).expect("is found");
    assert!(found.starts_with("the delivery that should be accepted is not: Err(Signature)"), "{found}");
}
