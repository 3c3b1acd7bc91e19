//! The `signature_header` target: see `../../README.md`.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use system_bus_runtime::server::key::{SigningKey, SigningKeys};
use system_bus_runtime::server::signature::{AGE_MAX, AHEAD_MAX, Signature, sign, verify};

/// When the signatures are checked, in seconds since 1970.
const NOW: i64 = 1_700_000_000;

/// The digits of the worker's keys.
const CURRENT: &str = "00112233";
const FALLBACK: &str = "44556677";

static KEYS: LazyLock<SigningKeys> =
    LazyLock::new(|| SigningKeys { current: Some(key(CURRENT)), fallback: Some(key(FALLBACK)) });

/// A key that the worker does not have.
static FOREIGN: LazyLock<SigningKey> = LazyLock::new(|| key("8899aabb"));

/// Reads the input as a header, a line feed, and a body.
///
/// A header is accepted if and only if it has the HMAC of the body, or of its canonical form, under a key of the worker,
/// and is neither too old nor of the future. What we sign verifies, and no longer does when it is changed.
pub fn signature_header(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    if let Ok(header) = std::str::from_utf8(header) {
        assert_decided(header, body);
    }
    // Whatever the header is, the body is one that the canonical form is asked of.
    assert_decided(&format!("t={NOW}&s=00"), body);
    for key in KEYS.iter() {
        let signed = sign(key, body, NOW);
        let found = verify(Some(&signed), body, &KEYS, NOW).ok().map(SigningKey::hash);
        assert_eq!(found, Some(key.hash()), "what we sign does not verify");
        assert_decided(&change(&signed, header), body);
    }
    assert!(verify(Some(&sign(&FOREIGN, body, NOW)), body, &KEYS, NOW).is_err(), "a foreign key is accepted");
}

fn key(digits: &str) -> SigningKey {
    SigningKey::parse(&format!("signkey-test-{digits}")).unwrap_or_else(|error| panic!("{error}"))
}

/// Compares the decision with one that is made in the plainest way.
fn assert_decided(header: &str, body: &[u8]) {
    let canonical = || {
        let value: serde_json::Value = serde_json::from_slice(body).ok()?;
        serde_json_canonicalizer::to_vec(&value).ok()
    };
    let fits = |signature: Signature<'_>| {
        let Signature { seconds, digest } = signature;
        let is_of = |body: &[u8]| [CURRENT, FALLBACK].iter().any(|key| hmac(key, body, seconds) == digest);
        (NOW - AGE_MAX..=NOW + AHEAD_MAX).contains(&seconds)
            && (is_of(body) || canonical().is_some_and(|it| is_of(&it)))
    };
    let expected = Signature::parse(header).is_ok_and(fits);
    assert_eq!(verify(Some(header), body, &KEYS, NOW).is_ok(), expected, "`{header}`");
}

/// The hexadecimal HMAC of a body and the seconds at which it was signed (`SDK_SPEC.md` §4.1.3).
fn hmac(digits: &str, body: &[u8], seconds: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(digits.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    mac.update(body);
    mac.update(seconds.to_string().as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header with one byte replaced, where and by what the input says.
fn change(header: &str, input: &[u8]) -> String {
    let [at, by, ..] = *input else { return header.to_owned() };
    let at = usize::from(at) % header.len();
    // Both are ASCII.
    let (before, after) = header.split_at(at);
    format!("{before}{}{}", char::from(by % 128), &after[1..])
}
