//! What a Connect worker tells of itself.

/// Where a worker stands (`SDK_SPEC.md` §8.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There was no connection yet.
    Connecting,
    /// Requests can arrive. A gateway that drains does not change this while it is open.
    Active,
    /// The connection was lost; a new one is being tried.
    Reconnecting,
    /// The worker takes no more requests and finishes those it has.
    Closing,
    /// Nothing happens any more.
    Closed,
}

impl State {
    /// The name that the specification gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connecting => "CONNECTING",
            Self::Active => "ACTIVE",
            Self::Reconnecting => "RECONNECTING",
            Self::Closing => "CLOSING",
            Self::Closed => "CLOSED",
        }
    }
}

/// A worker at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where it stands.
    pub state: State,
    /// What went wrong last; `None` once a connection succeeds.
    pub error: Option<String>,
    /// The id that the server gave the connection.
    pub connection_id: Option<String>,
    /// The group of the gateway it is connected to.
    pub gateway_group: Option<String>,
    /// Attempts to connect that failed in a row.
    pub failed_attempts: usize,
    /// Requests being executed.
    pub running: usize,
    /// Requests that wait for a place among them.
    pub waiting: usize,
    /// Replies that are on their way or must be sent again.
    pub unconfirmed_replies: usize,
    /// Replies that were given up since the start; each is in the log.
    pub lost_replies: u64,
}

impl Status {
    /// Nothing has happened yet.
    pub(super) fn new() -> Self {
        Self {
            state: State::Connecting,
            error: None,
            connection_id: None,
            gateway_group: None,
            failed_attempts: 0,
            running: 0,
            waiting: 0,
            unconfirmed_replies: 0,
            lost_replies: 0,
        }
    }
}
