//! A request to a language model.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::shown;
use crate::error::Error;
use crate::service::Secret;

/// How a provider wants the key; on the wire also a hint how to read usage from the answer (`SDK_SPEC.md` §5.3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InferFormat {
    /// `openai-chat`, also for the many providers that imitate it: the key as a bearer token.
    #[default]
    OpenAiChat,
    /// `anthropic`: the key in `x-api-key`.
    Anthropic,
    /// `gemini`: the key in the query, as `key`.
    Gemini,
    /// `bedrock`: the key is the whole `Authorization` header.
    Bedrock,
}

impl InferFormat {
    /// The format's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
        }
    }
}

/// A request to a language model that the engine is to make. The body is the provider's own, the model in it included.
///
/// ```
/// use serde_json::json;
/// use system_bus_runtime::outbound::InferRequest;
///
/// let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
/// let request = InferRequest::openai_chat("sk-…", body).url("http://localhost:11434/v1/chat/completions");
/// assert_eq!(request.auth_key().expose(), "sk-…");
/// ```
#[derive(Clone)]
pub struct InferRequest {
    format: InferFormat,
    url: String,
    auth_key: Secret,
    headers: BTreeMap<String, String>,
    body: Result<Box<RawValue>, String>,
}

impl InferRequest {
    /// A request to any address. An empty key is not sent.
    pub fn new(format: InferFormat, url: impl Into<String>, auth_key: impl Into<Secret>, body: impl Serialize) -> Self {
        let body = to_raw_value(&body).map_err(|error| error.to_string());
        Self { format, url: url.into(), auth_key: auth_key.into(), headers: BTreeMap::new(), body }
    }

    /// A request to OpenAI's chat completions; see [`InferRequest::url`] for those that imitate them.
    pub fn openai_chat(auth_key: impl Into<Secret>, body: impl Serialize) -> Self {
        Self::new(InferFormat::OpenAiChat, "https://api.openai.com/v1/chat/completions", auth_key, body)
    }

    /// A request to Anthropic's messages, in version `2023-06-01` of their API.
    pub fn anthropic(auth_key: impl Into<Secret>, body: impl Serialize) -> Self {
        Self::new(InferFormat::Anthropic, "https://api.anthropic.com/v1/messages", auth_key, body)
            .header("anthropic-version", "2023-06-01")
    }

    /// A request to a Gemini model, which is part of the address.
    pub fn gemini(model: &str, auth_key: impl Into<Secret>, body: impl Serialize) -> Self {
        let url = format!("https://generativelanguage.googleapis.com/v1beta/models/{model}:generateContent");
        Self::new(InferFormat::Gemini, url, auth_key, body)
    }

    /// Sends it to another address.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Adds a header, in place of any of the same name, that of the key included.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.headers.insert(name.as_ref().to_ascii_lowercase(), value.into());
        self
    }

    /// The format.
    pub fn format(&self) -> InferFormat {
        self.format
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.url
    }

    /// The key.
    pub fn auth_key(&self) -> &Secret {
        &self.auth_key
    }

    /// The headers beside those of the format, by their names in lower case.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// The body; null for one that cannot be written as JSON, which fails the step before anything is sent.
    pub fn body(&self) -> &RawValue {
        self.body.as_deref().unwrap_or(RawValue::NULL)
    }

    /// Why the request cannot be sent at all.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.body {
            Ok(_) => Ok(()),
            Err(error) => {
                let text = format!("the body of the request cannot be written as JSON: {error}");
                Err(Error::terminal(text).named("EncodeError"))
            }
        }
    }
}

impl fmt::Debug for InferRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InferRequest")
            .field("format", &self.format)
            .field("url", &shown(&self.url))
            .field("headers", &self.headers.keys())
            .field("body_bytes", &self.body().get().len())
            .finish_non_exhaustive()
    }
}
