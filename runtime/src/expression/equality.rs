//! Finds in a wait's condition an equality by which the wait can be indexed.

use std::sync::Arc;

use serde_json::Value as Json;

use super::fields::{Segment, fields, path_of};
use super::node::{Node, Operator, Root};
use super::operator::whole;
use super::value::Value;
use super::{Expression, Scope, evaluate};

/// A conjunct `async.<path> == <value>` that every matching event must meet.
///
/// A wait is kept under (event name, path, [`key`](Self::key)); an incoming event is looked up under
/// [`key_in`](Self::key_in), and by evaluation among the waits that have no key.
#[derive(Clone, Debug)]
pub struct Equality {
    /// The fields below `async`, outermost first.
    pub path: Vec<String>,
    /// The other side; it reads nothing but `event`.
    pub value: Expression,
}

impl Equality {
    /// The index key of a wait whose run was started by `event`. None when the value there is null, missing or a
    /// container: such a wait must be found by evaluation, because null equals what is missing.
    pub fn key(&self, event: &Json) -> Option<String> {
        let scope = Scope { event, async_event: None };
        key_of(&evaluate::evaluate(&self.value.node, &scope).ok()?)
    }

    /// The index key of an incoming event; None when it can equal no indexed value.
    pub fn key_in(&self, async_event: &Json) -> Option<String> {
        key_at(&self.path, async_event)
    }
}

/// The index key of the value at `path` in an event; for the engine, which keeps only the path of an index.
pub fn key_at(path: &[String], event: &Json) -> Option<String> {
    let found = path.iter().try_fold(event, |json, name| json.get(name.as_str()))?;
    key_of(&Value::of(found))
}

/// A text that two values share exactly when `==` holds between them.
fn key_of(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Bool(value) => Some(format!("b:{value}")),
        Value::String(text) => Some(format!("s:{text}")),
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => match (whole(value), value) {
            (Some(whole), _) => Some(format!("n:{whole}")),
            (None, Value::Double(value)) => Some(format!("n:{value:e}")),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn equality(node: &Node) -> Option<Equality> {
    match node {
        Node::And(sides) => equality(&sides.0).or_else(|| equality(&sides.1)),
        Node::Binary { operator: Operator::Equal, sides } => {
            of_sides(&sides.0, &sides.1).or_else(|| of_sides(&sides.1, &sides.0))
        }
        _ => None,
    }
}

fn of_sides(path: &Node, value: &Node) -> Option<Equality> {
    let found = path_of(path).filter(|path| path.root == Root::Async && !path.segments.is_empty())?;
    let path = found.segments.into_iter().map(|segment| match segment {
        Segment::Field(name) => Some(name),
        Segment::Element => None,
    });
    let path = path.collect::<Option<Vec<_>>>()?;
    let is_known = fields(value).iter().all(|field| field.root == Root::Event) && !reads_clock(value);
    is_known.then(|| Equality { path, value: Expression { source: Arc::from(""), node: Arc::new(value.clone()) } })
}

/// The clock has another value at the next look.
fn reads_clock(node: &Node) -> bool {
    super::fields::any(node, &|node| {
        use super::node::Function::{Now, NowMinus, NowPlus};
        matches!(node, Node::Call { function: Now | NowMinus | NowPlus, .. })
    })
}
