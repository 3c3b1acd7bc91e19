//! One delivery: verify, parse, normalize, without IO.

use http::HeaderMap;
use serde::de::DeserializeOwned;

use super::Provider;
use crate::error::{Error, Result};
use crate::event::{NewEvent, decode};

/// A request from a vendor, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl Delivery<'_> {
    /// The value of a header that is there exactly once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        value.to_str().ok()
    }

    /// The body as JSON of some type; the error names the field that does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let raw: &serde_json::value::RawValue =
            serde_json::from_slice(self.body).map_err(|error| Error::terminal(format!("not JSON: {error}")))?;
        decode(raw).map_err(Error::terminal)
    }
}

/// Why a delivery was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The signature is missing or wrong.
    #[error("invalid signature")]
    Signature,
    /// The body is not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// The body is JSON that the provider cannot turn into its events.
    #[error("{0}")]
    Payload(String),
}

/// The events of a delivery. Nothing of the body is looked at before its signature is found right.
pub fn receive(provider: &Provider, secret: &[u8], delivery: &Delivery<'_>) -> Result<Vec<NewEvent>, Rejection> {
    if secret.is_empty() || !(provider.verify)(delivery, secret) {
        return Err(Rejection::Signature);
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(delivery.body).map_err(|_| Rejection::NotJson)?;
    (provider.events)(delivery).map_err(|error| Rejection::Payload(error.message().to_owned()))
}
