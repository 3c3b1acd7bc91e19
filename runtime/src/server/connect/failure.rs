//! Why there is no connection, in words for an operator and in what follows from it.

use super::proto::SystemError;

/// Why an attempt failed or a websocket was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    pub(super) message: String,
    /// The gateway group of an attempt that failed before the worker knew more of it; may be empty.
    pub(super) group: String,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// Another attempt may succeed.
    Transient,
    /// The gateway is going away; another one can be had soon.
    GatewayClosing,
    /// Only an operator can remove it: the attempts go on, as rarely as possible, because the operator may do so on
    /// the server's side.
    Refused,
}

/// Codes with which a gateway closes a websocket (as the reason of the close frame) or refuses a registration, when
/// the same registration cannot succeed later by itself.
const REFUSALS: [(&str, &str); 4] = [
    ("connect_worker_hello_invalid_payload", "the gateway does not understand the registration"),
    ("connect_worker_hello_invalid_msg", "the gateway does not understand the registration"),
    ("connect_invalid_function_config", "the server does not accept the functions"),
    ("connect_too_many_apps_per_connection", "the server does not accept as many apps on one connection"),
];

impl Failure {
    pub(super) fn transient(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Transient, message: message.into(), group: String::new() }
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Refused, message: message.into(), group: String::new() }
    }

    /// The gateway is going away.
    pub(super) fn gateway_closing() -> Self {
        Self { kind: FailureKind::GatewayClosing, ..Self::transient("the gateway is going away") }
    }

    /// The gateway has closed the websocket.
    pub(super) fn closed(code: u16, reason: &str) -> Self {
        if reason == "connect_gateway_closing" {
            return Self::gateway_closing();
        }
        if let Some((code, meaning)) = REFUSALS.iter().find(|(code, _)| *code == reason) {
            return Self::refused(format!("{meaning} ({code})"));
        }
        match reason {
            "" => Self::transient(format!("the gateway closed the connection with code {code}")),
            reason => Self::transient(format!("the gateway closed the connection with code {code}: {reason}")),
        }
    }

    /// The server does not accept the functions.
    pub(super) fn sync_failed(error: &SystemError) -> Self {
        let SystemError { code, message, .. } = error;
        Self::refused(format!("the server does not accept the functions: {message} ({code})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_an_operator_can_remove_is_told_from_what_passes() {
        let cases = [
            ("", FailureKind::Transient),
            ("connect_internal_error", FailureKind::Transient),
            ("connect_worker_hello_timeout", FailureKind::Transient),
            ("connect_authentication_failed", FailureKind::Transient),
            ("connect_gateway_closing", FailureKind::GatewayClosing),
            ("connect_invalid_function_config", FailureKind::Refused),
            ("connect_too_many_apps_per_connection", FailureKind::Refused),
        ];
        for (reason, kind) in cases {
            assert_eq!(Failure::closed(1008, reason).kind, kind, "{reason}");
        }
    }
}
