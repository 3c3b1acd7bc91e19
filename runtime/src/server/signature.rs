//! The `X-Inngest-Signature` header: `t={seconds}&s={hexadecimal HMAC}` (`SDK_SPEC.md` §4.1.1, §4.1.3).

use subtle::ConstantTimeEq;

use super::key::{SigningKey, SigningKeys};

/// The longest time for which a signature holds, in seconds.
pub const AGE_MAX: i64 = 5 * 60;

/// How far ahead of ours a signer's clock may be, in seconds. Signatures of the future would hold for longer than
/// [`AGE_MAX`], so only what clocks differ by is let pass.
pub const AHEAD_MAX: i64 = 5;

/// Why a signature is not accepted. None of them tells which part of the signature was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is missing.
    #[error("the request has no `X-Inngest-Signature` header")]
    Missing,
    /// The header does not parse.
    #[error("the `X-Inngest-Signature` header is not of the form `t=…&s=…`")]
    Malformed,
    /// The signature is older than five minutes.
    #[error("the signature is older than five minutes: check the clocks of this machine and of the server")]
    Expired,
    /// The signature claims to be from the future.
    #[error("the signature is from the future: check the clocks of this machine and of the server")]
    Future,
    /// No key fits.
    #[error("the signature does not fit: `INNGEST_SIGNING_KEY` must be the server's key")]
    Mismatch,
}

/// The two values of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Seconds since 1970 at which the body was signed.
    pub seconds: i64,
    /// The HMAC in hexadecimal digits.
    pub digest: &'a str,
}

impl<'a> Signature<'a> {
    /// Reads a header; each of `t` and `s` must be there exactly once.
    pub fn parse(header: &'a str) -> Result<Self, SignatureError> {
        let (mut seconds, mut digest) = (None, None);
        for part in header.split('&') {
            let earlier = match part.split_once('=') {
                Some(("t", text)) => seconds.replace(text).is_some(),
                Some(("s", text)) => digest.replace(text).is_some(),
                _ => false,
            };
            if earlier {
                return Err(SignatureError::Malformed);
            }
        }
        let (Some(seconds), Some(digest)) = (seconds, digest) else { return Err(SignatureError::Malformed) };
        // `parse` takes a sign, which no signer writes.
        if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SignatureError::Malformed);
        }
        let seconds = seconds.parse().map_err(|_| SignatureError::Malformed)?;
        Ok(Self { seconds, digest })
    }
}

/// Checks the signature of a body; the key that fits, which is to sign the answer.
///
/// `now` is in seconds since 1970. Every key is tried, whichever fits first, and comparison takes constant time.
pub fn verify<'k>(
    header: Option<&str>,
    body: &[u8],
    keys: &'k SigningKeys,
    now: i64,
) -> Result<&'k SigningKey, SignatureError> {
    let signature = Signature::parse(header.ok_or(SignatureError::Missing)?)?;
    let age = now.saturating_sub(signature.seconds);
    if age > AGE_MAX {
        return Err(SignatureError::Expired);
    }
    if age < -AHEAD_MAX {
        return Err(SignatureError::Future);
    }
    let fits = |key: &&SigningKey| bool::from(key.sign(body, signature.seconds).ct_eq(signature.digest.as_bytes()));
    if let Some(key) = keys.iter().find(fits) {
        return Ok(key);
    }
    // A signer may have signed the canonical form of what it sent otherwise, as the Go SDK's own client does.
    let canonical = canonical(body).filter(|canonical| canonical != body).ok_or(SignatureError::Mismatch)?;
    let fits =
        |key: &&SigningKey| bool::from(key.sign(&canonical, signature.seconds).ct_eq(signature.digest.as_bytes()));
    keys.iter().find(fits).ok_or(SignatureError::Mismatch)
}

/// The header for a body that is signed at `now`, in seconds since 1970.
pub fn sign(key: &SigningKey, body: &[u8], now: i64) -> String {
    let digest = key.sign(body, now);
    format!("t={now}&s={}", String::from_utf8_lossy(&digest))
}

/// The body in the JSON Canonicalization Scheme (RFC 8785), if it is JSON.
fn canonical(body: &[u8]) -> Option<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json_canonicalizer::to_vec(&value).ok()
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn key(text: &str) -> SigningKey {
        SigningKey::parse(text).expect("is a key")
    }

    fn keys(current: &str, fallback: Option<&str>) -> SigningKeys {
        SigningKeys { current: Some(key(current)), fallback: fallback.map(key) }
    }

    #[test]
    fn a_signature_of_ours_verifies_and_names_its_key() {
        let rotated = keys("signkey-prod-bb", Some("signkey-prod-aa"));
        let header = sign(&key("signkey-test-aa"), b"{}", NOW);
        let found = verify(Some(&header), b"{}", &rotated, NOW).expect("verifies");
        assert_eq!(found.hash(), key("aa").hash());
    }

    #[test]
    fn the_digest_is_the_hmac_of_body_and_seconds() {
        // Reference: printf '%s' '{"a":1}1700000000' | openssl dgst -sha256 -hmac 0011
        let header = sign(&key("signkey-test-0011"), br#"{"a":1}"#, NOW);
        assert_eq!(header, "t=1700000000&s=450baf37217d1b9fd1d531168aeef8bd4f04c1f01c942af2051b4585a142dadd");
    }

    #[test]
    fn five_minutes_and_no_more() {
        let keys = keys("aa", None);
        let header = sign(&key("aa"), b"x", NOW);
        assert!(verify(Some(&header), b"x", &keys, NOW + AGE_MAX).is_ok());
        assert_eq!(verify(Some(&header), b"x", &keys, NOW + AGE_MAX + 1).err(), Some(SignatureError::Expired));
        assert!(verify(Some(&header), b"x", &keys, NOW - AHEAD_MAX).is_ok());
        assert_eq!(verify(Some(&header), b"x", &keys, NOW - AHEAD_MAX - 1).err(), Some(SignatureError::Future));
    }

    #[test]
    fn every_changed_part_is_refused() {
        let keys = keys("aa", None);
        let header = sign(&key("aa"), b"body", NOW);
        let later = header.replace(&NOW.to_string(), &(NOW + 1).to_string());
        let shorter = &header[..header.len() - 1];
        for (header, body) in
            [(header.as_str(), "Body"), (&later, "body"), (shorter, "body"), ("t=1700000000&s=", "body")]
        {
            assert_eq!(
                verify(Some(header), body.as_bytes(), &keys, NOW).err(),
                Some(SignatureError::Mismatch),
                "{header}"
            );
        }
        assert_eq!(verify(None, b"body", &keys, NOW).err(), Some(SignatureError::Missing));
    }

    #[test]
    fn a_header_that_does_not_parse_is_malformed() {
        for header in
            ["", "t=1", "s=ab", "t=&s=ab", "t=-1&s=ab", "t=+1&s=ab", "t=1&t=2&s=ab", "t=1&s=a&s=b", "t=1e3&s=a"]
        {
            assert_eq!(Signature::parse(header), Err(SignatureError::Malformed), "{header}");
        }
        assert_eq!(Signature::parse("t=99999999999999999999&s=ab"), Err(SignatureError::Malformed));
    }

    #[test]
    fn a_body_signed_in_its_canonical_form_verifies() {
        let header = sign(&key("aa"), br#"{"a":1,"b":2}"#, NOW);
        assert!(verify(Some(&header), br#"{"b": 2, "a": 1.0}"#, &keys("aa", None), NOW).is_ok());
    }
}
