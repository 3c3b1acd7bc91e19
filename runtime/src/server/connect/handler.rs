//! What executes the requests of a Connect worker.

use bytes::Bytes;
use http::StatusCode;

use super::proto;

/// What executes requests. Calls run on the application's runtime, never on the connection's thread.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Executes one request. The future is dropped only when a shutdown's grace period ends first.
    fn call(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// A request to execute a function (`SDK_SPEC.md` §8.5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Names the request; a repetition has the same name.
    pub request_id: String,
    /// Names the queue item behind the request; empty from servers that do not send it.
    pub job_id: String,
    /// The run.
    pub run_id: String,
    /// The id of the app, as configured.
    pub app: String,
    /// The composite id of the function.
    pub function: String,
    /// The step to execute; `step` or nothing for the one that comes next.
    pub step: Option<String>,
    /// The JSON of a call request (`SDK_SPEC.md` §4.4).
    pub body: Bytes,
    /// The headers of the run's trace, as JSON.
    pub trace: Bytes,
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How it ended.
    pub status: ResponseStatus,
    /// JSON: the output, the steps, or the error.
    pub body: Bytes,
    /// Whether a failure is final.
    pub no_retry: bool,
    /// When another attempt makes sense (RFC 3339).
    pub retry_after: Option<String>,
    /// The execution version, as `X-Inngest-Req-Version` has it.
    pub request_version: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseStatus {
    /// The run goes on: the body lists steps. Status 206 of HTTP.
    NotCompleted,
    /// The run has ended. Status 200 of HTTP.
    Done,
    /// The attempt failed. Status 500 of HTTP.
    Error,
}

impl From<StatusCode> for ResponseStatus {
    /// The status of the same answer over HTTP.
    fn from(status: StatusCode) -> Self {
        match status {
            StatusCode::PARTIAL_CONTENT => Self::NotCompleted,
            status if status.is_success() => Self::Done,
            _ => Self::Error,
        }
    }
}

impl From<ResponseStatus> for proto::SdkResponseStatus {
    fn from(status: ResponseStatus) -> Self {
        match status {
            ResponseStatus::NotCompleted => Self::NotCompleted,
            ResponseStatus::Done => Self::Done,
            ResponseStatus::Error => Self::Error,
        }
    }
}

impl Response {
    /// The call itself broke, which another attempt may not.
    pub(super) fn broken(message: &str) -> Self {
        let body = serde_json::json!({ "name": "Error", "message": message });
        Self {
            status: ResponseStatus::Error,
            body: body.to_string().into(),
            no_retry: false,
            retry_after: None,
            request_version: 2,
        }
    }
}
