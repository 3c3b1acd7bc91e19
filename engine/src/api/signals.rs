//! `POST /v1/signals`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Api;
use super::events::Data;
use crate::handle::SignalError;
use crate::signals::SignalProblem;
use system_bus_runtime::rejection::Rejection;

#[derive(Deserialize)]
struct Signal {
    signal: String,
    #[serde(default)]
    data: Box<RawValue>,
}

#[derive(Serialize)]
pub(super) struct Received {
    run_id: String,
}

impl From<SignalError> for Rejection {
    fn from(error: SignalError) -> Self {
        match error {
            SignalError::Refused(problem @ SignalProblem::TooLarge { .. }) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, problem.to_string())
            }
            SignalError::Refused(problem) => Self::bad_request(problem.to_string()),
            SignalError::Send(error) => error.into(),
        }
    }
}

/// Answers with the run that received the signal, and with 404 when nobody waits for it.
pub(super) async fn receive(State(api): State<Api>, body: Bytes) -> Result<Json<Data<Received>>, Rejection> {
    let Signal { signal, data } = serde_json::from_slice(&body).map_err(|error| {
        Rejection::bad_request(format!("the body is not a signal, which is `{{\"signal\": …, \"data\": …}}`: {error}"))
    })?;
    match api.engine.signal(signal.clone(), data).await? {
        Some(run) => Ok(Json(Data { data: Received { run_id: run.to_string() } })),
        None => Err(Rejection::not_found(format!("nobody waits for the signal `{signal}`"))),
    }
}
