//! The form of the REST answers: `{"data": …}`, or `{"error": …, "status": …}`.

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::super::api::shown;
use super::super::error::ApiError;

#[derive(Deserialize)]
struct Envelope {
    data: Option<Box<RawValue>>,
    error: Option<String>,
    status: Option<u16>,
}

/// What an answer with a good status holds. The server's cache gives refusals the status 200 as well, so that the
/// body has the last word.
pub(super) fn open<T: DeserializeOwned>(url: &Url, body: &[u8]) -> Result<T, ApiError> {
    let strange = |reason: String| ApiError::Strange { origin: shown(url), reason };
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| strange(error.to_string()))?;
    if let Some(message) = envelope.error {
        return Err(match envelope.status {
            Some(401) => ApiError::Unauthorized { origin: shown(url) },
            status => ApiError::Refused { origin: shown(url), status: status.unwrap_or(200), message },
        });
    }
    // An empty list may be `null`.
    let data = envelope.data.as_deref().map_or("null", RawValue::get);
    serde_json::from_str(data).map_err(|error| strange(error.to_string()))
}
