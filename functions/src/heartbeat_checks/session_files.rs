//! Files that agents leave behind: each conversation and each debug log is one, and nobody else removes them.
//!
//! They lie in the operator's home directory, so nothing is removed unless `SESSION_FILE_RETENTION_DAYS` says after how
//! many days.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use system_bus_runtime::prelude::*;

use crate::environment::Environment;

/// Files that have not changed for so many days are removed. Without it, none is.
const RETENTION_DAYS: &str = "SESSION_FILE_RETENTION_DAYS";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Entries that one step looks at: seconds of work. What is left comes with a later heartbeat.
const ENTRIES_MAX: usize = 100_000;

/// Where the files lie below the home directory, and their extension where others lie beside them.
const PLACES: [(&str, Option<&str>); 2] = [(".pi/agent/sessions", Some("jsonl")), (".claude/debug", None)];

/// What was done about old files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Pruning {
    /// Nothing: they are kept for good.
    SwitchedOff {
        /// The environment variable that turns it on: the number of days to keep them.
        turned_on_by: String,
    },
    /// Files that had not changed for long enough were removed.
    Done(Pruned),
}

/// The old files that were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// Files that were removed.
    pub removed: usize,
    /// Files and directories that could not be read or removed.
    pub failed: usize,
    /// Whether everything was looked at.
    pub complete: bool,
}

/// Removes the files that have not changed for as long as the environment says, if it does.
pub(super) async fn prune(environment: Environment) -> Result<Pruning> {
    let Some(retention) = retention(&environment)? else {
        return Ok(Pruning::SwitchedOff { turned_on_by: RETENTION_DAYS.to_owned() });
    };
    let home = environment.home()?;
    let pruning = tokio::task::spawn_blocking(move || prune_below(&home, retention, SystemTime::now(), ENTRIES_MAX));
    Ok(Pruning::Done(pruning.await?))
}

/// How long files are kept.
fn retention(environment: &Environment) -> Result<Option<Duration>> {
    let Some(days) = environment.find(RETENTION_DAYS) else { return Ok(None) };
    let days: NonZeroU32 = days.trim().parse().map_err(|_| {
        Error::terminal(format!(
            "the environment variable `{RETENTION_DAYS}` must be a positive whole number of days, such as 30"
        ))
    })?;
    Ok(Some(DAY * days.get()))
}

fn prune_below(home: &Path, retention: Duration, now: SystemTime, entries_max: usize) -> Pruned {
    let mut pruned = Pruned { complete: true, ..Pruned::default() };
    let Some(oldest) = now.checked_sub(retention) else { return pruned };
    let mut left = entries_max;
    for (place, extension) in PLACES {
        let mut directories = vec![home.join(place)];
        while let Some(directory) = directories.pop() {
            let Some(entries) = pruned.note(fs::read_dir(directory)) else { continue };
            for entry in entries {
                if left == 0 {
                    pruned.complete = false;
                    return pruned;
                }
                left -= 1;
                let visited = entry.and_then(|entry| visit(&entry, extension, oldest));
                match pruned.note(visited) {
                    Some(Visited::Directory(path)) => directories.push(path),
                    Some(Visited::Removed) => pruned.removed += 1,
                    Some(Visited::Kept) | None => {}
                }
            }
        }
    }
    pruned
}

enum Visited {
    Directory(PathBuf),
    Removed,
    Kept,
}

fn visit(entry: &DirEntry, extension: Option<&str>, oldest: SystemTime) -> io::Result<Visited> {
    // Both are those of the entry itself: a link is neither followed nor removed.
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return Ok(Visited::Directory(entry.path()));
    }
    let path = entry.path();
    let is_ours = kind.is_file() && extension.is_none_or(|extension| path.extension() == Some(OsStr::new(extension)));
    if !is_ours || entry.metadata()?.modified()? >= oldest {
        return Ok(Visited::Kept);
    }
    fs::remove_file(path)?;
    Ok(Visited::Removed)
}

impl Pruned {
    /// Counts a failure; what is gone already is none.
    fn note<T>(&mut self, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(_) => {
                self.failed += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    fn environment(home: &Path, days: &str) -> Environment {
        Environment::of([("HOME", home.to_string_lossy().as_ref()), (RETENTION_DAYS, days)])
    }

    /// A file that has not changed for so many days.
    fn write(path: &Path, days: u32) {
        fs::create_dir_all(path.parent().expect("has a parent")).expect("can be made");
        let file = File::create(path).expect("can be written");
        file.set_modified(SystemTime::now() - DAY * days).expect("can be dated");
    }

    #[tokio::test]
    async fn nothing_is_removed_unless_the_environment_says_so() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join(".claude/debug/old.txt");
        write(&file, 4000);
        let expected = Pruning::SwitchedOff { turned_on_by: "SESSION_FILE_RETENTION_DAYS".to_owned() };
        let unset = Environment::of([("HOME", home.path().to_string_lossy())]);
        assert_eq!(prune(unset).await.expect("is no error"), expected);
        assert_eq!(prune(environment(home.path(), " ")).await.expect("is no error"), expected);
        assert!(file.exists());
    }

    #[tokio::test]
    async fn the_environment_says_for_how_long_files_are_kept() {
        let home = tempfile::tempdir().expect("a directory");
        let (old, new) = (home.path().join(".claude/debug/old.txt"), home.path().join(".claude/debug/new.txt"));
        write(&old, 8);
        write(&new, 6);
        let pruning = prune(environment(home.path(), "4294967295")).await.expect("is no error");
        assert_eq!(pruning, Pruning::Done(Pruned { removed: 0, failed: 0, complete: true }));
        let pruning = prune(environment(home.path(), "7")).await.expect("is no error");
        assert_eq!(pruning, Pruning::Done(Pruned { removed: 1, failed: 0, complete: true }));
        assert!(!old.exists() && new.exists());
    }

    #[tokio::test]
    async fn anything_but_a_number_of_days_is_an_error_that_names_the_variable() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join(".claude/debug/old.txt");
        write(&file, 4000);
        for days in ["0", "-1", "1.5", "a month", "4294967296"] {
            let error = prune(environment(home.path(), days)).await.expect_err("is no number of days");
            assert!(!error.is_retryable(), "{days}");
            assert!(error.message().contains("`SESSION_FILE_RETENTION_DAYS`"), "{days}: {error}");
        }
        assert!(file.exists());
    }

    #[test]
    fn only_old_files_of_the_right_kind_are_removed() {
        let home = tempfile::tempdir().expect("a directory");
        let path = |name: &str| home.path().join(name);
        let old = [".pi/agent/sessions/old.jsonl", ".pi/agent/sessions/a/b/old.jsonl", ".claude/debug/old.txt"];
        let kept = [
            (".pi/agent/sessions/new.jsonl", 29),
            (".pi/agent/sessions/old.json", 31),
            (".pi/agent/sessions/jsonl", 31),
            (".pi/agent/old.jsonl", 31),
            (".claude/debug/new.txt", 29),
            (".claude/old.txt", 31),
        ];
        old.iter().for_each(|name| write(&path(name), 31));
        kept.iter().for_each(|(name, days)| write(&path(name), *days));
        let pruned = prune_below(home.path(), MONTH, SystemTime::now(), 100);
        assert_eq!(pruned, Pruned { removed: 3, failed: 0, complete: true });
        assert!(old.iter().all(|name| !path(name).exists()));
        assert!(kept.iter().all(|(name, _)| path(name).exists()));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_neither_followed_nor_removed() {
        let home = tempfile::tempdir().expect("a directory");
        let elsewhere = tempfile::tempdir().expect("a directory");
        write(&elsewhere.path().join("old.txt"), 31);
        let debug = home.path().join(".claude/debug");
        fs::create_dir_all(&debug).expect("can be made");
        std::os::unix::fs::symlink(elsewhere.path(), debug.join("directory")).expect("can be made");
        std::os::unix::fs::symlink(elsewhere.path().join("old.txt"), debug.join("latest")).expect("can be made");
        let pruned = prune_below(home.path(), MONTH, SystemTime::now(), 100);
        assert_eq!(pruned, Pruned { removed: 0, failed: 0, complete: true });
        assert!(elsewhere.path().join("old.txt").exists());
        assert!(debug.join("latest").is_symlink());
    }

    #[test]
    fn a_step_looks_at_a_bounded_number_of_entries() {
        let home = tempfile::tempdir().expect("a directory");
        (0..5).for_each(|index| write(&home.path().join(format!(".claude/debug/{index}.txt")), 31));
        let pruned = prune_below(home.path(), MONTH, SystemTime::now(), 3);
        assert_eq!(pruned, Pruned { removed: 3, failed: 0, complete: false });
        let pruned = prune_below(home.path(), MONTH, SystemTime::now(), 3);
        assert_eq!(pruned, Pruned { removed: 2, failed: 0, complete: true });
    }

    #[test]
    fn directories_that_are_not_there_are_no_failure() {
        let home = tempfile::tempdir().expect("a directory");
        let pruned = prune_below(home.path(), MONTH, SystemTime::now(), 100);
        assert_eq!(pruned, Pruned { removed: 0, failed: 0, complete: true });
    }
}
