//! What a server sends, or somebody who claims to be one.

mod call_request;
mod connect_frame;
mod signature_header;
mod time_string;

pub use call_request::call_request;
pub use connect_frame::connect_frame;
pub use signature_header::signature_header;
pub use time_string::time_string;
