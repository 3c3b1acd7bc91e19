//! `POST /v1/signals`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::events::Data;
use super::{Api, ApiError};
use crate::handle::SignalError;
use crate::signals::SignalProblem;

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

impl From<SignalError> for ApiError {
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
pub(super) async fn receive(State(api): State<Api>, body: Bytes) -> Result<Json<Data<Received>>, ApiError> {
    let Signal { signal, data } = serde_json::from_slice(&body).map_err(|error| {
        ApiError::bad_request(format!("the body is not a signal, which is `{{\"signal\": …, \"data\": …}}`: {error}"))
    })?;
    match api.engine.signal(signal.clone(), data).await? {
        Some(run) => Ok(Json(Data { data: Received { run_id: run.to_string() } })),
        None => Err(ApiError::not_found(format!("nobody waits for the signal `{signal}`"))),
    }
}
