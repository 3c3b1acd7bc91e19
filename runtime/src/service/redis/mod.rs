//! Redis: one connection that all share, and the state that is kept there.
//!
//! [`Redis`] is a handle that costs nothing to clone. It connects when it is first used and again when the connection is
//! lost; until then commands fail, and no command takes longer than [`COMMAND_TIME_MAX`]. [`RedisState`] keeps what
//! [`State`](super::State) is given, under the keys as they are, because other programs read them too.

mod connection;
mod contact;
mod handle;
mod scripts;
mod state;

pub use ::redis::{Cmd, FromRedisValue, Script, ScriptInvocation, cmd};
pub use connection::{COMMAND_TIME_MAX, CONNECT_TIME_MAX, IDLE_TIME_MAX};
pub use contact::{CONTACT_PAUSE, PING_TIME_MAX};
pub use handle::{Redis, RedisUrlError};
pub use state::RedisState;

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
