//! Requests to the outside that sessions make: `step.fetch` and `step.ai().infer`.
//!
//! What fails an attempt is what fails it on an Inngest server: a fetch that got no response, an inference that was
//! answered with a status above 299. Nothing of a request is stored, and no error holds its address or a secret of it.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::value::{RawValue, to_raw_value};
use system_bus_runtime::error::{Error, Result};
use system_bus_runtime::outbound::{FetchRequest, FetchResponse, InferFormat, InferRequest};
use system_bus_runtime::protocol::Operation;

use crate::limits;

/// The name of a `fetch` step's error, as an Inngest server has it.
const FETCH: &str = "GatewayError";

/// The name of an `infer` step's error, as an Inngest server has it.
const INFER: &str = "AIGatewayError";

/// The engine's HTTP clients. Each is made at its first use: reading the system's certificates takes time and memory.
#[derive(Default)]
pub(crate) struct Outbound {
    fetch: OnceLock<Option<Client>>,
    infer: OnceLock<Option<Client>>,
}

/// What a request is made of; `name` is that of its errors.
struct Request {
    name: &'static str,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
}

impl Outbound {
    /// Makes the request that a step asks for; its result as it is stored.
    pub(crate) async fn perform(&self, operation: &Operation) -> Result<Box<RawValue>> {
        match operation {
            Operation::Fetch(request) => self.fetch(request).await,
            Operation::Infer(request) => self.infer(request).await,
            other => Err(Error::terminal(format!("a step of kind {:?} makes no request", other.kind()))),
        }
    }

    async fn fetch(&self, request: &FetchRequest) -> Result<Box<RawValue>> {
        let client = self.fetch.get_or_init(|| client(|| Policy::limited(limits::REDIRECTS_MAX)));
        let request = Request {
            name: FETCH,
            method: request.method().clone(),
            url: address(FETCH, request.url())?,
            headers: headers(FETCH, HeaderMap::new(), request.headers())?,
            body: request.body().map(str::to_owned),
        };
        let (response, body) = request.send(client.as_ref()).await?;
        let response = FetchResponse { status: response.0.as_u16(), headers: joined(&response.1), body };
        to_raw_value(&response).map_err(|error| Error::terminal(error).named(FETCH))
    }

    async fn infer(&self, asked: &InferRequest) -> Result<Box<RawValue>> {
        // A key that stands in a header of its own would follow a redirect to any host.
        let client = self.infer.get_or_init(|| client(Policy::none));
        let mut url = address(INFER, asked.address())?;
        let mut own = HeaderMap::new();
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key = asked.auth_key().expose();
        if !key.is_empty() {
            match asked.format() {
                InferFormat::OpenAiChat => own.insert(AUTHORIZATION, secret(&format!("Bearer {key}"))?),
                InferFormat::Bedrock => own.insert(AUTHORIZATION, secret(key)?),
                InferFormat::Anthropic => own.insert(HeaderName::from_static("x-api-key"), secret(key)?),
                InferFormat::Gemini => {
                    url.query_pairs_mut().append_pair("key", key);
                    None
                }
            };
        }
        let request = Request {
            name: INFER,
            method: Method::POST,
            url,
            headers: headers(INFER, own, asked.headers())?,
            body: Some(asked.body().get().to_owned()),
        };
        let host = request.host();
        let ((status, headers), body) = request.send(client.as_ref()).await?;
        if status.as_u16() > 299 {
            let text = format!("`{host}` answered {}: {}", status.as_u16(), excerpt(&body, asked));
            let error = match retry_after(status, &headers) {
                Some(delay) => Error::retry_after(text, delay),
                None => Error::retryable(text),
            };
            return Err(error.named(INFER));
        }
        RawValue::from_string(body)
            .map_err(|error| Error::retryable(format!("the answer of `{host}` is not JSON: {error}")).named(INFER))
    }
}

impl Request {
    fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    async fn send(self, client: Option<&Client>) -> Result<((StatusCode, HeaderMap), String)> {
        let (name, host) = (self.name, self.host());
        let failed = |error: reqwest::Error| {
            Error::retryable(format!("the request to `{host}` failed: {}", reason(&error.without_url()))).named(name)
        };
        let client =
            client.ok_or_else(|| Error::retryable("the HTTP client cannot be made; the log says why").named(name))?;
        let mut request = client.request(self.method, self.url).headers(self.headers);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(failed)?;
        let body = read(&mut response, limits::RESPONSE_BYTES_MAX).await.map_err(failed)?.ok_or_else(|| {
            Error::terminal(format!(
                "the response of `{host}` is larger than {} bytes: ask for less at once, or stream it in a `run` step",
                limits::RESPONSE_BYTES_MAX
            ))
            .named("ResponseTooLargeError")
        })?;
        let headers = std::mem::take(response.headers_mut());
        Ok(((response.status(), headers), String::from_utf8_lossy(&body).into_owned()))
    }
}

/// The whole body; `None` when it is larger than `limit`.
async fn read(response: &mut Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// A client whose every connection is bounded in time; a session bounds the whole request.
fn client(redirects: fn() -> Policy) -> Option<Client> {
    system_bus_runtime::tls::install();
    let builder = || {
        Client::builder()
            .redirect(redirects())
            .connect_timeout(limits::CONNECT_TIME_MAX)
            .user_agent(concat!("system-bus/", env!("CARGO_PKG_VERSION")))
    };
    let built = builder().build().or_else(|error| {
        tracing::warn!(error = %reason(&error), "the system has no certificates that can be read: https will fail");
        builder().tls_certs_only([]).build()
    });
    built.inspect_err(|error| tracing::error!(error = %reason(error), "no HTTP client for functions")).ok()
}

fn address(name: &'static str, url: &str) -> Result<Url> {
    let refused = |text: &str| Error::terminal(format!("the address of the request {text}")).named(name);
    // The parser's own words do not quote the address, which may hold a secret.
    let url = Url::parse(url).map_err(|error| refused(&format!("is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(&format!("has the scheme `{}`: it must be `http` or `https`", url.scheme())));
    }
    Ok(url)
}

/// The author's headers over those that the format needs.
fn headers(name: &'static str, mut own: HeaderMap, asked: &BTreeMap<String, String>) -> Result<HeaderMap> {
    for (key, value) in asked {
        let refused =
            |what| Error::terminal(format!("the header `{key}` has {what} that HTTP does not allow")).named(name);
        let header = HeaderName::try_from(key.as_str()).map_err(|_| refused("a name"))?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| refused("a value"))?;
        value.set_sensitive(true);
        own.insert(header, value);
    }
    Ok(own)
}

fn secret(value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| Error::terminal("the key of the request has characters that HTTP does not allow").named(INFER))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The headers of a response as text; several values of one are joined, as an Inngest server does.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    joined
}

/// The start of a provider's refusal, without what it may repeat of the request's secrets.
fn excerpt(body: &str, asked: &InferRequest) -> String {
    /// A shorter value is no secret, and may be part of a word.
    const SECRET_BYTES_MIN: usize = 8;
    let key = asked.auth_key().expose();
    let mut text = if key.is_empty() { body.to_owned() } else { body.replace(key, "…") };
    for value in asked.headers().values().filter(|value| value.len() >= SECRET_BYTES_MIN) {
        text = text.replace(value.as_str(), "…");
    }
    text.truncate(text.floor_char_boundary(limits::REFUSAL_BYTES_MAX));
    text
}

/// When a provider that is busy wants to be asked again.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let busy = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
    let seconds = headers.get(RETRY_AFTER).filter(|_| busy)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(limits::BACKOFF_MAX))
}

/// An error with its causes, the innermost of which says what the system said.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
