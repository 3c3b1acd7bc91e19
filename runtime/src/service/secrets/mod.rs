//! Secrets: from the environment, else leased from the `secrets` program and renewed before they expire.

mod held;
mod lease;
mod secret;
mod service;
mod source;

pub use secret::Secret;
pub use service::Secrets;
pub use source::SecretSource;

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
