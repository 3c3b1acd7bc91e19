//! Finds every annotated item in the sources of a workspace, also in crates that nobody names.

use std::path::{Path, PathBuf};

use super::{attributes, entries};
use crate::registry::check::SourceSite;
use crate::registry::relative_path;

/// Directories that hold no part of the program.
const SKIPPED: [&str; 6] = ["target", "tests", "examples", "benches", "fuzz", "node_modules"];

/// How deep directories are entered; a cyclic link ends here.
const DEPTH_MAX: usize = 24;

/// Larger files are not sources that a person wrote.
const FILE_LENGTH_MAX: u64 = 4 * 1024 * 1024;

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// The annotated items, sorted.
    pub sites: Vec<SourceSite>,
    /// Files and directories whose change makes another scan necessary.
    pub watched: Vec<PathBuf>,
    /// Files that cannot be read or parsed.
    pub errors: Vec<String>,
}

/// Scans `src` of every package in or below `root`.
pub fn scan(root: &Path) -> Scan {
    let mut found = Scan::default();
    packages(root, 0, &mut |package| {
        let sources = package.join("src");
        if sources.is_dir() {
            scan_package(root, package, &sources, &mut found);
            found.watched.push(sources);
        }
        found.watched.push(package.join("Cargo.toml"));
    });
    found.sites.sort();
    found.watched.sort();
    found
}

/// Calls `visit` for every package in or below a directory; another workspace below it is not part of the program.
fn packages(directory: &Path, depth: usize, visit: &mut dyn FnMut(&Path)) {
    if depth > DEPTH_MAX {
        return;
    }
    let manifest = directory.join("Cargo.toml");
    if let Ok(text) = std::fs::read_to_string(&manifest) {
        let is_workspace = text.lines().any(|line| line.trim_start().starts_with("[workspace]"));
        if depth > 0 && is_workspace {
            return;
        }
        if text.lines().any(|line| line.trim_start().starts_with("[package]")) {
            visit(directory);
        }
    }
    for (name, path) in entries(directory).unwrap_or_default() {
        // A package's sources hold no packages.
        if path.is_dir() && name != "src" && !SKIPPED.contains(&name.as_str()) {
            packages(&path, depth + 1, visit);
        }
    }
}

fn scan_package(root: &Path, package: &Path, sources: &Path, found: &mut Scan) {
    let name = package_name(package);
    let mut files = Vec::new();
    rust_files(sources, 0, &mut files);
    let mut conditional = Vec::new();
    let mut sites = Vec::new();
    for path in files {
        let shown = relative_path(&path.to_string_lossy(), &package.to_string_lossy(), Some(root));
        let text = match read(&path) {
            Ok(text) => text,
            Err(error) => {
                found.errors.push(format!("{shown}:1: the file cannot be read: {error}"));
                continue;
            }
        };
        if !attributes::is_worth_parsing(&text) {
            continue;
        }
        match attributes::find(&text, &path) {
            Ok(in_file) => {
                conditional.extend(in_file.conditional);
                sites.extend(in_file.sites.into_iter().map(|site| {
                    let site = SourceSite {
                        file: shown.clone(),
                        line: site.line,
                        last_line: site.last_line,
                        kind: site.kind,
                        item: site.item,
                        package: name.clone(),
                    };
                    (path.clone(), site)
                }));
            }
            // The compiler says it better where the file belongs to the program, and where it does not it may be
            // anything; only one that mentions our attributes matters.
            Err(error)
                if ["inngest_fn", "failure_handler", "webhook_provider"].iter().any(|word| text.contains(word)) =>
            {
                found.errors.push(format!("{shown}: the file cannot be parsed: {error}"));
            }
            Err(_) => {}
        }
    }
    let is_conditional = |path: &Path| conditional.iter().any(|excluded: &PathBuf| path.starts_with(excluded));
    found.sites.extend(sites.into_iter().filter(|(path, _)| !is_conditional(path)).map(|(_, site)| site));
}

fn rust_files(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    if depth > DEPTH_MAX {
        return;
    }
    for (name, path) in entries(directory).unwrap_or_default() {
        if path.is_dir() {
            rust_files(&path, depth + 1, files);
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > FILE_LENGTH_MAX {
        return Ok(String::new());
    }
    std::fs::read_to_string(path)
}

/// The `name` of the manifest's `[package]`, or the directory's name.
fn package_name(package: &Path) -> String {
    let text = std::fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    let named = text
        .lines()
        .skip_while(|line| line.trim() != "[package]")
        .skip(1)
        .take_while(|line| !line.trim_start().starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == "name")
        .and_then(|(_, value)| value.trim().strip_prefix('"')?.split('"').next());
    let directory = package.file_name().map(|name| name.to_string_lossy().into_owned());
    named.map(str::to_owned).or(directory).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::scan;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A directory of files that ends with the test.
    pub(in super::super) struct Tree(PathBuf);

    impl Tree {
        pub(in super::super) fn new(files: &[(&str, &str)]) -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name = format!("system-bus-tree-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let root = std::env::temp_dir().join(name);
            for (path, text) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().expect("has a parent")).expect("can be made");
                std::fs::write(path, text).expect("can be written");
            }
            Self(root)
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const PACKAGE: &str = "[package]\nname = \"a-b\" # the name\n";

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let tree = Tree::new(files);
        let found = scan(tree.path());
        let shown: Vec<_> = found
            .sites
            .iter()
            .map(|site| {
                format!("{} {}:{}-{} {:?} {}", site.package, site.file, site.line, site.last_line, site.kind, site.item)
            })
            .chain(found.errors)
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn annotated_items_are_found_wherever_they_stand() {
        check(
            &[
                ("Cargo.toml", "[workspace]\n[package]\nname=\"root\"\n"),
                ("src/main.rs", "mod a { mod b {\n#[system_bus_runtime::event(\"a/b\")]\npub enum E {} } }"),
                ("crates/x/Cargo.toml", PACKAGE),
                (
                    "crates/x/src/deep/er/f.rs",
                    "/// Doc.\n#[inngest_fn(\n  id = \"x\",\n)]\n/// More.\nasync fn f() {}\n#[failure_handler]\nasync fn g() {}\n",
                ),
                ("crates/x/src/other.rs", "#[event]\nstruct NotOurs;\n#[derive(Debug)]\n#[event(\"a\")]\nstruct Ours;"),
            ],
            &[
                "a-b crates/x/src/deep/er/f.rs:2-6 Function f",
                "a-b crates/x/src/deep/er/f.rs:7-8 FailureHandler g",
                "a-b crates/x/src/other.rs:4-5 Event Ours",
                "root src/main.rs:2-3 Event E",
            ],
        );
    }

    #[test]
    fn tests_conditional_items_and_foreign_trees_are_left_out() {
        let site = "#[inngest_fn(id = \"x\")]\nasync fn f() {}";
        check(
            &[
                ("Cargo.toml", PACKAGE),
                (
                    "src/lib.rs",
                    "#[cfg(test)] mod tests;\n#[cfg(test)] mod inner { #[event(\"a\")] struct A; }\n#[cfg(feature = \"x\")] #[event(\"b\")] struct B;\nmod c;",
                ),
                ("src/tests.rs", site),
                ("src/tests/deep.rs", site),
                ("src/c.rs", "#[cfg(test)] mod tests;"),
                ("src/c/tests.rs", site),
                ("src/d.rs", "#![cfg(test)]\n#[event(\"a\")] struct A;"),
                ("tests/it.rs", site),
                ("examples/e.rs", site),
                ("target/p/Cargo.toml", PACKAGE),
                ("target/p/src/lib.rs", site),
                ("other/Cargo.toml", "[workspace]\n[package]\nname = \"o\"\n"),
                ("other/src/lib.rs", site),
                ("no-package/src/lib.rs", site),
                ("src/text.rs", "const A: &str = \"#[inngest_fn(id)] async fn f() {}\";"),
            ],
            &[],
        );
    }

    #[test]
    fn a_file_that_does_not_parse_is_an_error() {
        check(
            &[
                ("Cargo.toml", PACKAGE),
                ("src/a.rs", "#[inngest_fn(id = \"x\")]\nasync fn f( {}"),
                ("src/b.rs", "event {"),
            ],
            &["src/a.rs: the file cannot be parsed: line 2: cannot parse string into token stream"],
        );
    }
}
