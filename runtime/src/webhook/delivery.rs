//! What a provider's function sees of a delivery: what is kept of it, so that a replay sees the same.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::limits;
use super::provider::{IdSource, ProviderRegistration};
use super::scheme::SignedRequest;
use crate::error::{Error, Result};
use crate::event::decode;

/// The declared headers of a delivery, by their names in lower case.
pub type KeptHeaders = std::collections::BTreeMap<String, String>;

/// A delivery whose signature is right and whose body is JSON.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The vendor's id, or `body-` and the body's hash; the same when it is delivered again.
    pub id: &'a str,
    /// The headers that the provider declares.
    pub headers: &'a KeptHeaders,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl Delivery<'_> {
    /// The value of a declared header that is there exactly once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body, which must be a JSON object, as some type; the error names the field that does not fit.
    ///
    /// A text that its sender has cut within a surrogate pair, as JavaScript does, ends with U+FFFD.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        // Serde would also fill a struct from the elements of an array.
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::terminal("the body is not a JSON object"));
        }
        let body = whole_characters(self.body);
        let raw: &RawValue =
            serde_json::from_slice(&body).map_err(|error| Error::terminal(format!("not JSON: {error}")))?;
        decode(raw).map_err(Error::terminal)
    }
}

/// JSON in which each escaped half of a surrogate pair that stands alone is U+FFFD: no text can hold it.
fn whole_characters(json: &[u8]) -> Cow<'_, [u8]> {
    let mut whole = Cow::Borrowed(json);
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += found;
        match (escaped(json, at), escaped(json, at + ESCAPE)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 2 * ESCAPE,
            (Some(0xd800..=0xdfff), _) => {
                whole.to_mut()[at..at + ESCAPE].copy_from_slice(br"\ufffd");
                at += ESCAPE;
            }
            // The backslash and what it escapes, which may be another backslash.
            _ => at += 2,
        }
    }
    whole
}

/// Bytes of an escape by number.
const ESCAPE: usize = br"\ufffd".len();

/// The number that is escaped at this place.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The headers of a request that the provider declares.
pub(super) fn kept_headers(provider: &ProviderRegistration, request: &SignedRequest<'_>) -> KeptHeaders {
    let kept = provider.headers.iter().filter_map(|name| {
        let value = request.header(name).filter(|value| value.len() <= limits::HEADER_BYTES_MAX)?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    kept.collect()
}

/// The delivery's id; `body` is its JSON.
pub(super) fn delivery_id(provider: &ProviderRegistration, request: &SignedRequest<'_>, body: &RawValue) -> String {
    let found = provider.delivery_id.iter().find_map(|source| match source {
        IdSource::Header(name) => request.header(name).map(str::to_owned),
        IdSource::Body { pointer, prefix } => id_at(body, pointer).filter(|id| id.starts_with(prefix)),
    });
    match found.filter(|id| !id.trim().is_empty()) {
        Some(id) if id.len() <= limits::DELIVERY_ID_BYTES_MAX && !id.contains(char::is_control) => id,
        Some(id) => format!("id-{}", hash(id.as_bytes())),
        None => format!("body-{}", hash(request.body)),
    }
}

fn hash(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(bytes))
}

/// The text or number at a JSON pointer through objects. Each level is read once, and what is beside it is passed over,
/// so that a large body costs no more memory than it has.
fn id_at(body: &RawValue, pointer: &str) -> Option<String> {
    type Object<'a> = std::collections::HashMap<Cow<'a, str>, &'a RawValue>;
    let mut value = body;
    for segment in pointer.split('/').skip(1) {
        let object: Object<'_> = serde_json::from_str(value.get()).ok()?;
        let segment = segment.replace("~1", "/").replace("~0", "~");
        value = object.get(segment.as_str()).copied()?;
    }
    match serde_json::from_str(value.get()).ok()? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(_) => Some(value.get().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_do_not_make_a_body_unreadable() {
        for (body, expected) in [
            (r#"["a\ud83d\ude00b"]"#, "a\u{1f600}b"),
            (r#"["a\uD83D\uDE00b"]"#, "a\u{1f600}b"),
            (r#"["cut \ud83d"]"#, "cut \u{fffd}"),
            (r#"["\ude00 cut"]"#, "\u{fffd} cut"),
            (r#"["\ude00\ud83d"]"#, "\u{fffd}\u{fffd}"),
            (r#"["\ud83d\ud83d\ude00"]"#, "\u{fffd}\u{1f600}"),
            (r#"["\ud83d\n\u0041"]"#, "\u{fffd}\nA"),
            (r#"["\\ud83d"]"#, "\\ud83d"),
            (r#"["\\\ud83d"]"#, "\\\u{fffd}"),
            (r#"["plain ä"]"#, "plain ä"),
        ] {
            let [text]: [String; 1] = serde_json::from_slice(&whole_characters(body.as_bytes())).expect(body);
            assert_eq!(text, expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        for body in ["", "\\", "\\u", r"\ud8", r"\ud83", r"\u+d83", r"\\\"] {
            assert_eq!(whole_characters(body.as_bytes()), body.as_bytes(), "{body}");
        }
    }
}
