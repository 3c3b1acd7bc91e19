//! Names a source file the same way wherever and whenever the program was built: relative to the workspace, with `/`.

use std::path::{Component, Path};

/// The path of a source file relative to the workspace, never absolute.
///
/// `file` is what the compiler wrote: absolute for a module found at build time, else relative to the workspace.
/// `manifest_dir` is the directory of the file's package. Without a `root`, as at run time, and for a file outside of
/// it, the path starts with the name of the package's directory.
pub fn relative_path(file: &str, manifest_dir: &str, root: Option<&Path>) -> String {
    let file_parts = parts(file);
    let package = parts(manifest_dir);
    let absolute = if is_absolute(file) { file_parts.clone() } else { join_workspace(&package, &file_parts) };
    if let Some(root) = root {
        let root = parts(&root.to_string_lossy());
        if let Some(rest) = strip(&absolute, &root) {
            return rest.join("/");
        }
    }
    if !is_absolute(file) {
        return file_parts.join("/");
    }
    match (strip(&absolute, &package), package.last()) {
        (Some(rest), Some(name)) => format!("{name}/{}", rest.join("/")),
        // Not of this package: the file's own name says more than nothing, and reveals no home directory.
        _ => absolute.last().cloned().unwrap_or_default(),
    }
}

/// The absolute path of a file that the compiler names relative to the workspace. A package's directory tells where the
/// workspace is: `functions/src/a.rs` of `/w/functions` is `/w/functions/src/a.rs`.
fn join_workspace(package: &[String], file: &[String]) -> Vec<String> {
    let shared = (0..=package.len().min(file.len()))
        .rev()
        .find(|length| package[package.len() - length..] == file[..*length])
        .unwrap_or(0);
    package[..package.len() - shared].iter().chain(file).cloned().collect()
}

fn strip<'p>(path: &'p [String], base: &[String]) -> Option<&'p [String]> {
    path.strip_prefix(base).filter(|rest| !rest.is_empty())
}

fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    path.starts_with(['/', '\\']) || (bytes.len() > 2 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic())
}

/// The parts of a path of either convention, with `.` and `..` resolved.
fn parts(path: &str) -> Vec<String> {
    let unified = path.replace('\\', "/");
    let mut parts: Vec<String> = Vec::new();
    for component in Path::new(&unified).components() {
        match component {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::Prefix(prefix) => parts.push(prefix.as_os_str().to_string_lossy().into_owned()),
            Component::CurDir | Component::RootDir => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::relative_path;
    use std::path::Path;

    #[track_caller]
    fn check(file: &str, manifest_dir: &str, root: Option<&str>, expected: &str) {
        assert_eq!(relative_path(file, manifest_dir, root.map(Path::new)), expected);
    }

    #[test]
    fn paths_below_the_root_lose_it() {
        check("/w/functions/src/a/b.rs", "/w/functions", Some("/w"), "functions/src/a/b.rs");
        check("/w/src/main.rs", "/w", Some("/w"), "src/main.rs");
        check("/w/functions/src/../src/./b.rs", "/w/functions", Some("/w/"), "functions/src/b.rs");
    }

    #[test]
    fn paths_relative_to_the_workspace_stay() {
        check("functions/src/b.rs", "/w/functions", Some("/w"), "functions/src/b.rs");
        check("functions/src/b.rs", "/w/functions", None, "functions/src/b.rs");
        check("src/main.rs", "/w", Some("/w"), "src/main.rs");
        check("crates/a/src/b.rs", "/w/crates/a", Some("/w/crates"), "a/src/b.rs");
    }

    #[test]
    fn without_a_root_the_packages_name_comes_first() {
        check("/home/me/w/functions/src/b.rs", "/home/me/w/functions", None, "functions/src/b.rs");
        check("/elsewhere/lib/src/b.rs", "/elsewhere/lib", Some("/w"), "lib/src/b.rs");
    }

    #[test]
    fn no_path_is_absolute() {
        check("/home/me/generated.rs", "/w/functions", Some("/w"), "generated.rs");
        check(r"C:\w\functions\src\b.rs", r"C:\w\functions", Some(r"C:\w"), "functions/src/b.rs");
    }
}
