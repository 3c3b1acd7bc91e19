//! Words for people.

/// The text, or the word for its absence.
pub(crate) fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}
