//! The `webhook_signature` target: see `../../README.md`.

use std::sync::LazyLock;

use system_bus_runtime::webhook::{Algorithm, Encoding, Scheme, Signed, SignedRequest, Timestamp, TimestampPlace};

use super::reference::{accepts, public_key, sign};
use super::request::{header_map, request};

/// When the signatures are checked, in milliseconds since 1970.
const NOW: i64 = 1_735_787_045_123;

const SECRET: &str = "a secret";

static PUBLIC_KEY: LazyLock<String> = LazyLock::new(public_key);

/// Every algorithm, both encodings, every place of a time, and what else a signature may have.
static SCHEMES: [Scheme; 7] = [
    scheme(Algorithm::HmacSha256, Encoding::Hex, "sha256=", None),
    scheme(Algorithm::HmacSha1, Encoding::Hex, "", None),
    scheme(Algorithm::HmacSha256, Encoding::Base64, "sha256=", None),
    scheme(Algorithm::HmacSha256, Encoding::Hex, "", Some((TimestampPlace::List, 1_000))),
    scheme(Algorithm::HmacSha256, Encoding::Base64, "", Some((header("."), 1))),
    scheme(Algorithm::Ed25519, Encoding::Base64, "", Some((header("|"), 1_000))),
    Scheme::Signed(Signed {
        algorithm: Algorithm::HmacSha1,
        header: "x-signature",
        prefix: "",
        encoding: Encoding::Base64,
        timestamp: None,
        also: Some(trimmed),
        unless: Some("x-time"),
    }),
];

const fn header(join: &'static str) -> TimestampPlace {
    TimestampPlace::Header { name: "x-time", join }
}

const fn scheme(
    algorithm: Algorithm,
    encoding: Encoding,
    prefix: &'static str,
    time: Option<(TimestampPlace, i64)>,
) -> Scheme {
    let timestamp = match time {
        Some((place, unit_ms)) => Some(Timestamp { place, unit_ms, tolerance_ms: 300_000 }),
        None => None,
    };
    Scheme::Signed(Signed { algorithm, header: "x-signature", prefix, encoding, timestamp, also: None, unless: None })
}

/// Another form of a body; some have none.
fn trimmed(body: &[u8]) -> Option<Vec<u8>> {
    (body.first() != Some(&b'!')).then(|| body.trim_ascii().to_vec())
}

/// Reads the input as a byte that chooses a scheme, and a request.
///
/// It is accepted if and only if a plain reference accepts it. What a vendor signs verifies, under no other secret, and
/// with a byte changed it is decided as the reference does.
pub fn webhook_signature(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let scheme = &SCHEMES[usize::from(*choice) % SCHEMES.len()];
    let Scheme::Signed(signed) = scheme else { return };
    let secret = if signed.algorithm == Algorithm::Ed25519 { &*PUBLIC_KEY } else { SECRET };
    let verified = |headers: &[(&str, &str)], body: &[u8], secret: &str| {
        scheme.verify(&SignedRequest { headers: &header_map(headers), body, now: NOW }, secret.as_bytes())
    };
    let decided = |headers: &[(&str, &str)], body: &[u8]| {
        let accepted = verified(headers, body, secret);
        assert_eq!(accepted, accepts(signed, secret, headers, body, NOW), "{headers:?}");
        accepted
    };
    let (headers, body) = request(data);
    decided(&headers, body);
    // A signature on a curve takes as long as a hundred others.
    if signed.algorithm == Algorithm::Ed25519 && body.len() % 16 != 0 {
        return;
    }
    let ours = sign(signed, secret, body, NOW);
    let mut ours: Vec<_> = ours.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(decided(&ours, body), "what a vendor signs does not verify");
    assert!(!verified(&ours, body, "another secret"), "another secret is accepted");
    let [at, by, ..] = *body else { return };
    if at % 2 == 0 {
        let mut changed = body.to_vec();
        let at = usize::from(at) % body.len();
        changed[at] ^= by;
        decided(&ours, &changed);
    } else {
        let place = usize::from(by) % ours.len();
        let value = change(ours[place].1, at, by);
        ours[place].1 = &value;
        decided(&ours, body);
    }
}

/// The text with one letter replaced.
fn change(text: &str, at: u8, by: u8) -> String {
    let at = usize::from(at) % text.len();
    let by = char::from(b' ' + by % 95);
    format!("{}{by}{}", &text[..at], &text[at + 1..])
}
