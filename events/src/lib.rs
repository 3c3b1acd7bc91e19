//! The events of the application: one plain struct each, one file per family.
//!
//! There is no list to keep: every file below `src` is a module, and `#[event]` registers its type where it stands. The
//! JSON Schema of each event is a golden file, so that a change on the wire is seen in review.

include!(concat!(env!("OUT_DIR"), "/modules.rs"));
