//! What build scripts call: the module list of a crate of functions, and the checks of a whole program.
//!
//! A crate whose files are its functions has this `build.rs`, and `include!(concat!(env!("OUT_DIR"), "/modules.rs"));`
//! in its `lib.rs`:
//!
//! ```text
//! fn main() {
//!     system_bus_runtime::build::modules("src");
//! }
//! ```
//!
//! An application has this one, where `functions` is a build dependency, named so that it is linked:
//!
//! ```text
//! use functions as _;
//!
//! fn main() {
//!     system_bus_runtime::build::registry();
//! }
//! ```
//!
//! It fails the build when the program as a whole is wrong, and writes `$OUT_DIR/manifest.json`, which the binary
//! holds by `include_str!(concat!(env!("OUT_DIR"), "/manifest.json"))`.

mod attributes;
mod modules;
mod scan;

use std::path::{Path, PathBuf};

use crate::registry::Registry;
use crate::registry::check::{Severity, check};
use crate::registry::manifest::Manifest;

pub use modules::modules_source;
pub use scan::{Scan, scan};

/// Writes `$OUT_DIR/modules.rs`, which declares every module below `directory` (relative to the package).
///
/// Ends the process with status 1 when a file cannot be a module.
pub fn modules(directory: &str) {
    println!("cargo::rerun-if-changed={directory}");
    let outcome = variable("CARGO_MANIFEST_DIR").and_then(|package| {
        let source = modules_source(&package.join(directory))?;
        write("modules.rs", &source)
    });
    finish(outcome.map_err(|message| vec![message]));
}

/// Checks the functions and events that are linked into the build script, and writes `$OUT_DIR/manifest.json`.
///
/// Ends the process with status 1 when a rule is broken; each broken rule is one line with file, line and fix.
pub fn registry() {
    finish(check_program(&Registry::linked()));
}

fn check_program(registry: &Registry) -> Result<(), Vec<String>> {
    let root = variable("CARGO_MANIFEST_DIR").map_err(|message| vec![message])?;
    let scan = scan(&root);
    println!("cargo::rerun-if-changed=build.rs");
    for watched in &scan.watched {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    let mut errors = scan.errors;
    for problem in check(registry, &scan.sites, Some(&root)) {
        match problem.severity {
            Severity::Warning => println!("cargo::warning={problem}"),
            Severity::Error => errors.push(problem.to_string()),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    write("manifest.json", &Manifest::below(registry, Some(&root)).to_json()).map_err(|message| vec![message])
}

/// A panic would bury the message under a backtrace; an exit status does not.
fn finish(outcome: Result<(), Vec<String>>) {
    let Err(errors) = outcome else { return };
    for error in errors {
        let error = error.replace('\n', " ");
        eprintln!("error: {error}");
        println!("cargo::error={error}");
    }
    std::process::exit(1);
}

fn variable(name: &str) -> Result<PathBuf, String> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| format!("`{name}` is not set: call this from a `build.rs` that cargo runs"))
}

/// An unchanged file keeps its time, so that nothing is built again because of it.
fn write(name: &str, text: &str) -> Result<(), String> {
    let path = variable("OUT_DIR")?.join(name);
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(&path, text).map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
}

/// The entries of a directory, sorted by name, without hidden ones.
fn entries(directory: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let failed = |error: std::io::Error| format!("`{}` cannot be read: {error}", directory.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !name.starts_with('.') {
            found.push((name.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}
