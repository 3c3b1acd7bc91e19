//! The server's HTTP API: registration, call payloads, checkpoints, events, signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::Url;
use serde::{Deserialize, Serialize};

pub use super::error::ApiError;
use super::headers;
use super::settings::ServerSettings;
use crate::event::NewEvent;
use crate::function::RunId;

/// How long the server may take for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Attempts in all for a request that may be repeated (`SDK_SPEC.md` §10.3.3).
const ATTEMPTS_MAX: usize = 5;
/// The pause before the second attempt; it doubles each time, with jitter.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Characters of an answer that are shown in an error.
const SHOWN_CHARS_MAX: usize = 300;

/// The server's API. Clones share their connections.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    settings: Arc<ServerSettings>,
    /// The current key was refused and the fallback was not: it is tried first from now on (`SDK_SPEC.md` §10.3.4).
    prefers_fallback: AtomicBool,
}

/// An answer with a good status.
pub(super) struct Answer {
    pub(super) body: Bytes,
}

/// What the server says to a registration (`SDK_SPEC.md` §4.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Registered {
    /// Whether it changed anything.
    #[serde(default)]
    pub modified: bool,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default)]
    error: Option<String>,
}

/// A refusal in each of the forms that the server's parts have.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    message: Option<String>,
    /// Of GraphQL.
    #[serde(default)]
    errors: Vec<GraphQlError>,
    /// Ids of the events that were taken nevertheless; an empty one stands for none.
    #[serde(default)]
    ids: Vec<String>,
}

/// What GraphQL says about a query.
#[derive(Deserialize)]
pub(super) struct GraphQlError {
    pub(super) message: String,
}

impl Refusal {
    fn text(self) -> Option<String> {
        let texts = [self.error, self.message, self.errors.into_iter().next().map(|error| error.message)];
        texts.into_iter().flatten().find(|text| !text.is_empty())
    }
}

#[derive(Serialize)]
struct Signal<'a> {
    signal: &'a str,
    data: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct SignalAnswer {
    data: SignalReceiver,
}

#[derive(Deserialize)]
struct SignalReceiver {
    run_id: String,
}

/// A failed request, with what the server did nevertheless.
struct Failure {
    error: ApiError,
    /// The events that were taken.
    ids: Vec<String>,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { error, ids: Vec::new() }
    }
}

impl Failure {
    /// The error of a request with so many events.
    fn of_events(self, total: usize) -> ApiError {
        match self.error {
            ApiError::Unauthorized { origin } => ApiError::EventKey { origin },
            error if self.ids.is_empty() => error,
            error => ApiError::Partial { ids: self.ids, total, error: Box::new(error) },
        }
    }
}

impl Api {
    /// The API of a server; nothing is sent yet.
    pub fn new(settings: Arc<ServerSettings>) -> Self {
        crate::tls::install();
        let builder = reqwest::Client::builder().timeout(ANSWER_TIME_MAX).connect_timeout(CONNECT_TIME_MAX);
        // It fails only when the TLS roots cannot be loaded; then plain connections still work.
        let http = builder.build().unwrap_or_default();
        Self(Arc::new(Inner { http, settings, prefers_fallback: AtomicBool::new(false) }))
    }

    /// Which server it is, and how it is reached.
    pub fn settings(&self) -> &Arc<ServerSettings> {
        &self.0.settings
    }

    /// Tells the server which functions the app holds (`SDK_SPEC.md` §4.3.2). `deploy_id` and `server_kind` come from
    /// the request that asked for it.
    pub async fn register(
        &self,
        payload: Bytes,
        deploy_id: Option<&str>,
        server_kind: Option<HeaderValue>,
    ) -> Result<Registered, ApiError> {
        let mut url = self.0.settings.api(&["fn", "register"]);
        if let Some(id) = deploy_id {
            url.query_pairs_mut().append_pair("deployId", id);
        }
        let mut extra = HeaderMap::new();
        if let Some(kind) = server_kind {
            extra.insert(headers::EXPECTED_SERVER_KIND, kind);
        }
        let answer = self.ask(Method::POST, url, Some(payload), extra).await?;
        self.decode(&answer.body)
    }

    /// The events of a run that were too large for its request, as JSON (`SDK_SPEC.md` §4.4.2).
    pub async fn batch(&self, run: RunId) -> Result<Bytes, ApiError> {
        self.get(&["v0", "runs", &run.to_string(), "batch"]).await
    }

    /// The remembered steps of a run that were too large for its request, as JSON (`SDK_SPEC.md` §4.4.2).
    pub async fn actions(&self, run: RunId) -> Result<Bytes, ApiError> {
        self.get(&["v0", "runs", &run.to_string(), "actions"]).await
    }

    /// Stores step results of a run that goes on (`SDK_SPEC.md` §10.3.1); repeated while the server has trouble.
    pub async fn checkpoint(&self, run: RunId, body: Bytes) -> Result<(), ApiError> {
        let url = self.0.settings.api(&["v1", "checkpoint", &run.to_string(), "async"]);
        let ask = || self.ask(Method::POST, url.clone(), Some(body.clone()), HeaderMap::new());
        ask.retry(backoff()).when(ApiError::is_transient).await.map(drop)
    }

    /// Sends events; their ids. The server derives them from `seed`, so that repeating the send adds no event.
    pub async fn send_events(&self, events: &[NewEvent], seed: &str) -> Result<Vec<String>, ApiError> {
        let url = self.0.settings.events();
        let strange = |reason: String| ApiError::Strange { origin: shown(&url), reason };
        let body = Bytes::from(serde_json::to_vec(events).map_err(|error| strange(error.to_string()))?);
        let mut extra = HeaderMap::new();
        let seed = HeaderValue::from_str(seed).map_err(|_| strange("the seed is no header value".to_owned()))?;
        extra.insert(headers::EVENT_ID_SEED, seed);
        // Events go by their own key, which is in the address: the signing key is nobody's business there.
        let ask = || self.ask_once(&Method::POST, &url, Some(body.clone()), &extra, None);
        let answer = ask.retry(backoff()).when(|failure: &Failure| failure.error.is_transient()).await;
        let answer = answer.map_err(|failure| failure.of_events(events.len()))?;
        let sent: Sent = self.decode(&answer.body)?;
        match sent.error {
            Some(message) => Err(ApiError::Refused { origin: shown(&url), status: 200, message }),
            None if sent.ids.len() != events.len() => {
                Err(strange(format!("{} ids for {} events", sent.ids.len(), events.len())))
            }
            None => Ok(sent.ids),
        }
    }

    /// Sends events under a seed of their own.
    pub async fn send_new_events(&self, events: &[NewEvent]) -> Result<Vec<String>, ApiError> {
        use base64::Engine;
        let random = ulid::Ulid::generate();
        let entropy = base64::engine::general_purpose::STANDARD.encode(&random.to_bytes()[6..]);
        self.send_events(events, &format!("{},{entropy}", random.timestamp_ms())).await
    }

    /// Sends a signal; the run that waited for it, or `None` when nobody did.
    pub async fn send_signal(
        &self,
        signal: &str,
        data: &serde_json::value::RawValue,
    ) -> Result<Option<String>, ApiError> {
        let url = self.0.settings.api(&["v1", "signals"]);
        let body = serde_json::to_vec(&Signal { signal, data })
            .map_err(|error| ApiError::Strange { origin: shown(&url), reason: error.to_string() })?;
        let body = Bytes::from(body);
        let ask = || self.ask(Method::POST, url.clone(), Some(body.clone()), HeaderMap::new());
        match ask.retry(backoff()).when(ApiError::is_transient).await {
            Ok(answer) => self.decode::<SignalAnswer>(&answer.body).map(|answer| Some(answer.data.run_id)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get(&self, path: &[&str]) -> Result<Bytes, ApiError> {
        self.read(self.0.settings.api(path)).await
    }

    /// Reads what is at an address; repeated while the server has trouble.
    pub(super) async fn read(&self, url: Url) -> Result<Bytes, ApiError> {
        self.ask_patiently(Method::GET, url, None, HeaderMap::new()).await
    }

    /// Sends a request that may arrive twice; repeated while the server has trouble.
    pub(super) async fn ask_patiently(
        &self,
        method: Method,
        url: Url,
        body: Option<Bytes>,
        extra: HeaderMap,
    ) -> Result<Bytes, ApiError> {
        let ask = || self.ask(method.clone(), url.clone(), body.clone(), extra.clone());
        Ok(ask.retry(backoff()).when(ApiError::is_transient).await?.body)
    }

    /// Sends one request, with the fallback key when the server refuses the current one.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: Url,
        body: Option<Bytes>,
        extra: HeaderMap,
    ) -> Result<Answer, ApiError> {
        let keys = &self.0.settings.keys;
        let mut bearers: Vec<_> = keys.iter().map(super::key::SigningKey::bearer).enumerate().collect();
        if self.0.prefers_fallback.load(Ordering::Relaxed) {
            bearers.reverse();
        }
        let mut bearers = bearers.into_iter().peekable();
        loop {
            let bearer = bearers.next();
            let text = bearer.as_ref().map(|(_, bearer)| bearer.as_str());
            match self.ask_once(&method, &url, body.clone(), &extra, text).await {
                Err(Failure { error: ApiError::Unauthorized { .. }, .. }) if bearers.peek().is_some() => {}
                Ok(answer) => {
                    if let Some((place, _)) = bearer {
                        self.0.prefers_fallback.store(place > 0, Ordering::Relaxed);
                    }
                    return Ok(answer);
                }
                Err(failure) => return Err(failure.error),
            }
        }
    }

    async fn ask_once(
        &self,
        method: &Method,
        url: &Url,
        body: Option<Bytes>,
        extra: &HeaderMap,
        bearer: Option<&str>,
    ) -> Result<Answer, Failure> {
        let origin = || shown(url);
        let unreachable = |error: reqwest::Error| ApiError::Unreachable { origin: origin(), reason: reason(&error) };
        let mut request = self.0.http.request(method.clone(), url.clone()).headers(extra.clone());
        request = request.header(headers::SDK, headers::SDK_VALUE);
        request = request.header(headers::REQ_VERSION, headers::REQ_VERSION_VALUE);
        request = request.header(header::USER_AGENT, headers::SDK_VALUE);
        request = request.header(headers::FRAMEWORK, headers::FRAMEWORK_NAME);
        if let Some(platform) = headers::platform() {
            request = request.header(headers::PLATFORM, platform);
        }
        if let Some(env) = &self.0.settings.env {
            request = request.header(headers::ENV, env);
        }
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some(body) = body {
            if !extra.contains_key(header::CONTENT_TYPE) {
                request = request.header(header::CONTENT_TYPE, "application/json");
            }
            request = request.body(body);
        }
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return Ok(Answer { body });
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(ApiError::Unauthorized { origin: origin() }.into());
        }
        let mut refusal = serde_json::from_slice::<Refusal>(&body).ok();
        let mut ids = refusal.as_mut().map(|refusal| std::mem::take(&mut refusal.ids)).unwrap_or_default();
        ids.retain(|id| !id.is_empty());
        let message = refusal
            .and_then(Refusal::text)
            .unwrap_or_else(|| String::from_utf8_lossy(&body).trim().chars().take(SHOWN_CHARS_MAX).collect());
        Err(Failure { error: ApiError::Refused { origin: origin(), status: status.as_u16(), message }, ids })
    }

    /// Reads an answer of the API.
    pub(super) fn decode<'a, T: Deserialize<'a>>(&self, body: &'a [u8]) -> Result<T, ApiError> {
        serde_json::from_slice(body).map_err(|error| ApiError::Strange {
            origin: shown(&self.0.settings.api_origin),
            reason: error.to_string(),
        })
    }
}

pub(super) fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(PAUSE_FIRST).with_max_times(ATTEMPTS_MAX - 1).with_jitter()
}

/// An address for people: without credentials, path and query.
pub(super) fn shown(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The innermost cause, which is what the system said.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { innermost.to_string() }
}
