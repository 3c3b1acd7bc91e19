//! The module list of a crate, made from its directory.

use std::fmt::Write as _;
use std::path::Path;

use super::entries;

/// Directories below this depth are an error: a family of functions does not nest so deep, a cyclic link does.
const DEPTH_MAX: usize = 16;

/// Declares every `*.rs` file below `directory` as a public module, in sorted order, with directories as modules
/// around them. Left out are `lib.rs`, `main.rs` and `bin` at the top, and what a file declares itself: the contents of
/// a directory with a `mod.rs`, or of `name/` beside `name.rs`.
pub fn modules_source(directory: &Path) -> Result<String, String> {
    let mut source = String::from("// Made by the build script from the files of this crate.\n");
    declare(directory, 0, &mut source)?;
    Ok(source)
}

/// Whether anything was declared.
fn declare(directory: &Path, depth: usize, source: &mut String) -> Result<bool, String> {
    if depth > DEPTH_MAX {
        return Err(format!("`{}` nests too deep: move it up", directory.display()));
    }
    let all = entries(directory)?;
    let indent = "    ".repeat(depth);
    let mut declared = false;
    for (name, path) in &all {
        let is_root_file = depth == 0 && matches!(name.as_str(), "lib.rs" | "main.rs" | "bin" | "mod.rs");
        if is_root_file {
            continue;
        }
        if path.is_dir() {
            if all.iter().any(|(other, _)| other.strip_suffix(".rs") == Some(name)) {
                continue;
            }
            let root = path.join("mod.rs");
            if root.is_file() {
                declare_file(check_name(name, path)?, &root, &indent, source);
                declared = true;
                continue;
            }
            let mut inner = String::new();
            if declare(path, depth + 1, &mut inner)? {
                let module = check_name(name, path)?;
                // Writing to a string cannot fail.
                let _ = write!(
                    source,
                    "{indent}#[doc = \"The modules in `{name}`.\"]\n{indent}pub mod {module} {{\n{inner}{indent}}}\n"
                );
                declared = true;
            }
        } else if let Some(stem) = name.strip_suffix(".rs") {
            declare_file(check_name(stem, path)?, path, &indent, source);
            declared = true;
        }
    }
    Ok(declared)
}

fn declare_file(module: &str, path: &Path, indent: &str, source: &mut String) {
    let path = path.to_string_lossy();
    let _ = write!(source, "{indent}#[path = {path:?}]\n{indent}pub mod {module};\n");
}

/// A file's name becomes a module's name as it is, so it must be one.
fn check_name<'n>(name: &'n str, path: &Path) -> Result<&'n str, String> {
    if syn::parse_str::<syn::Ident>(name).is_ok() && name != "_" {
        return Ok(name);
    }
    Err(format!(
        "`{}` cannot be a module, because `{name}` is no Rust identifier: rename it to `{}`",
        path.display(),
        suggestion(name)
    ))
}

fn suggestion(name: &str) -> String {
    let mut plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    if plain.starts_with(|first: char| first.is_ascii_digit()) {
        plain.insert(0, '_');
    }
    if syn::parse_str::<syn::Ident>(&plain).is_err() {
        plain.push('_');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::scan::tests::Tree;
    use super::modules_source;

    #[track_caller]
    fn check(files: &[&str], expected: Result<&str, &str>) {
        let files: Vec<_> = files.iter().map(|file| (*file, "")).collect();
        let tree = Tree::new(&files);
        let root = tree.path().to_string_lossy().into_owned();
        let plain = |text: String| text.replace(&root, "");
        assert_eq!(modules_source(tree.path()).map(plain).map_err(plain).as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn files_and_directories_become_modules() {
        check(
            &[
                "lib.rs",
                "main.rs",
                "bin/tool.rs",
                "github/push.rs",
                "github/issue.rs",
                "todo.rs",
                "notes.md",
                "empty/readme.md",
                ".hidden/a.rs",
            ],
            Ok(r#"// Made by the build script from the files of this crate.
#[doc = "The modules in `github`."]
pub mod github {
    #[path = "/github/issue.rs"]
    pub mod issue;
    #[path = "/github/push.rs"]
    pub mod push;
}
#[path = "/todo.rs"]
pub mod todo;
"#),
        );
    }

    #[test]
    fn what_a_file_declares_itself_is_left_to_it() {
        check(
            &["clients/mod.rs", "clients/mux.rs", "video.rs", "video/encode.rs"],
            Ok(r#"// Made by the build script from the files of this crate.
#[path = "/clients/mod.rs"]
pub mod clients;
#[path = "/video.rs"]
pub mod video;
"#),
        );
    }

    #[test]
    fn a_name_that_is_no_identifier_is_an_error() {
        check(
            &["my-file.rs"],
            Err("`/my-file.rs` cannot be a module, because `my-file` is no Rust identifier: rename it to `my_file`"),
        );
        check(
            &["a/type.rs"],
            Err("`/a/type.rs` cannot be a module, because `type` is no Rust identifier: rename it to `type_`"),
        );
        check(
            &["2fa/a.rs"],
            Err("`/2fa` cannot be a module, because `2fa` is no Rust identifier: rename it to `_2fa`"),
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let error = modules_source(std::path::Path::new("/not/there")).expect_err("is an error");
        assert!(error.starts_with("`/not/there` cannot be read"), "{error}");
    }
}
