//! What must hold for any input: each function takes bytes and panics when something does not.
//!
//! The fuzz targets call these functions with what libFuzzer makes up. The tests of `system-bus-runtime` call them with
//! the committed corpus, so nothing here may need more than that crate has.

mod call_request;
mod connect_frame;
mod signature_header;
mod time_string;

pub use call_request::call_request;
pub use connect_frame::connect_frame;
pub use signature_header::signature_header;
pub use time_string::time_string;
