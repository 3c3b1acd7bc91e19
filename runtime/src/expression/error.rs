//! Why an expression cannot be read, or has no value.

use super::limits::{BRACKETS_MAX, DEPTH_MAX, LENGTH_MAX, SYMBOLS_MAX};

/// A text is not an expression of the dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// There is nothing but space.
    #[error("the expression is empty: write a condition such as `event.data.action == 'opened'`")]
    Empty,
    /// The text is longer than [`LENGTH_MAX`].
    #[error("the expression is longer than {LENGTH_MAX} bytes: move the decision into the function")]
    TooLong,
    /// Brackets or operators nest deeper than [`BRACKETS_MAX`] or [`DEPTH_MAX`], or there are more than
    /// [`SYMBOLS_MAX`].
    #[error(
        "the expression is too complex (more than {BRACKETS_MAX} nested brackets, {DEPTH_MAX} nested operators or \
         {SYMBOLS_MAX} symbols): move the decision into the function"
    )]
    TooDeep,
    /// The text does not follow the grammar.
    #[error("syntax error at column {column}: {message}")]
    Syntax {
        /// The column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// CEL has it; the dialect does not.
    #[error("{what} cannot be used here: {fix}")]
    Unsupported {
        /// The construct.
        what: String,
        /// What to write instead.
        fix: String,
    },
    /// A name that nothing declares.
    #[error("`{name}` is not known: an expression reads `event`, and `async` where it waits for a second event{hint}")]
    UnknownName {
        /// The name.
        name: String,
        /// A guess at what was meant, or nothing.
        hint: String,
    },
    /// A function that the dialect does not have.
    #[error("there is no function `{name}`{hint}")]
    UnknownFunction {
        /// The function.
        name: String,
        /// A guess at what was meant, or nothing.
        hint: String,
    },
    /// A function with too few or too many arguments.
    #[error("`{name}` is used wrongly: write `{usage}`")]
    Usage {
        /// The function.
        name: String,
        /// How it is written.
        usage: &'static str,
    },
}

/// An expression has no value for these events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// An operator or function does not take values of these kinds.
    #[error("{0}")]
    Mismatch(String),
    /// A condition whose value is neither true nor false.
    #[error("a condition must be true or false, this one is {found}: compare it, as in `… == true` or `… != null`")]
    NotABool {
        /// The kind of value found.
        found: &'static str,
    },
    /// The evaluation would cost more than the limits allow.
    #[error("the expression does too much work for this event: it may visit {limit} values and make 4 MiB of text", limit = super::limits::WORK_MAX)]
    TooMuchWork,
}
