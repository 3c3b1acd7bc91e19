//! The JSON of the protocol: what a call request holds, what an answer to it says (`SDK_SPEC.md` §4.4, §5).

#[cfg(test)]
mod properties;
mod request;
mod response;
mod time_string;

pub use request::{CallContext, CallRequest, RequestError, Stack, decode_events, decode_steps};
pub use response::{Opcode, OpcodeError, Report, retry_after};
pub use time_string::{TimeStringError, format_time_string, parse_time_string};
