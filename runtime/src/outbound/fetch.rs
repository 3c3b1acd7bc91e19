//! An HTTP request and its response.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::shown;
use crate::error::{Error, StepError};
use crate::event::decode;

/// An HTTP request that the engine is to make (`SDK_SPEC.md` §5.3.7).
///
/// ```
/// use system_bus_runtime::outbound::FetchRequest;
///
/// let request = FetchRequest::post("https://api.example/items").header("x-tenant", "a").json(&[1, 2]);
/// assert_eq!(request.body(), Some("[1,2]"));
/// assert_eq!(request.headers()["content-type"], "application/json");
/// ```
#[derive(Clone)]
pub struct FetchRequest {
    method: Method,
    url: String,
    headers: BTreeMap<String, String>,
    body: Option<String>,
    problem: Option<String>,
}

impl FetchRequest {
    /// A request without headers and body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: BTreeMap::new(), body: None, problem: None }
    }

    /// A `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A `POST` request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// Adds a header, in place of any of the same name.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.headers.insert(name.as_ref().to_ascii_lowercase(), value.into());
        self
    }

    /// Sends `value` as JSON. A value that cannot be written as JSON fails the step.
    #[must_use]
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(value) {
            Ok(text) => self.with_body(text, "application/json"),
            Err(error) => {
                self.problem = Some(format!("the body of the request cannot be written as JSON: {error}"));
                self
            }
        }
    }

    /// Sends a text. An Inngest server sends one that is not JSON itself as a JSON string.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with_body(text.into(), "text/plain; charset=utf-8")
    }

    fn with_body(mut self, body: String, content_type: &str) -> Self {
        self.headers.entry("content-type".to_owned()).or_insert_with(|| content_type.to_owned());
        self.body = Some(body);
        self
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, by their names in lower case.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// Why the request cannot be sent at all.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.problem.as_ref().map_or(Ok(()), |problem| Err(Error::terminal(problem).named("EncodeError")))
    }
}

impl fmt::Debug for FetchRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FetchRequest")
            .field("method", &self.method)
            .field("url", &shown(&self.url))
            .field("headers", &self.headers.keys())
            .field("body_bytes", &self.body.as_ref().map(String::len))
            .finish()
    }
}

/// What came back: the result of a `step.fetch`, as an Inngest server stores it. Any status is a result and no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchResponse {
    /// The HTTP status.
    #[serde(rename = "status_code")]
    pub status: u16,
    /// The headers; several values of one are joined with `,`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; bytes that are not UTF-8 are replaced by U+FFFD.
    #[serde(default)]
    pub body: String,
}

impl FetchResponse {
    /// A response without headers, for tests.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: BTreeMap::new(), body: body.into() }
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header; case does not matter in its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; a body that does not fit is a decode error.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        let misfit = |problem: String| {
            let text = format!("the body of the response (status {}) does not fit its type: {problem}", self.status);
            StepError::new(StepError::DECODE, text)
        };
        let raw: &RawValue = serde_json::from_str(&self.body).map_err(|error| misfit(error.to_string()))?;
        decode(raw).map_err(|error| misfit(error.to_string()))
    }
}
