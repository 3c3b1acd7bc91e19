//! Registration: the server is told which functions the app holds, and told again when it has forgotten
//! (`SDK_SPEC.md` §4.3).

mod keeper;
pub(crate) mod payload;

#[cfg(test)]
pub(crate) use keeper::Pace;
pub use keeper::{Keeper, RegistrationState};
