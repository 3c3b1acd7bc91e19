//! The keys: derived from a secret, never shown, wiped when dropped.

use std::fmt;

use blake2::{Blake2b256, Digest};
use zeroize::Zeroizing;

/// A key that values are encrypted with; it cannot be printed, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; 32]>);

/// Why a secret is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an encryption key is blank: use 32 random bytes, written as hexadecimal digits or base64")]
pub struct KeyError;

impl EncryptionKey {
    /// The key of a secret: the BLAKE2b-256 hash of its text without the blanks around it, as the TypeScript SDK has it.
    ///
    /// A fast hash adds nothing to a weak secret: take 32 random bytes, as `openssl rand -base64 32` makes them.
    pub fn derive(secret: &str) -> Result<Self, KeyError> {
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(KeyError);
        }
        Ok(Self(Zeroizing::new(Blake2b256::digest(secret.as_bytes()).into())))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EncryptionKey(…)")
    }
}
