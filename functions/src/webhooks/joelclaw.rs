//! The site's own webhook: it sends events by their name, of which only those in `emits` get through.
//!
//! A delivery is signed with HMAC-SHA256, over `{timestamp}.{body}` when the header `x-joelclaw-timestamp` tells the
//! time in seconds since 1970, which is then good for five minutes, else over the body alone.

use events::content::ContentReviewSubmitted;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use system_bus_runtime::prelude::*;

/// Takes in the events that the site sends.
#[webhook_provider(
    id = "joelclaw",
    signature(
        hmac_sha256,
        header = "x-joelclaw-signature",
        timestamp(header = "x-joelclaw-timestamp", join = ".", tolerance = "5m"),
        secret = "JOELCLAW_WEBHOOK_SECRET",
        lease = "joelclaw_webhook_secret",
    ),
    signature(
        hmac_sha256,
        header = "x-joelclaw-signature",
        secret = "JOELCLAW_WEBHOOK_SECRET",
        lease = "joelclaw_webhook_secret",
    ),
    emits(ContentReviewSubmitted)
)]
fn joelclaw(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let body: Body = delivery.json()?;
    // Nothing else is signed that tells one event from another.
    let hash = hex::encode(Sha256::digest(serde_json::to_vec(&body)?));
    let key = format!("joelclaw-{}-{}", body.name, &hash[..16]);
    Ok(vec![NewEvent::named(body.name, body.data).with_id(key)])
}

#[derive(Serialize, Deserialize)]
struct Body {
    name: String,
    data: Box<RawValue>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use system_bus_runtime::testing::WebhookHarness;
    use system_bus_runtime::webhook::Refusal;

    const SECRET: &str = "joelclaw-test-secret";
    const SIGNATURE: &str = "ff62cb28d484077e39787d86128119718f327d4556efac70ec6b32714f42c337";
    const TIME: &str = "1735787045";
    const TIMED_SIGNATURE: &str = "83350d3659648867fb44bf28bd96800bd49dd36f1e1d5ae6c5141d556b059000";
    const BODY: &str = concat!(
        r#"{"name":"content/review.submitted","data":{"contentSlug":"hello-world","contentType":"article","#,
        r#""source":"joelclaw-web"}}"#
    );

    fn joelclaw() -> WebhookHarness {
        WebhookHarness::of("joelclaw").secret("JOELCLAW_WEBHOOK_SECRET", SECRET).at(1_735_787_045_000)
    }

    fn problem(body: &Value) -> String {
        joelclaw().problem(&[], body.to_string())
    }

    #[test]
    fn a_review_becomes_its_event() {
        let (name, key, data) = joelclaw().event(&[], BODY);
        assert_eq!(name, "content/review.submitted");
        assert_eq!(key, "joelclaw-content/review.submitted-5f20a4ae5026f0f3");
        let expected = json!({ "contentSlug": "hello-world", "contentType": "article", "source": "joelclaw-web" });
        assert_eq!(data, expected);
    }

    #[test]
    fn what_only_resembles_a_delivery_is_refused() {
        joelclaw().check_refusals(&[("x-joelclaw-signature", SIGNATURE)], BODY);
    }

    #[test]
    fn what_only_resembles_a_delivery_with_its_time_is_refused() {
        let headers = [("x-joelclaw-timestamp", TIME), ("x-joelclaw-signature", TIMED_SIGNATURE)];
        joelclaw().check_refusals(&headers, BODY);
    }

    #[test]
    fn neither_signature_serves_for_the_other_form() {
        let timed = |signature, body: &str| {
            let headers = [("x-joelclaw-timestamp", TIME), ("x-joelclaw-signature", signature)];
            joelclaw().deliver(&headers, body).map(drop)
        };
        let plain = |signature, body: &str| joelclaw().deliver(&[("x-joelclaw-signature", signature)], body).map(drop);
        assert_eq!(plain(TIMED_SIGNATURE, BODY), Err(Refusal::Signature));
        // The text that was signed, as a body: it verifies, and is none.
        assert_eq!(plain(TIMED_SIGNATURE, &format!("{TIME}.{BODY}")), Err(Refusal::NotJson));
        // What a sender signs without the time may still come with one.
        assert_eq!(timed(SIGNATURE, BODY), Ok(()));
    }

    #[test]
    fn the_key_is_that_of_the_content() {
        let key = |body: &str| joelclaw().event(&[], body).1;
        let spaced = BODY.replacen('{', "{ ", 1).replace(",\"data\":", ", \"sent\": 7, \"data\" : ");
        assert_ne!(spaced, BODY);
        assert_eq!(key(&spaced), key(BODY));
        assert_ne!(key(&BODY.replace("hello-world", "hello-moon")), key(BODY));
    }

    #[test]
    fn an_optional_field_may_be_missing_or_null() {
        for (id, expected) in [(json!(null), json!(null)), (json!("r-1"), json!("r-1"))] {
            let mut body: Value = serde_json::from_str(BODY).expect("is JSON");
            body["data"]["resourceId"] = id;
            assert_eq!(joelclaw().event(&[], body.to_string()).2["resourceId"], expected);
        }
    }

    #[test]
    fn only_declared_names_get_through() {
        for name in
            ["github/workflow_run.completed", "content/review", "constructor", "__proto__", "", "inngest/x", " "]
        {
            let problem = problem(&json!({ "name": name, "data": {} }));
            assert!(problem.starts_with(&format!("`joelclaw` may not send `{name}`")), "{name}: {problem}");
        }
        let long = problem(&json!({ "name": "a".repeat(500_000), "data": {} }));
        assert!(long.len() < 500, "{} bytes", long.len());
    }

    #[test]
    fn a_body_that_does_not_fit_is_a_problem() {
        let name = "content/review.submitted";
        for (body, expected) in [
            (json!({}), "missing field `name`"),
            (json!({ "name": null, "data": {} }), "name"),
            (json!({ "name": 7, "data": {} }), "name"),
            (json!({ "name": name }), "missing field `data`"),
            (json!({ "name": name, "data": null }), "does not fit its schema"),
            (json!({ "name": name, "data": [] }), "must be a JSON object"),
            (json!({ "name": name, "data": ["hello-world", "article", "joelclaw-web"] }), "must be a JSON object"),
            (json!({ "name": name, "data": "text" }), "must be a JSON object"),
            (json!({ "name": name, "data": { "contentSlug": 7 } }), "does not fit its schema: `contentSlug`"),
            (json!({ "name": name, "data": { "contentSlug": "a", "contentType": "b" } }), "missing field `source`"),
        ] {
            let problem = problem(&body);
            assert!(problem.contains(expected), "{body}: {problem}");
        }
    }
}
