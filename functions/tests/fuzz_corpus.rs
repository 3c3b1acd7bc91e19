//! What fuzzing has found worth keeping, run as plain tests: see `fuzz/README.md`.

// The functions of the fuzz targets, which need libFuzzer no more than this crate does.
#[path = "../../fuzz/src/corpus.rs"]
pub mod corpus;
#[path = "../../fuzz/src/webhooks/mod.rs"]
pub mod targets;

use corpus::replay;

#[test]
fn signatures() {
    replay("webhook_signature", targets::webhook_signature);
}

#[test]
fn deliveries_of_front() {
    replay("webhook_front", |input| targets::provider("front", input));
}

#[test]
fn deliveries_of_github() {
    replay("webhook_github", |input| targets::provider("github", input));
}

#[test]
fn deliveries_of_joelclaw() {
    replay("webhook_joelclaw", |input| targets::provider("joelclaw", input));
}

#[test]
fn deliveries_of_mux() {
    replay("webhook_mux", |input| targets::provider("mux", input));
}

#[test]
fn deliveries_of_telnyx() {
    replay("webhook_telnyx", |input| targets::provider("telnyx", input));
}

#[test]
fn deliveries_of_todoist() {
    replay("webhook_todoist", |input| targets::provider("todoist", input));
}

#[test]
fn deliveries_of_vercel() {
    replay("webhook_vercel", |input| targets::provider("vercel", input));
}

#[test]
fn deliveries_of_x() {
    replay("webhook_x", |input| targets::provider("x", input));
}
