//! What the engine's refusals are for a caller.

use http::StatusCode;
use system_bus_runtime::rejection::Rejection;

use crate::handle::SendError;
use crate::query::QueryError;

impl From<SendError> for Rejection {
    fn from(error: SendError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<QueryError> for Rejection {
    fn from(error: QueryError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}
