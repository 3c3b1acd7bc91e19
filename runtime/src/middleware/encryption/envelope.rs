//! The encrypted form of a JSON value, as the TypeScript SDK writes and reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::EncryptionKey;
use super::secretbox::{self, NONCE_BYTES, TAG_BYTES};
use crate::error::{Error, Result};

pub(super) const MARKER: &str = "__ENCRYPTED__";
const STRATEGY_MARKER: &str = "__STRATEGY__";
const STRATEGY: &str = "inngest/libsodium";

/// `{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium","data":"…"}`; the data is base64 of nonce, tag and
/// ciphertext.
#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "__ENCRYPTED__")]
    encrypted: bool,
    #[serde(rename = "__STRATEGY__")]
    strategy: &'a str,
    data: &'a str,
}

/// Why an encrypted value stays closed. It tells nothing of the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OpenError {
    #[error("it was encrypted with `{STRATEGY}`, and none of the {0} key(s) here opens it: add its key as a fallback")]
    NoKey(usize),
    #[error("it was encrypted with the strategy `{0}`, and only `{STRATEGY}` is known here")]
    Strategy(String),
    #[error(
        "it was encrypted without a strategy, as version 0 of the TypeScript middleware did it (AES), and only \
         `{STRATEGY}` is known here"
    )]
    Legacy,
    #[error("it is marked as encrypted with `{STRATEGY}`, but is damaged")]
    Damaged,
}

/// The key that encrypts and decrypts, then those that only decrypt.
#[derive(Clone)]
pub(super) struct Keyring {
    current: EncryptionKey,
    fallbacks: Vec<EncryptionKey>,
}

impl Keyring {
    pub(super) fn new(current: EncryptionKey) -> Self {
        Self { current, fallbacks: Vec::new() }
    }

    pub(super) fn add(&mut self, fallback: EncryptionKey) {
        self.fallbacks.push(fallback);
    }

    /// The encrypted form of a value.
    pub(super) fn encrypt(&self, value: &RawValue) -> Result<Box<RawValue>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| encrypt_error(&error))?;
        self.encrypt_with(&nonce, value)
    }

    fn encrypt_with(&self, nonce: &[u8; NONCE_BYTES], value: &RawValue) -> Result<Box<RawValue>> {
        let mut sealed = Vec::with_capacity(NONCE_BYTES + TAG_BYTES + value.get().len());
        sealed.extend_from_slice(nonce);
        sealed.extend_from_slice(&[0; TAG_BYTES]);
        sealed.extend_from_slice(value.get().as_bytes());
        let (head, message) = sealed.split_at_mut(NONCE_BYTES + TAG_BYTES);
        let tag = secretbox::seal(self.current.bytes(), nonce, message);
        head[NONCE_BYTES..].copy_from_slice(&tag);
        let data = STANDARD.encode(&sealed);
        to_raw_value(&Envelope { encrypted: true, strategy: STRATEGY, data: &data })
            .map_err(|error| encrypt_error(&error))
    }

    /// The plain form of an encrypted value; `None` for a value that is not encrypted.
    pub(super) fn decrypt(&self, value: &RawValue) -> std::result::Result<Option<Box<RawValue>>, OpenError> {
        let Some(sealed) = sealed(value)? else { return Ok(None) };
        let damaged = || OpenError::Damaged;
        let bytes = STANDARD.decode(sealed).map_err(|_| damaged())?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
        let (tag, ciphertext) = rest.split_first_chunk::<TAG_BYTES>().ok_or_else(damaged)?;
        let mut message = ciphertext.to_vec();
        let mut keys = std::iter::once(&self.current).chain(&self.fallbacks);
        if !keys.any(|key| secretbox::open(key.bytes(), nonce, tag, &mut message)) {
            return Err(OpenError::NoKey(1 + self.fallbacks.len()));
        }
        let text = String::from_utf8(message).map_err(|_| damaged())?;
        RawValue::from_string(text).map(Some).map_err(|_| damaged())
    }
}

/// The data of an encrypted value; `None` for any other, however much it may look like one.
fn sealed(value: &RawValue) -> std::result::Result<Option<String>, OpenError> {
    // Nearly no value gets beyond this, and none is parsed for nothing.
    if !value.get().starts_with('{') || !value.get().contains(MARKER) {
        return Ok(None);
    }
    let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(value.get()) else { return Ok(None) };
    if fields.get(MARKER) != Some(&Value::Bool(true)) {
        return Ok(None);
    }
    let Some(Value::String(data)) = fields.remove("data") else { return Ok(None) };
    match fields.remove(STRATEGY_MARKER) {
        None => Err(OpenError::Legacy),
        Some(Value::String(strategy)) if strategy == STRATEGY => Ok(Some(data)),
        Some(Value::String(strategy)) => Err(OpenError::Strategy(strategy)),
        Some(_) => Ok(None),
    }
}

fn encrypt_error(error: &dyn std::fmt::Display) -> Error {
    Error::retryable(format!("cannot encrypt: {error}")).named("EncryptError")
}

#[cfg(test)]
mod tests;
