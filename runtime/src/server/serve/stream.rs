//! An answer that begins at once and is kept alive until it is known (`SDK_SPEC.md` §9).

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::task::JoinHandle;

use super::respond as respond_with;
use crate::server::headers;
use crate::server::reply::Reply;
use crate::server::worker::{IncomingCall, Worker};

/// The time between two signs of life, as in the Go SDK.
const PULSE: Duration = Duration::from_secs(5);

/// What a server finds at the end of a stream.
#[derive(Serialize)]
struct Streamed<'a> {
    status: u16,
    headers: Headers<'a>,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct Headers<'a> {
    #[serde(rename = "X-Inngest-Sdk")]
    sdk: &'static str,
    #[serde(rename = "X-Inngest-Req-Version")]
    version: &'static str,
    #[serde(rename = "X-Inngest-No-Retry", skip_serializing_if = "Option::is_none")]
    no_retry: Option<&'static str>,
    #[serde(rename = "Retry-After", skip_serializing_if = "Option::is_none")]
    retry_after: Option<&'a str>,
}

/// Answers 201 at once, then a space every five seconds, then the reply with its own status.
///
/// Such an answer is not signed: its headers are gone before its body is known.
pub(super) fn respond(worker: Worker, call: IncomingCall) -> Response {
    // A task of its own, so that the function goes on between two polls of the body; it ends with the body.
    let task = CallTask(tokio::spawn(async move { worker.call(call).await }));
    let parts = stream::unfold(Some(task), |task| async {
        let mut task = task?;
        match tokio::time::timeout(PULSE, &mut task.0).await {
            Err(_) => Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b" ")), Some(task))),
            Ok(Ok(reply)) => Some((Ok(wrap(&reply)), None)),
            // The call's own panics are caught, so only the end of the process cancels it.
            Ok(Err(error)) => {
                let reply = Reply::refused(StatusCode::INTERNAL_SERVER_ERROR, "Error", error.to_string());
                Some((Ok(wrap(&reply)), None))
            }
        }
    });
    let mut response = respond_with(StatusCode::CREATED, Bytes::new(), None);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from_stream(parts);
    response
}

/// A call that is dropped with the answer it is for.
struct CallTask(JoinHandle<Reply>);

impl Drop for CallTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn wrap(reply: &Reply) -> Bytes {
    let body: &RawValue = serde_json::from_slice(&reply.body).unwrap_or(RawValue::NULL);
    let streamed = Streamed {
        status: reply.status.as_u16(),
        headers: Headers {
            sdk: headers::SDK_TEXT,
            version: "2",
            no_retry: reply.no_retry.map(|no_retry| if no_retry { "true" } else { "false" }),
            retry_after: reply.retry_after.as_deref(),
        },
        body,
    };
    // Structs with text for keys can be written.
    Bytes::from(serde_json::to_vec(&streamed).unwrap_or_default())
}
