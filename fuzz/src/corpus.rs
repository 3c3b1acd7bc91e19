//! The committed corpus, given to the targets by plain tests.

use std::fs;
use std::path::Path;

/// Gives every file of a committed corpus to the target.
pub fn replay(name: &str, target: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
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
