//! What a step may return.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a step may return: a value that is stored as JSON, and read back at a replay. Every type that serializes and
/// deserializes is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a step",
    label = "not a value that can be stored and read back",
    note = "derive `Serialize` and `Deserialize` for it",
    note = "a `Secret` is never stored: get it inside the step that uses it, and return what comes of that"
)]
pub trait StepOutput: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> StepOutput for T {}
