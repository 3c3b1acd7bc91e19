//! The answer to a call request, whatever carries it.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::protocol::wire::{OpcodeError, Report};

/// The answer to a call request (`SDK_SPEC.md` §4.4.3, §5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 for a run that has ended, 206 for steps, 400 and 500 for failures.
    pub status: StatusCode,
    /// JSON.
    pub body: Bytes,
    /// Whether a failure is final; `None` when nothing has failed.
    pub no_retry: Option<bool>,
    /// When another attempt makes sense, as a `Retry-After` header has it.
    pub retry_after: Option<String>,
    /// Whether the run has ended with it, well or badly.
    pub ends_run: bool,
}

impl Reply {
    /// The run has ended with this output.
    pub(super) fn done(output: &RawValue) -> Self {
        let body = Bytes::copy_from_slice(output.get().as_bytes());
        Self { ends_run: true, ..Self::new(StatusCode::OK, body) }
    }

    /// What is to be said of steps.
    pub(super) fn steps(reports: &[Report]) -> Self {
        Self::new(StatusCode::PARTIAL_CONTENT, json(&reports))
    }

    /// The function has failed.
    pub(super) fn failed(error: &Error, retry_after: Option<String>) -> Self {
        let is_final = !error.is_retryable();
        let status = if is_final { StatusCode::BAD_REQUEST } else { StatusCode::INTERNAL_SERVER_ERROR };
        let body = json(&OpcodeError::from(error));
        Self { no_retry: Some(is_final), retry_after, ends_run: is_final, ..Self::new(status, body) }
    }

    /// The request could not be carried out; the server may try it again.
    pub(super) fn refused(status: StatusCode, name: &str, message: String) -> Self {
        let body = json(&OpcodeError { name: name.to_owned(), message });
        Self { no_retry: Some(false), ..Self::new(status, body) }
    }

    fn new(status: StatusCode, body: Bytes) -> Self {
        Self { status, body, no_retry: None, retry_after: None, ends_run: false }
    }
}

fn json(value: &impl Serialize) -> Bytes {
    // Nothing that is passed here can fail to be written: all maps have text for keys.
    serde_json::to_vec(value).unwrap_or_default().into()
}
