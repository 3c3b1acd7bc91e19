//! How commands talk to a running worker.

use std::error::Error as _;

use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use system_bus_engine::api::Keys;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::server::ApiError;

/// How long a worker may take to answer.
const ANSWER_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(30);

/// Why a worker or a server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The address is none.
    #[error("`{0}` is not the address of a worker: write for instance `http://127.0.0.1:3111`")]
    Address(String),
    /// Nobody answers.
    #[error("cannot reach the worker at {url} ({reason}): start it with `system-bus` or pass --url")]
    Unreachable {
        /// Where.
        url: String,
        /// What the system says.
        reason: String,
    },
    /// The worker refuses; its own words.
    #[error("{0}")]
    Refused(String),
    /// The worker cannot do it now; its own words.
    #[error("{0}")]
    Busy(String),
    /// The server did not do it.
    #[error("{error}{hint}", error = .0, hint = hint(.0))]
    Server(#[from] ApiError),
    /// The worker has no route for it.
    #[error("the worker at {0} works for no server: start it with `INNGEST_DEV` or `INNGEST_BASE_URL`")]
    NoServer(String),
    /// Somebody else answers.
    #[error("{url} does not answer like a system-bus worker (status {status}): check --url")]
    Strange {
        /// Where.
        url: String,
        /// The status of the answer.
        status: u16,
    },
}

/// How to do better.
fn hint(error: &ApiError) -> &'static str {
    match error {
        ApiError::Unreachable { .. } => "; the `INNGEST_` variables say where it is",
        _ => "",
    }
}

/// A worker at some address.
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    keys: Keys,
}

/// The part of an answer that holds what was asked for, as the worker wrote it.
#[derive(Deserialize)]
struct Data {
    data: Box<RawValue>,
}

#[derive(Deserialize)]
struct Received {
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(alias = "message")]
    error: String,
}

impl Client {
    /// The worker at `address`; nothing is sent yet.
    pub(crate) fn new(address: &str, keys: Keys) -> Result<Self, ClientError> {
        let wrong = || ClientError::Address(address.to_owned());
        let url = Url::parse(address).map_err(|_| wrong())?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(wrong());
        }
        // The client wants to know its cryptography even though workers are reached without.
        system_bus_runtime::tls::install();
        // Plain HTTP needs no certificates, and a machine may have none.
        let builder = reqwest::Client::builder().tls_certs_only([]);
        let http = builder.timeout(ANSWER_TIME_MAX).build().map_err(|_| wrong())?;
        Ok(Self { http, url, keys })
    }

    /// The `data` of `GET /v1/{path}`.
    pub(crate) async fn data(&self, path: &[&str], query: &[(&str, String)]) -> Result<Box<RawValue>, ClientError> {
        let mut url = self.at(&[&["v1"], path].concat());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer: Data = self.ask(Method::GET, url, None).await?;
        Ok(answer.data)
    }

    /// Cancels a run; the worker's answer.
    pub(crate) async fn cancel(&self, run: &str) -> Result<Box<RawValue>, ClientError> {
        self.ask(Method::DELETE, self.at(&["v1", "runs", run]), None).await
    }

    /// Replays a delivery; where it stands then.
    pub(crate) async fn replay_delivery(&self, id: i64) -> Result<Box<RawValue>, ClientError> {
        let url = self.at(&["v1", "inbox", &id.to_string(), "replay"]);
        let answer: Data = self.ask(Method::POST, url, None).await?;
        Ok(answer.data)
    }

    /// Makes the worker register at its server again, at the path of its routes for the server; its answer.
    pub(crate) async fn refresh(&self, path: &str) -> Result<Box<RawValue>, ClientError> {
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match self.answer(Method::PUT, self.at(&segments), None).await? {
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => Err(ClientError::NoServer(self.shown())),
            (status, text) => self.decode(status, &text),
        }
    }

    /// Sends one event; its id.
    pub(crate) async fn send(&self, event: &NewEvent, allow_unknown: bool) -> Result<String, ClientError> {
        let key = self.keys.event.as_deref().unwrap_or("cli");
        let mut url = self.at(&["e", key]);
        if allow_unknown {
            url.query_pairs_mut().append_pair("allow_unhandled", "true");
        }
        let strange = ClientError::Strange { url: self.shown(), status: 200 };
        let body = serde_json::to_string(event).unwrap_or_default();
        let answer: Received = self.ask(Method::POST, url, Some(body)).await?;
        answer.ids.into_iter().next().ok_or(strange)
    }

    /// The worker's address for people, without what a user may have put into it for authorization.
    fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, url: Url, body: Option<String>) -> Result<T, ClientError> {
        let (status, text) = self.answer(method, url, body).await?;
        self.decode(status, &text)
    }

    async fn answer(
        &self,
        method: Method,
        url: Url,
        body: Option<String>,
    ) -> Result<(StatusCode, String), ClientError> {
        let unreachable =
            |error: reqwest::Error| ClientError::Unreachable { url: self.shown(), reason: reason(&error) };
        let mut request = self.http.request(method, url);
        if let Some(key) = &self.keys.signing {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        Ok((status, answer.text().await.map_err(unreachable)?))
    }

    fn decode<T: DeserializeOwned>(&self, status: StatusCode, text: &str) -> Result<T, ClientError> {
        let strange = |_| ClientError::Strange { url: self.shown(), status: status.as_u16() };
        if status.is_success() {
            return serde_json::from_str(text).map_err(strange);
        }
        let refusal: Refusal = serde_json::from_str(text).map_err(strange)?;
        let hint = if status == 401 {
            ": set `INNGEST_EVENT_KEY` and `INNGEST_SIGNING_KEY` as the worker has them"
        } else {
            ""
        };
        let error = refusal.error + hint;
        Err(if status == StatusCode::SERVICE_UNAVAILABLE {
            ClientError::Busy(error)
        } else {
            ClientError::Refused(error)
        })
    }
}

/// The innermost cause, which is what the system said.
fn reason(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut innermost = None;
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
        {
            return io.kind().to_string();
        }
        innermost = Some(inner.to_string());
        cause = inner.source();
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { innermost.unwrap_or_else(|| error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::Client;
    use system_bus_engine::api::Keys;

    #[test]
    fn ids_are_one_segment_of_the_path() {
        let client = Client::new("http://127.0.0.1:3111/", Keys::default()).expect("is an address");
        let url = client.at(&["v1", "events", "a/b?c#d é"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:3111/v1/events/a%2Fb%3Fc%23d%20%C3%A9");
    }

    #[test]
    fn an_address_without_a_scheme_is_refused_with_an_example() {
        for address in ["127.0.0.1:3111", "localhost:3111", "https://example.com", "no"] {
            let error = Client::new(address, Keys::default()).err().expect("is refused");
            assert!(error.to_string().contains("http://127.0.0.1:3111"), "{address}");
        }
    }
}
