//! How deliveries are signed. Comparisons take constant time; what is not spelled exactly right does not count.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A request whose sender is not known yet.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// The time of receipt, in milliseconds since 1970.
    pub now: i64,
}

impl<'a> SignedRequest<'a> {
    /// The value of a header that is there exactly once and is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        value.to_str().ok()
    }
}

/// A way to sign deliveries.
pub enum Scheme {
    /// A header holds the signature.
    Signed(Signed),
    /// A function decides, which must compare in constant time.
    Custom(fn(request: &SignedRequest<'_>, secret: &[u8]) -> bool),
}

/// A signature in a header.
pub struct Signed {
    /// The arithmetic.
    pub algorithm: Algorithm,
    /// The header's name, in lower case.
    pub header: &'static str,
    /// What stands before the signature, such as `sha256=`.
    pub prefix: &'static str,
    /// How the signature is written.
    pub encoding: Encoding,
    /// Where the time stands that is signed with the body.
    pub timestamp: Option<Timestamp>,
    /// Another form of the body that the vendor may have signed in its place.
    pub also: Option<OtherForm>,
    /// A header that another scheme of the vendor's has: where it is there, this one is not meant.
    pub unless: Option<&'static str>,
}

/// Makes another form of a body that the vendor may have signed; `None` when it has none.
pub type OtherForm = fn(body: &[u8]) -> Option<Vec<u8>>;

/// The arithmetic of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-1 (RFC 2104).
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// Ed25519 (RFC 8032); the secret is the vendor's public key in base64, raw or as a SubjectPublicKeyInfo.
    Ed25519,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal, in lower case.
    Hex,
    /// Base64 with padding (RFC 4648 §4).
    Base64,
}

/// A time that is signed with the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Where it stands.
    pub place: TimestampPlace,
    /// How many milliseconds its unit has: 1,000 for seconds, 1 for milliseconds.
    pub unit_ms: i64,
    /// How far it may lie from now, before or after, in milliseconds.
    pub tolerance_ms: i64,
}

/// Where a signed time stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampPlace {
    /// In a header of its own; signed are the time, `join` and the body.
    Header {
        /// The header's name, in lower case.
        name: &'static str,
        /// What stands between time and body.
        join: &'static str,
    },
    /// In the signature's header, `t=…,v1=…` with any number of `v1`; signed are the time, a full stop and the body.
    List,
}

/// The key of an Ed25519 public key in the form of a SubjectPublicKeyInfo (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Signatures in one header that are compared; vendors send one for each secret that they rotate.
const LISTED_SIGNATURES_MAX: usize = 8;

/// What a request shows of its signature.
struct Shown<'a> {
    signatures: Vec<&'a str>,
    /// The time as it is signed, and what joins it to the body.
    time: Option<(&'a str, &'static str)>,
}

impl Scheme {
    /// Whether the request could have been signed this way: all headers for it are there.
    pub(super) fn is_shown(&self, request: &SignedRequest<'_>) -> bool {
        match self {
            Self::Signed(signed) => signed.shown(request).is_some(),
            Self::Custom(_) => true,
        }
    }

    /// Whether the request was signed with this secret, within the scheme's tolerance.
    pub fn verify(&self, request: &SignedRequest<'_>, secret: &[u8]) -> bool {
        match self {
            // With an empty key anybody could sign.
            _ if secret.is_empty() => false,
            Self::Signed(signed) => signed.verify(request, secret),
            Self::Custom(verify) => verify(request, secret),
        }
    }

    /// The scheme in a few words, for the manifest.
    pub(crate) fn describe(&self) -> String {
        let Self::Signed(signed) = self else { return "custom".to_owned() };
        let algorithm = match signed.algorithm {
            Algorithm::HmacSha1 => "hmac-sha1",
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::Ed25519 => "ed25519",
        };
        let encoding = match signed.encoding {
            Encoding::Hex => "hex",
            Encoding::Base64 => "base64",
        };
        let timestamp = signed.timestamp.map(|time| format!(", timestamp within {} s", time.tolerance_ms / 1_000));
        format!("{algorithm} in `{}`, {encoding}{}", signed.header, timestamp.unwrap_or_default())
    }
}

impl Signed {
    fn shown<'a>(&self, request: &SignedRequest<'a>) -> Option<Shown<'a>> {
        if self.unless.is_some_and(|name| request.headers.contains_key(name)) {
            return None;
        }
        let header = request.header(self.header)?;
        match self.timestamp.map(|timestamp| timestamp.place) {
            None => Some(Shown { signatures: vec![header.strip_prefix(self.prefix)?], time: None }),
            Some(TimestampPlace::Header { name, join }) => {
                let time = request.header(name)?;
                Some(Shown { signatures: vec![header.strip_prefix(self.prefix)?], time: Some((time, join)) })
            }
            Some(TimestampPlace::List) => listed(header),
        }
    }

    fn verify(&self, request: &SignedRequest<'_>, secret: &[u8]) -> bool {
        let Some(shown) = self.shown(request) else { return false };
        if let Some(timestamp) = &self.timestamp
            && !shown.time.is_some_and(|(time, _)| timestamp.is_fresh(time, request.now))
        {
            return false;
        }
        let signatures: Vec<Vec<u8>> =
            shown.signatures.iter().filter_map(|signature| self.encoding.decode(signature)).collect();
        // Nobody has another form of the body made with a header that is no signature at all.
        if signatures.is_empty() {
            return false;
        }
        let holds = |body: &[u8]| {
            let time = shown.time.map(|(time, join)| [time.as_bytes(), join.as_bytes()]);
            let [time, join] = time.unwrap_or_default();
            signatures.iter().any(|signature| self.algorithm.holds(secret, &[time, join, body], signature))
        };
        holds(request.body) || self.also.and_then(|also| also(request.body)).is_some_and(|body| holds(&body))
    }
}

/// Takes `t=1735787045,v1=61838c…` apart; other schemes in the list are passed over.
fn listed(header: &str) -> Option<Shown<'_>> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", value) if time.replace(value).is_some() => return None,
            ("v1", value) => signatures.push(value),
            _ => {}
        }
    }
    let fits = !signatures.is_empty() && signatures.len() <= LISTED_SIGNATURES_MAX;
    fits.then_some(Shown { signatures, time: Some((time?, ".")) })
}

impl Timestamp {
    fn is_fresh(&self, text: &str, now: i64) -> bool {
        // Digits alone: `parse` would take a sign as well.
        let digits = !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
        let time = text.parse::<i64>().ok().filter(|_| digits).and_then(|time| time.checked_mul(self.unit_ms));
        time.is_some_and(|time| now.abs_diff(time) <= self.tolerance_ms.unsigned_abs())
    }
}

impl Encoding {
    /// The bytes of a text that is exactly one signature; `None` for anything around or within it.
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex if text.bytes().any(|letter| letter.is_ascii_uppercase()) => None,
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
        }
    }
}

impl Algorithm {
    fn holds(self, secret: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
        match self {
            Self::HmacSha1 => hmac::<Hmac<Sha1>>(secret, parts, signature),
            Self::HmacSha256 => hmac::<Hmac<Sha256>>(secret, parts, signature),
            Self::Ed25519 => ed25519(secret, parts, signature).is_some(),
        }
    }
}

fn hmac<M: Mac + KeyInit>(secret: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    // HMAC takes keys of any length, so that there always is one.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().as_slice().ct_eq(signature).into()
}

fn ed25519(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> Option<()> {
    let key = STANDARD.decode(key).ok()?;
    let key: [u8; 32] = key.strip_prefix(SPKI_PREFIX.as_slice()).unwrap_or(&key).try_into().ok()?;
    let key = VerifyingKey::from_bytes(&key).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    key.verify_strict(&parts.concat(), &signature).ok()
}
