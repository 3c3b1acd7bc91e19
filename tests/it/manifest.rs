//! The manifest of the application is committed: what a change does to ids, triggers, steps and schemas is seen in review.

use std::path::Path;

use crate::process::Program;

#[test]
fn the_manifest_is_the_committed_one() {
    let output = Program::Application.run(&["manifest"], &[]).stdout;
    let manifest: serde_json::Value = serde_json::from_str(&output).expect("the manifest is JSON");
    let text = serde_json::to_string_pretty(&manifest).expect("JSON can be written") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/manifest.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "the manifest has changed: run `scripts/update-golden` and read the difference");
}

#[test]
fn the_manifest_names_no_place_outside_the_project() {
    let output = Program::Application.run(&["manifest"], &[]).stdout;
    assert!(!output.contains(env!("CARGO_MANIFEST_DIR")), "a path of the machine is in the manifest");
}
