//! Working for a real Inngest server: what its SDK specification (`docs/SDK_SPEC.md` of the server's repository) asks for.

pub mod api;
pub mod connect;
pub mod headers;
pub mod key;
pub mod settings;
pub mod signature;

pub use api::{Api, ApiError};
pub use key::{SigningKey, SigningKeys};
pub use settings::{ConnectSettings, Mode, ServerSettings, SettingsError, Transport};
