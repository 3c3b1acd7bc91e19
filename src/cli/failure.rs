//! How a command ends badly: one line, and an exit status.

use system_bus_runtime::server::SettingsError;

use crate::client::ClientError;
use crate::config::ConfigError;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) status: u8,
}

impl Failure {
    /// It was asked well and did not work out.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }

    /// It was asked wrongly.
    pub(super) fn misuse(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 2 }
    }

    /// The reader of stdout has gone away, which is no reason for a message.
    pub(super) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Address(_) => Self::misuse(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    /// Writing the answer failed.
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::failed(""),
            _ => Self::failed(format!("cannot write the answer: {error}")),
        }
    }
}
