//! A value that a vendor sends as a text or as a number.

use std::fmt;

use serde::Deserialize;

/// An id or a time that a vendor sends as a text or, elsewhere or in an older version, as a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a number")]
pub(crate) enum TextOrNumber {
    Text(String),
    Number(serde_json::Number),
}

impl fmt::Display for TextOrNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => number.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_shown_as_they_were_sent() {
        for (sent, shown) in [("\"6X7r\"", "6X7r"), ("\"\"", ""), ("2671355", "2671355"), ("-1.5", "-1.5")] {
            let value: TextOrNumber = serde_json::from_str(sent).expect("is one of them");
            assert_eq!(value.to_string(), shown);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for sent in ["null", "true", "[]", "{}"] {
            let error = serde_json::from_str::<TextOrNumber>(sent).expect_err("is neither");
            assert_eq!(error.to_string(), "expected a text or a number");
        }
    }
}
