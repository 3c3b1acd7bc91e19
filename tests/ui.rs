//! Each compile-time rule has a case below `ui/{function,event,webhook}/{pass,fail}`, named after the rule.
//!
//! `UI=retries cargo test --test ui` runs the cases whose path holds that text; `TRYBUILD=overwrite` rewrites the
//! messages, which are then to be read in review.

use std::path::{Path, PathBuf};

#[test]
fn compile_time_rules_hold() -> std::io::Result<()> {
    let cases = trybuild::TestCases::new();
    for area in ["tests/ui/function", "tests/ui/event", "tests/ui/webhook"] {
        files(&Path::new(area).join("pass"))?.into_iter().for_each(|case| cases.pass(case));
        files(&Path::new(area).join("fail"))?.into_iter().for_each(|case| cases.compile_fail(case));
    }
    Ok(())
}

fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let filter = std::env::var("UI").unwrap_or_default();
    let paths: std::io::Result<Vec<_>> = directory.read_dir()?.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "rs") && path.to_string_lossy().contains(&filter));
    paths.sort();
    Ok(paths)
}
