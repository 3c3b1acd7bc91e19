//! Which conversations can be addressed: a session's id becomes part of the names of keys and channels.

use crate::error::{Error, Result};

/// Bytes of a session's id.
pub const SESSION_BYTES_MAX: usize = 128;

/// The part of a key that names no session: `joelclaw:events:batch` holds what consumers keep for their digest.
const RESERVED: &str = "batch";

/// Refuses an id that would make a key that is unreadable, too long or another one's. The id comes from an event's data,
/// so from anybody; an id that is refused now will be refused again, so the error is terminal.
pub fn check_session(id: &str) -> Result<()> {
    let problem = if id.len() > SESSION_BYTES_MAX {
        format!("has {} bytes, the limit is {SESSION_BYTES_MAX}", id.len())
    } else if id.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        "has a space or a control character".to_owned()
    } else if id.split(':').any(str::is_empty) {
        "is empty or has an empty part between its colons".to_owned()
    } else if id == RESERVED {
        format!("is `{RESERVED}`, which names no session")
    } else {
        return Ok(());
    };
    let text = format!("`originSession` {problem}: send an id such as `telegram:42`, or none");
    Err(Error::terminal(text).named("SessionError"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_consumers_use_are_taken() {
        for id in ["gateway", "telegram:7718912466", "pi-1234", "01J9ZK4V6G8Q0R2T4W6Y8A0C2E", "slack:C12:1699.55", "é"]
        {
            assert!(check_session(id).is_ok(), "{id}");
        }
        assert!(check_session(&"x".repeat(SESSION_BYTES_MAX)).is_ok());
    }

    #[test]
    fn ids_that_make_bad_keys_are_refused_for_good() {
        let long = "x".repeat(SESSION_BYTES_MAX + 1);
        for (id, reason) in [
            ("", "empty"),
            (":", "empty part"),
            ("a::b", "empty part"),
            (":gateway", "empty part"),
            ("gateway:", "empty part"),
            ("a b", "a space"),
            ("a\nb", "control character"),
            ("a\u{0}", "control character"),
            ("batch", "names no session"),
            (&long, "129 bytes"),
        ] {
            let error = check_session(id).unwrap_err();
            assert!(error.message().contains(reason), "{id:?}: {error}");
            assert!(!error.is_retryable());
        }
    }
}
