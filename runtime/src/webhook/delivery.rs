//! What a provider's function sees of a delivery: what is kept of it, so that a replay sees the same.

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
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        // Serde would also fill a struct from the elements of an array.
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::terminal("the body is not a JSON object"));
        }
        let raw: &RawValue =
            serde_json::from_slice(self.body).map_err(|error| Error::terminal(format!("not JSON: {error}")))?;
        decode(raw).map_err(Error::terminal)
    }
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
        IdSource::Body(pointer) => id_at(body, pointer),
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
    type Object<'a> = std::collections::HashMap<std::borrow::Cow<'a, str>, &'a RawValue>;
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
