//! What starts a function.

#[cfg(doc)]
use crate::event::FunctionFailed;

/// One trigger: an event, perhaps with a condition, or a time table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An event of this name.
    Event {
        /// The event's name.
        name: &'static str,
        /// A condition on the event, in the server's expression dialect.
        expression: Option<&'static str>,
    },
    /// A time table.
    Cron {
        /// The IANA time zone; UTC when absent.
        time_zone: Option<&'static str>,
        /// Five or six fields.
        expression: &'static str,
    },
    /// A failed run of another function, whose `on_failure` names this one.
    ///
    /// On an Inngest server this is [`FunctionFailed`] under the condition [`FunctionFailed::condition`], which holds the
    /// application's id.
    Failure {
        /// The other function's id.
        function: &'static str,
    },
}
