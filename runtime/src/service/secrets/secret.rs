//! A text that must not be seen.

use std::sync::Arc;

use zeroize::Zeroizing;

/// A text that must not be seen, such as an API key: it can be neither printed nor compared nor serialized, so it gets
/// into no log, result or schema. Its memory is cleared once the last clone is dropped.
///
/// What is made of the exposed text is no longer guarded: expose it where it is sent, and keep nothing.
///
/// ```
/// use system_bus_runtime::service::Secret;
///
/// let key = Secret::from("sk-1");
/// assert_eq!(format!("Bearer {}", key.expose()), "Bearer sk-1");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text as bytes, for the one place that needs them.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}
