//! The server's HTTP API for Connect: start and flush (`SDK_SPEC.md` §8.5.1, §8.7).
//!
//! It has a client of its own: a client's connections live on the runtime that opened them, and those of the
//! application stand still while its functions keep every thread busy.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use prost::Message;
use reqwest::Url;

use super::Config;
use super::failure::Failure;
use super::limits;
use super::proto::{FlushResponse, StartRequest, StartResponse};
use super::replies::{FlushOutcome, Reply};
use crate::server::{SigningKeys, headers};

/// The content type of both directions.
const PROTOBUF: &str = "application/protobuf";
/// Characters of a server's explanation that are shown.
const SHOWN_CHARS_MAX: usize = 300;

/// The server's HTTP API for Connect.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    origin: Url,
    keys: SigningKeys,
    env: Option<String>,
    user_agent: String,
    /// The current key was refused and the fallback was not.
    prefers_fallback: AtomicBool,
}

/// Why a request failed.
#[derive(Debug)]
enum HttpError {
    /// No key is accepted.
    Unauthorized,
    /// The server's answer is a failure.
    Status(StatusCode, String),
    /// There was no answer, or a strange one.
    Unreachable(String),
}

impl Http {
    pub(super) fn new(config: &Config) -> Result<Self, reqwest::Error> {
        crate::tls::install();
        let client = reqwest::Client::builder().timeout(limits::OPEN_TIME_MAX).build()?;
        Ok(Self {
            client,
            origin: config.api_origin.clone(),
            keys: config.keys.clone(),
            env: config.env.clone(),
            user_agent: format!("{}:v{}", config.sdk_language, config.sdk_version),
            prefers_fallback: AtomicBool::new(false),
        })
    }

    /// Asks which gateway to connect to.
    pub(super) async fn start(&self, exclude_gateways: Vec<String>) -> Result<StartResponse, Failure> {
        let body = StartRequest { exclude_gateways }.encode_to_vec();
        let origin = self.origin.origin().ascii_serialization();
        match self.post("start", body.into()).await {
            Ok(body) => StartResponse::decode(body)
                .map_err(|error| Failure::transient(format!("{origin} gave a strange answer: {error}"))),
            Err(HttpError::Unauthorized) if self.keys.is_empty() => {
                Err(Failure::refused(format!("{origin} asks for a key: set `INNGEST_SIGNING_KEY` to the server's")))
            }
            Err(HttpError::Unauthorized) => Err(Failure::refused(format!(
                "{origin} does not accept the key: `INNGEST_SIGNING_KEY` or `INNGEST_SIGNING_KEY_FALLBACK` must be the server's key"
            ))),
            Err(HttpError::Status(StatusCode::TOO_MANY_REQUESTS, _)) => Err(Failure::transient(format!(
                "{origin} allows no more connections: disconnect other workers or raise the limit of its plan"
            ))),
            Err(error) => Err(Failure::transient(format!("no gateway from {origin}: {error}"))),
        }
    }

    /// Hands replies to the server, the oldest first, with up to five attempts for those that fail.
    pub(super) async fn flush(&self, replies: Vec<Reply>) -> Vec<(String, FlushOutcome)> {
        let mut outcomes = Vec::with_capacity(replies.len());
        let mut left = std::collections::VecDeque::from(replies);
        let mut pause = limits::FLUSH_PAUSE_FIRST;
        let mut failures = 0;
        while let Some(reply) = left.pop_front() {
            let outcome = self.flush_one(reply.bytes.clone()).await;
            if !matches!(outcome, FlushOutcome::Failed(_)) {
                outcomes.push((reply.request_id, outcome));
                continue;
            }
            failures += 1;
            left.push_front(reply);
            if failures == limits::FLUSH_ATTEMPTS_MAX {
                outcomes.extend(left.drain(..).map(|reply| (reply.request_id, outcome.clone())));
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        outcomes
    }

    async fn flush_one(&self, body: Bytes) -> FlushOutcome {
        match self.post("flush", body).await {
            Ok(body) => match FlushResponse::decode(body) {
                Ok(_) => FlushOutcome::Delivered,
                Err(error) => FlushOutcome::Failed(format!("a strange answer: {error}")),
            },
            Err(HttpError::Status(status @ (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE), message)) => {
                FlushOutcome::Refused(format!("the server refuses it with {status}: {message}"))
            }
            Err(error) => FlushOutcome::Failed(error.to_string()),
        }
    }

    /// Sends a request, with the other key when the server does not accept the one that it accepted last.
    async fn post(&self, path: &str, body: Bytes) -> Result<Bytes, HttpError> {
        let mut bearers: Vec<Option<String>> = self.keys.iter().map(|key| Some(key.bearer())).collect();
        if bearers.is_empty() {
            bearers.push(None);
        }
        let prefers_fallback = self.prefers_fallback.load(Ordering::Relaxed);
        if prefers_fallback {
            bearers.reverse();
        }
        for (place, bearer) in bearers.into_iter().enumerate() {
            let answer = self.post_once(path, body.clone(), bearer).await;
            if matches!(answer, Err(HttpError::Unauthorized)) {
                continue;
            }
            if place > 0 {
                self.prefers_fallback.store(!prefers_fallback, Ordering::Relaxed);
                tracing::warn!("the server accepts the other signing key only; it is used from now on");
            }
            return answer;
        }
        Err(HttpError::Unauthorized)
    }

    async fn post_once(&self, path: &str, body: Bytes, bearer: Option<String>) -> Result<Bytes, HttpError> {
        let mut url = self.origin.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v0", "connect", path]);
        }
        let mut request = self.client.post(url).header(header::CONTENT_TYPE, PROTOBUF).body(body);
        request = request.header(header::USER_AGENT, &self.user_agent);
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some(env) = &self.env {
            request = request.header(headers::ENV, env);
        }
        let unreachable = |error: reqwest::Error| HttpError::Unreachable(innermost(&error));
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limits::ANSWER_BYTES_MAX {
                return Err(HttpError::Unreachable("the answer is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        match status {
            StatusCode::UNAUTHORIZED => Err(HttpError::Unauthorized),
            status if status.is_success() => Ok(body.freeze()),
            status => Err(HttpError::Status(status, explanation(&body))),
        }
    }
}

impl std::fmt::Display for HttpError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unauthorized => formatter.write_str("the server does not accept the key"),
            Self::Status(status, message) => write!(formatter, "status {status}: {message}"),
            Self::Unreachable(reason) => formatter.write_str(reason),
        }
    }
}

/// What a failure's body says.
fn explanation(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        #[serde(alias = "message")]
        error: String,
    }
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => refusal.error,
        Err(_) => String::from_utf8_lossy(body).trim().chars().take(SHOWN_CHARS_MAX).collect(),
    }
}

/// The innermost cause, which is what the system said.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
