//! The durable functions of the application, one file each.
//!
//! There is no list to keep: every file below `src` is a module, and `#[inngest_fn]` registers its function where it
//! stands. Functions lie in the directory of their family; `webhooks/` holds the vendors that send events.

include!(concat!(env!("OUT_DIR"), "/modules.rs"));
