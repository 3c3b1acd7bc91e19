//! Words for people.

/// The text, or the word for its absence.
pub(crate) fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

/// The text on one line, its beginning when it has more than `chars_max` characters.
pub(crate) fn excerpt(text: &str, chars_max: usize) -> String {
    beginning(&text.split_whitespace().collect::<Vec<_>>().join(" "), chars_max)
}

/// The text, its beginning when it has more than `chars_max` characters.
pub(crate) fn beginning(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_line_and_ends_between_characters() {
        assert_eq!(excerpt(" a\n\nb\tc ", 10), "a b c");
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("äö ü", 3), "äö…");
        assert_eq!(excerpt("", 3), "");
        assert_eq!(beginning("a\nb c", 4), "a\nb…");
        assert_eq!(beginning("a\nb", 3), "a\nb");
    }
}
