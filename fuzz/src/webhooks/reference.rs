//! Signatures in the plainest way: what is shown must be, letter for letter, what we would have signed.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use system_bus_runtime::webhook::{Algorithm, Encoding, Signed, TimestampPlace};

use super::request::value;

/// The seed of the key pair that stands for a vendor's.
pub(super) const SEED: [u8; 32] = [7; 32];

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&SEED));

/// Signatures in one header that are looked at.
const LISTED_MAX: usize = 8;

/// Whether the request is signed so. `secret` is the one of an HMAC; for Ed25519 it is the pair of [`SEED`].
pub(super) fn accepts(signed: &Signed, secret: &str, headers: &[(&str, &str)], body: &[u8], now: i64) -> bool {
    let Some((time, shown)) = shown(signed, headers) else { return false };
    if let Some(timestamp) = signed.timestamp {
        let digits = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        let Some(number) = time.parse::<i64>().ok().filter(|_| digits) else { return false };
        let distance = i128::from(number) * i128::from(timestamp.unit_ms) - i128::from(now);
        if distance.abs() > i128::from(timestamp.tolerance_ms) {
            return false;
        }
    }
    let also = signed.also.and_then(|also| also(body));
    let bodies = [Some(body), also.as_deref()];
    bodies.into_iter().flatten().any(|body| shown.contains(&signature(signed, secret, time, body).as_str()))
}

/// The time and the signatures that a request shows.
fn shown<'a>(signed: &Signed, headers: &[(&str, &'a str)]) -> Option<(&'a str, Vec<&'a str>)> {
    if signed.unless.is_some_and(|name| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))) {
        return None;
    }
    let header = value(headers, signed.header)?;
    match signed.timestamp.map(|timestamp| timestamp.place) {
        None => Some(("", vec![header.strip_prefix(signed.prefix)?])),
        Some(TimestampPlace::Header { name, .. }) => {
            Some((value(headers, name)?, vec![header.strip_prefix(signed.prefix)?]))
        }
        Some(TimestampPlace::List) => {
            let parts: Option<Vec<_>> = header.split(',').map(|part| part.trim().split_once('=')).collect();
            let parts = parts?;
            let of = |name| parts.iter().filter(move |part| part.0 == name).map(|part| part.1);
            let (times, signatures): (Vec<_>, Vec<_>) = (of("t").collect(), of("v1").collect());
            let [time] = *times else { return None };
            (1..=LISTED_MAX).contains(&signatures.len()).then_some((time, signatures))
        }
    }
}

/// The headers by which a vendor signs a body.
pub(super) fn sign(signed: &Signed, secret: &str, body: &[u8], now: i64) -> Vec<(&'static str, String)> {
    let time = signed.timestamp.map(|timestamp| (now / timestamp.unit_ms).to_string()).unwrap_or_default();
    let signature = signature(signed, secret, &time, body);
    match signed.timestamp.map(|timestamp| timestamp.place) {
        None => vec![(signed.header, format!("{}{signature}", signed.prefix))],
        Some(TimestampPlace::List) => vec![(signed.header, format!("t={time},v1={signature}"))],
        Some(TimestampPlace::Header { name, .. }) => {
            vec![(name, time), (signed.header, format!("{}{signature}", signed.prefix))]
        }
    }
}

/// The public key of [`SEED`], as a vendor shows it.
pub(super) fn public_key() -> String {
    STANDARD.encode(KEY.verifying_key().as_bytes())
}

fn signature(signed: &Signed, secret: &str, time: &str, body: &[u8]) -> String {
    let join = match signed.timestamp.map(|timestamp| timestamp.place) {
        None => "",
        Some(TimestampPlace::List) => ".",
        Some(TimestampPlace::Header { join, .. }) => join,
    };
    let message = [time.as_bytes(), join.as_bytes(), body].concat();
    let bytes = match signed.algorithm {
        Algorithm::HmacSha1 => hmac::<Hmac<Sha1>>(secret, &message),
        Algorithm::HmacSha256 => hmac::<Hmac<Sha256>>(secret, &message),
        Algorithm::Ed25519 => KEY.sign(&message).to_bytes().to_vec(),
    };
    match signed.encoding {
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
    }
}

fn hmac<M: Mac + KeyInit>(secret: &str, message: &[u8]) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    mac.chain_update(message).finalize().into_bytes().to_vec()
}
