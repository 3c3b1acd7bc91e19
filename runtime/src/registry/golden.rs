//! Compares generated documents with files in `golden/`; `UPDATE=1` rewrites them.

use std::path::Path;

#[track_caller]
pub(crate) fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/registry/golden").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("has a parent")).expect("the directory can be made");
        std::fs::write(&path, actual).expect("the file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{name} differs, `UPDATE=1` accepts this:\n{actual}");
}
