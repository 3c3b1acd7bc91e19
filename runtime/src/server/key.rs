//! Signing keys: what proves a request to or from an Inngest server (`SDK_SPEC.md` §4.1).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A key shared with an Inngest server. It cannot be printed.
#[derive(Clone)]
pub struct SigningKey {
    /// `signkey-prod-` and the like; may be empty.
    prefix: String,
    /// The hexadecimal digits, which are the key of the HMAC as they stand.
    digits: String,
    /// SHA-256 of the bytes that the digits stand for.
    hash: String,
}

/// A text that is no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key is an even number of hexadecimal digits, after a prefix such as `signkey-prod-` or none")]
pub struct KeyError;

impl SigningKey {
    /// Reads a key as `INNGEST_SIGNING_KEY` holds it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let (prefix, digits) = text.split_at(prefix_length(text));
        let bytes = hex::decode(digits).map_err(|_| KeyError)?;
        if bytes.is_empty() {
            return Err(KeyError);
        }
        let hash = hex::encode(Sha256::digest(&bytes));
        Ok(Self { prefix: prefix.to_owned(), digits: digits.to_owned(), hash })
    }

    /// The value of an `Authorization` header: the key itself never travels, its hash does.
    pub fn bearer(&self) -> String {
        format!("Bearer {}{}", self.prefix, self.hash)
    }

    /// The hash, for telling keys apart: hexadecimal SHA-256, without prefix.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The hexadecimal HMAC-SHA256 of a body and the seconds since 1970 at which it was signed.
    pub(super) fn sign(&self, body: &[u8], seconds: i64) -> [u8; 64] {
        // HMAC takes keys of any length; the empty default cannot be reached.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.digits.as_bytes()).unwrap_or_else(|_| unreachable_mac());
        mac.update(body);
        let mut decimal = [0; 20];
        mac.update(write_decimal(&mut decimal, seconds));
        let mut text = [0; 64];
        // The buffer has twice the size of the digest.
        let _ = hex::encode_to_slice(mac.finalize().into_bytes(), &mut text);
        text
    }

    /// Whether a bearer token, hashed or not, is this key; takes as long whatever the difference is.
    pub fn is(&self, token: &str) -> bool {
        let digits = &token[prefix_length(token)..];
        let hashed = digits.as_bytes().ct_eq(self.hash.as_bytes());
        let plain = digits.as_bytes().ct_eq(self.digits.as_bytes());
        (hashed | plain).into()
    }
}

fn unreachable_mac() -> Hmac<Sha256> {
    Hmac::<Sha256>::new(&Default::default())
}

/// The length of `signkey-{word}-` at the start of a key.
fn prefix_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("signkey-") else { return 0 };
    let word = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if word > 0 && rest.as_bytes().get(word) == Some(&b'-') { "signkey-".len() + word + 1 } else { 0 }
}

fn write_decimal(buffer: &mut [u8; 20], number: i64) -> &[u8] {
    use std::io::Write;
    let room = buffer.len();
    let mut rest: &mut [u8] = buffer;
    // 20 bytes hold every i64.
    let _ = write!(rest, "{number}");
    let length = room - rest.len();
    &buffer[..length]
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}

/// The keys of a worker: the current one, and one to fall back to while keys are being rotated.
#[derive(Clone, Debug, Default)]
pub struct SigningKeys {
    /// `INNGEST_SIGNING_KEY`.
    pub current: Option<SigningKey>,
    /// `INNGEST_SIGNING_KEY_FALLBACK`.
    pub fallback: Option<SigningKey>,
}

impl SigningKeys {
    /// The keys in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        self.current.iter().chain(self.fallback.iter())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.current.is_none() && self.fallback.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bearer_is_the_hash_of_the_bytes_with_the_prefix_kept() {
        // The example of `SDK_SPEC.md` §4.1.4.
        let key = SigningKey::parse("signkey-prod-12345678").expect("is a key");
        assert_eq!(
            key.bearer(),
            "Bearer signkey-prod-b2ed992186a5cb19f6668aade821f502c1d00970dfd0e35128d51bac4649916c"
        );
        assert!(SigningKey::parse("12345678").expect("is a key").bearer().starts_with("Bearer b2ed99"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "signkey-prod-", "signkey-prod-xyz", "123", "signkey--12", "signkey-prod_12"] {
            assert!(SigningKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_recognised_hashed_and_plain() {
        let key = SigningKey::parse("signkey-test-12345678").expect("is a key");
        assert!(key.is("signkey-test-12345678"));
        assert!(key.is(key.bearer().trim_start_matches("Bearer ")));
        assert!(!key.is("signkey-test-12345679"));
        assert!(!key.is(""));
    }

    #[test]
    fn a_key_does_not_print_itself() {
        let key = SigningKey::parse("signkey-test-12345678").expect("is a key");
        assert!(!format!("{key:?}").contains("1234"));
    }
}
