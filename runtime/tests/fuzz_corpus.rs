//! What fuzzing has found worth keeping, run as plain tests: see `fuzz/README.md`.

// The functions of the fuzz targets, which need libFuzzer no more than this crate does.
#[path = "../../fuzz/src/corpus.rs"]
pub mod corpus;
#[path = "../../fuzz/src/server/mod.rs"]
pub mod targets;

use corpus::replay;

#[test]
fn call_requests() {
    replay("call_request", targets::call_request);
}

#[test]
fn signature_headers() {
    replay("signature_header", targets::signature_header);
}

#[test]
fn time_strings() {
    replay("time_string", targets::time_string);
}

#[test]
fn connect_frames() {
    replay("connect_frame", targets::connect_frame);
}
