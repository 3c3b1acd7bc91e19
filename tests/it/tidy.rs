//! House rules that a reader would otherwise have to repeat in review.

use std::path::{Path, PathBuf};

/// Every source file of the project, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory of the project can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    open.push(path);
                }
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).expect("a source file can be read");
                found.push((path.strip_prefix(root).expect("it is below the root").to_owned(), text));
            }
        }
    }
    assert!(found.len() > 100, "the search has lost most of the project");
    found
}

/// The files in which a line matches, as `path:line`.
#[track_caller]
fn check_absent(why: &str, is_in_scope: impl Fn(&str) -> bool, is_wrong: impl Fn(&str) -> bool) {
    let mut places = Vec::new();
    for (path, text) in sources() {
        let path = path.to_string_lossy().into_owned();
        if is_in_scope(&path) && path != "tests/it/tidy.rs" {
            let lines = text.lines().enumerate().filter(|(_, line)| is_wrong(line));
            places.extend(lines.map(|(index, line)| format!("{path}:{}: {}", index + 1, line.trim())));
        }
    }
    assert!(places.is_empty(), "{why}:\n{}", places.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| !path.starts_with("tests/ui") && !path.starts_with("macros/tests"))
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "a file starts with `//!` and what it is: {silent:?}");
}

#[test]
fn the_step_core_is_pure() {
    let impure =
        ["tokio", "std::time::Instant", "SystemTime", "std::fs", "std::net", "std::thread", "axum", "reqwest", "rand"];
    check_absent(
        "the step core does no IO and has no clock, tasks or random source",
        |path| path.starts_with("runtime/src/protocol") && !path.contains("/tests/"),
        |line| line.trim_start().starts_with("use ") && impure.iter().any(|name| line.contains(name)),
    );
}

#[test]
fn the_engines_core_reads_no_clock() {
    let core = [
        "core.rs",
        "matcher.rs",
        "runs.rs",
        "signals.rs",
        "steps.rs",
        "recovery.rs",
        "scheduler/",
        "flow/",
        "store/",
        "resident.rs",
    ];
    check_absent(
        "the core is told the time",
        |path| path.strip_prefix("engine/src/").is_some_and(|file| core.iter().any(|name| file.starts_with(name))),
        |line| line.contains("SystemTime::now") || line.contains("Instant::now") || line.contains("SystemClock"),
    );
}

#[test]
fn no_test_is_ignored_or_expected_to_panic() {
    check_absent(
        "a test runs, and says what it expects",
        |_| true,
        |line| {
            let line = line.trim_start();
            let documented = line.trim_start_matches(['/', '!', ' ']);
            line.starts_with("#[ignore") || line.starts_with("#[should_panic") || documented.starts_with("```ignore")
        },
    );
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["TO\x44O", "FIX\x4dE", "XX\x58", "todo!(", "unimplemented!("];
    check_absent(
        "what is to be done is an issue",
        |path| !path.starts_with("tests/ui"),
        // Not part of a longer word, such as a vendor's name.
        |line| {
            words.iter().any(|word| {
                line.match_indices(word).any(|(at, _)| {
                    let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
                    !is_letter(line[..at].chars().next_back()) && !is_letter(line[at + word.len()..].chars().next())
                })
            })
        },
    );
}
