//! What fuzzing has found worth keeping, run as plain tests: see `fuzz/README.md`.

// The functions of the fuzz targets, which need libFuzzer no more than this crate does.
#[path = "../../fuzz/src/lib.rs"]
pub mod targets;

use std::fs;
use std::path::Path;

/// Gives every file of a committed corpus to the target.
fn replay(name: &str, target: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", directory.display())).path();
        let input = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let result = std::panic::catch_unwind(|| target(&input));
        assert!(result.is_ok(), "{}", path.display());
        count += 1;
    }
    assert!(count > 0, "{} is empty", directory.display());
}

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
