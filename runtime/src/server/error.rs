//! How a request to the server fails.

/// Why a request to the server failed. None holds a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// There was no answer.
    #[error("no answer from the server at {origin}: {reason}")]
    Unreachable {
        /// The server.
        origin: String,
        /// What went wrong.
        reason: String,
    },
    /// The server does not accept the key.
    #[error("the server at {origin} does not accept the key: `INNGEST_SIGNING_KEY` must be the server's key")]
    Unauthorized {
        /// The server.
        origin: String,
    },
    /// The server does not accept the event key.
    #[error("the server at {origin} does not accept the event key: set `INNGEST_EVENT_KEY` to one of its keys")]
    EventKey {
        /// The server.
        origin: String,
    },
    /// An event is larger than any that the server takes. Nothing was sent.
    #[error("the event `{name}` has {bytes} bytes, the limit is {limit}")]
    EventTooLarge {
        /// The event's name.
        name: String,
        /// Its size as JSON.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// The server took some of the events and not the others: sending all of them again would repeat the first ones.
    #[error("only {} of {total} events were taken: {error}", ids.len())]
    Partial {
        /// The ids of the first events, in their order; they are safe.
        ids: Vec<String>,
        /// How many events there were.
        total: usize,
        /// Why the rest was not taken.
        error: Box<ApiError>,
    },
    /// The server has no list of runs and functions.
    #[error("the server at {origin} has no GraphQL at `/v0/gql`, which only self-hosted servers and Dev Servers have")]
    NoGraphQl {
        /// The server.
        origin: String,
    },
    /// The server refused the request.
    #[error("the server at {origin} answered {status}: {message}")]
    Refused {
        /// The server.
        origin: String,
        /// The status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The answer is not what the protocol says.
    #[error("the server at {origin} gave an answer that is not understood: {reason}")]
    Strange {
        /// The server.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ApiError {
    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::Unauthorized { .. }
            | Self::EventKey { .. }
            | Self::EventTooLarge { .. }
            | Self::Partial { .. }
            | Self::NoGraphQl { .. }
            | Self::Strange { .. } => false,
        }
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unauthorized { .. } | Self::EventKey { .. } => Some(401),
            Self::Partial { error, .. } => error.status(),
            Self::Unreachable { .. } | Self::EventTooLarge { .. } | Self::NoGraphQl { .. } | Self::Strange { .. } => {
                None
            }
        }
    }
}
