//! The JSON Schema of every event is a golden file; `UPDATE=1 cargo test -p events` rewrites them.

#![allow(clippy::expect_used, reason = "a test ends with its first problem")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use events as _;
use system_bus_runtime::registry::Registry;

/// The event's name is the path: `schemas/github/workflow_run.completed.json`.
fn golden(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.json"))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn schemas_are_as_reviewed() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    let schemas: BTreeMap<PathBuf, String> = Registry::linked()
        .events()
        .iter()
        .map(|event| {
            let schema = serde_json::to_string_pretty(&(event.schema)()).expect("a schema is JSON");
            (golden(&directory, event.name), format!("{schema}\n"))
        })
        .collect();
    assert!(!schemas.is_empty(), "the events are linked");
    let update = std::env::var_os("UPDATE").is_some();
    for stale in files(&directory).into_iter().filter(|path| !schemas.contains_key(path)) {
        assert!(update, "no event has the schema `{}`: remove it, or run with UPDATE=1", stale.display());
        fs::remove_file(stale).expect("can be removed");
    }
    for (path, schema) in schemas {
        if update {
            fs::create_dir_all(path.parent().expect("below the directory")).expect("can be made");
            fs::write(&path, &schema).expect("can be written");
        }
        let reviewed = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("`{}`: {error}; UPDATE=1 writes it", path.display()));
        assert_eq!(reviewed, schema, "`{}` differs; UPDATE=1 rewrites it, review the difference", path.display());
    }
}

#[test]
fn every_event_and_field_is_described() {
    for event in Registry::linked().events() {
        let schema = (event.schema)().to_value();
        assert!(!event.doc.is_empty() && schema.get("description").is_some(), "`{}` has no doc comment", event.name);
        let fields = schema.get("properties").and_then(|fields| fields.as_object()).into_iter().flatten();
        for (field, schema) in fields {
            assert!(schema.get("description").is_some(), "`{field}` of `{}` has no doc comment", event.name);
        }
    }
}
