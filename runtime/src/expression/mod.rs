//! Expressions over events: conditions of triggers, waits and cancellations, keys of flow control.
//!
//! The syntax is [CEL](https://cel.dev); the `cel` crate parses. The meaning is that of an Inngest server, which differs
//! from CEL wherever a value is missing or kinds are mixed, so evaluation is our own. Nothing here does IO, except that
//! `now()` reads the clock. Work is bounded by [`limits`].
//!
//! # The dialect
//!
//! Source is the server's `pkg/expressions` (`unknown.go`, `cel.go`, `exprenv/overloads.go`) and `pkg/dateutil`.
//!
//! | Fact | Where the server says so |
//! | --- | --- |
//! | `event` has `id`, `name`, `data`, `ts`, `v`, `user`; `async` is the second event of a wait or a cancellation. | `exprenv.go` `defaultKeys`, `event.go` `Map` |
//! | A path that leads nowhere is *missing*, at any depth, also through null and scalars. | `data.go` `Partial`, `PathExists` |
//! | Missing `==` null is true; missing `==` anything else, also missing, is false; `!=` is the opposite. | `unknown.go` `handleUnknownCall` |
//! | Missing is less than everything; `x > missing` is true. | same |
//! | `x + missing` is `x`; missing `+` missing is false. | same |
//! | Every other operator and function of something missing is **false**, so `!event.data.x` and `!has(event.data.x)` are false when there is no `x`. Write `event.data.x != true`. `size` is 0. | same, the default branch |
//! | A missing result is false. | `cel.go` `eval` |
//! | Null `==` a value is false. In an order null is the zero of the other side's kind (`0`, `''`). | `unknown.go` `Eval`, `zeroVal` |
//! | JSON numbers are doubles; int, uint and double compare with each other. Arithmetic wants one kind: `event.data.n * 2` has no value, `event.data.n * 2.0` has. | Go's JSON; `cel-go` overloads |
//! | `+` of two kinds writes both as text, numbers too: `event.data.n + 1` is `'51'` for 5. The text is Go's `%v`. | `unknown.go` `Eval` |
//! | Values of two kinds are never equal, except numbers. An order between them, such as `'a' < 1`, has no value. | `cel-go` `types.Equal`, `Compare` |
//! | What has no value is missing to operators and functions, an error as the whole result. | `handleUnknownCall`, `cel.go` `eval` |
//! | An error, or a condition that is neither true nor false, does not match: no run starts, no wait ends. | `runner.go`, `executor.go` `handlePausesAllNaively` |
//! | `a \|\| b` and `a && b` are JavaScript's: the deciding side itself, by truth. Null, false, `0`, `''`, missing are false; empty containers are true. So is the condition of `? :`. | `unknown.go` `evalTruthyLogical`, `isTruthy` |
//! | Own functions: `lowercase`, `uppercase`, `b64decode`, `json_parse`, `date`, `now`, `now_plus`, `now_minus`. | `overloads.go` |
//! | CEL's own: `size`, `startsWith`, `endsWith`, `contains`, `in`, conversions, `duration`, `timestamp`, the parts of a time, `has`, `exists`, `exists_one`, `all`, `filter`, `map`. There are no string extensions (`lowerAscii` …). | `overloads.go` `stdlib.Functions`, `parser.AllMacros` |
//!
//! Where we differ, on purpose:
//! - `matches` is refused when the program is built: it would add a regular expression engine for no known use.
//! - JSON integers beyond 2^53 stay exact, so that two long ids do not collapse into one double.
//! - `date` also takes the doubles that JSON numbers are (`date(event.ts)`); the server has no value there.
//! - An index beyond a list's end is missing, also as the whole result, and a comprehension goes on after an element
//!   whose condition is missing.
//! - The server takes a field that is present for missing when the expression also reads a missing field below it; we
//!   do not.
//! - Unknown names and functions are found when the expression is parsed, not when it runs.

mod equality;
mod error;
mod evaluate;
mod fields;
mod format;
mod function;
pub mod limits;
pub(crate) mod nearest;
mod node;
mod operator;
mod parse;
mod time;
mod value;

#[cfg(test)]
mod tests;

pub use equality::{Equality, key_at};
pub use error::{EvalError, ExpressionError};
pub use fields::{FieldPath, Segment};
pub use node::Root;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use node::Node;

/// A parsed expression; cheap to clone.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    node: Arc<Node>,
}

/// The events that an expression is evaluated for, each an object with `id`, `name`, `data`, `ts` and `v`.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'e> {
    /// `event`: what starts, or started, the run.
    pub event: &'e serde_json::Value,
    /// `async`: what a run waits for or what would cancel it.
    pub async_event: Option<&'e serde_json::Value>,
}

impl Expression {
    /// Parses a text. The error says what to write instead.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self { source: Arc::from(text.trim()), node: Arc::new(parse::parse(text)?) })
    }

    /// The text; empty for a part of another expression.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The value. What is missing is `false`; times are RFC 3339 strings.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<serde_json::Value, EvalError> {
        evaluate::evaluate(&self.node, scope)?.into_json()
    }

    /// The value of a condition.
    pub fn matches(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        match evaluate::evaluate(&self.node, scope)? {
            value::Value::Bool(holds) => Ok(holds),
            value::Value::Missing => Ok(false),
            value::Value::Fault(error) => Err(error),
            other => Err(EvalError::NotABool { found: other.kind() }),
        }
    }

    /// The value as a key of flow control or idempotency: strings as they are, other values as compact JSON.
    pub fn key(&self, scope: &Scope<'_>) -> Result<String, EvalError> {
        Ok(match self.evaluate(scope)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        })
    }

    /// A conjunct `async.<path> == <value>`, by which a wait with this condition can be indexed.
    pub fn equality(&self) -> Option<Equality> {
        equality::equality(&self.node)
    }

    /// Every path that is read, sorted; those that are only asked for with `has` are among them.
    pub fn fields(&self) -> Vec<FieldPath> {
        fields::fields(&self.node)
    }

    /// The paths under a `!` that yields false, not true, when the field is absent.
    pub fn negated_fields(&self) -> Vec<FieldPath> {
        fields::negated(&self.node)
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Expression({:?})", &*self.source)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)
    }
}
