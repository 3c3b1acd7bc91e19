//! What must hold for any input: each function takes bytes and panics when something does not.
//!
//! The fuzz targets call these functions with what libFuzzer makes up. Tests call them with the committed corpus: those of
//! `system-bus-runtime` include [`server`] and those of `functions` include [`webhooks`], so nothing in there may need
//! more than its crate has.

pub mod server;
pub mod webhooks;
