//! Working for a real Inngest server: what its SDK specification (`docs/SDK_SPEC.md` of the server's repository) asks for.

pub mod api;
pub mod app;
mod call;
mod checkpoint;
pub mod client;
pub mod connect;
mod error;
pub mod headers;
pub mod key;
pub mod registration;
mod reply;
pub mod serve;
mod serving;
pub mod settings;
pub mod signature;
mod worker;

pub use api::{Api, ApiError};
pub use app::AppIds;
pub use client::Client;
pub use key::{SigningKey, SigningKeys};
pub use reply::Reply;
pub use serving::{PATH, Serving};
pub use settings::{ConnectSettings, Mode, ServerSettings, SettingsError, Transport};
pub use worker::{IncomingCall, SendError, Worker};

#[cfg(test)]
mod tests;
