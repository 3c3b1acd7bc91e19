//! The build of an application fails when the program as a whole is wrong, and says where.
//!
//! The applications are in `tests/fixtures/registry`, a workspace of its own that shares one target directory.

#![expect(clippy::disallowed_types, reason = "cargo is what is under test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn fixtures() -> PathBuf {
    Path::new(ROOT).join("tests/fixtures/registry")
}

/// Runs cargo on one of the applications, with the versions of our own lock file, so that no network is needed.
fn cargo(verb: &str, application: &str) -> Output {
    let lock = Path::new(ROOT).join("Cargo.lock");
    if lock.exists() && !fixtures().join("Cargo.lock").exists() {
        std::fs::copy(lock, fixtures().join("Cargo.lock")).expect("the lock file can be copied");
    }
    Command::new(env!("CARGO"))
        .args([verb, "--offline", "--package", application])
        .current_dir(fixtures())
        .env("CARGO_TARGET_DIR", Path::new(ROOT).join("target/fixtures"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn check_broken(application: &str, expected: &[&str]) {
    let output = cargo("build", application);
    let messages = text(&output.stderr);
    assert!(!output.status.success(), "`{application}` must not build:\n{messages}");
    for message in expected {
        assert!(messages.contains(message), "`{message}` is not in:\n{messages}");
    }
    assert!(!messages.contains("panicked"), "a build script ends without a backtrace:\n{messages}");
}

#[test]
fn a_sound_application_holds_its_manifest() {
    let output = cargo("run", "sound");
    let (manifest, messages) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{messages}");
    assert!(!messages.contains("warning: sound"), "{messages}");
    for part in [
        r#""id": "git/review""#,
        r#""file": "functions/src/git/review.rs""#,
        r#""awaits": "git/pull.closed""#,
        r#""function": "git/review-failure""#,
        r#""failure_of": "git/review""#,
        r#""if": "async.data.number == event.data.number""#,
    ] {
        assert!(manifest.contains(part), "`{part}` is not in:\n{manifest}");
    }
    assert!(!manifest.contains(ROOT), "no path is absolute:\n{manifest}");

    let again = text(&cargo("build", "sound").stderr);
    assert!(!again.contains("Compiling"), "nothing has changed:\n{again}");
}

#[test]
fn a_broken_rule_fails_the_build() {
    check_broken(
        "broken",
        &[
            "functions/src/lib.rs:21: the function id `git/review` is taken by functions/src/lib.rs:16: give this function another id",
            "functions/src/lib.rs:16: the `if` of the trigger `git/pull.opened` reads `event.data.repositry`, which `git/pull.opened` does not have: did you mean `repository`?",
            "functions/src/lib.rs:13: nobody handles `git/pull.forgotten`",
            "functions/src/lib.rs:27: no function names the failure handler `review_failed`",
        ],
    );
}

#[test]
fn a_site_that_is_not_linked_fails_the_build() {
    check_broken(
        "unlinked",
        &[
            "functions/src/forgotten.rs:11: the failure handler `forgotten_failed` is not linked into the program: name its module in the crate's `lib.rs`",
            "functions/src/forgotten.rs:6: the function `forgotten` is not linked into the program: name its module in the crate's `lib.rs`",
            "lost/src/lib.rs:6: the event `PullLost` is not linked into the program: name its crate in `build.rs` and `main.rs`, as in `use lost_functions as _;`",
            "lost/src/lib.rs:10: the function `lost` is not linked into the program",
        ],
    );
}
