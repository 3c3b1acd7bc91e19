//! Sources that yield something else at every replay: the clock, randomness, the environment.

use syn::Path;

use crate::peel;

/// What a path reads, for the message: "the clock (`Utc::now`)".
pub(crate) fn source(path: &Path) -> Option<String> {
    let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let what = match words.as_slice() {
        [.., _, "now" | "now_utc" | "now_local"] => "the clock",
        [.., "now_v7" | "new_v4" | "new_v7" | "thread_rng"] => "randomness",
        [.., _, "random" | "random_range" | "random_bool" | "rng"] => "randomness",
        [.., "Ulid", "new" | "generate"] => "randomness",
        ["fastrand", _, ..] => "randomness",
        [.., "env", "var" | "var_os" | "vars" | "vars_os" | "args" | "args_os" | "current_dir"] => "the environment",
        _ => return None,
    };
    Some(format!("{what} (`{}`)", peel::path_text(path)))
}

/// What a call of an imported function reads: `random()`, `rng()`.
pub(crate) fn imported(path: &Path) -> Option<String> {
    let name = path.get_ident()?;
    (name == "random" || name == "rng").then(|| format!("randomness (`{name}`)"))
}
