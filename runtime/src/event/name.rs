//! The rule for event names: `family/thing.happened`, facts in the past tense.

/// What is wrong with an event's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// The name is empty.
    #[error("an event needs a name")]
    Empty,
    /// The name is longer than [`NAME_LENGTH_MAX`].
    #[error("the event name is longer than {NAME_LENGTH_MAX} bytes")]
    TooLong,
    /// The name starts with the prefix that the engine keeps for its own events.
    #[error("event names that start with `inngest/` belong to the engine")]
    Reserved,
}

/// The longest event name, in bytes; an Inngest server takes longer ones, but no trigger on them.
pub const NAME_LENGTH_MAX: usize = 255;

/// Whether events of this name may be sent.
pub fn check_name(name: &str) -> Result<(), NameProblem> {
    if name.trim().is_empty() {
        Err(NameProblem::Empty)
    } else if name.len() > NAME_LENGTH_MAX {
        Err(NameProblem::TooLong)
    } else if name.starts_with("inngest/") {
        Err(NameProblem::Reserved)
    } else {
        Ok(())
    }
}
