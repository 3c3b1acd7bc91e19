//! Evaluation: walks the tree, with a budget.

use std::rc::Rc;

use serde_json::Value as Json;

use super::function;
use super::limits::{TEXT_MAX, WORK_MAX};
use super::node::{Comprehension, ComprehensionKind, Literal, Node, Root};
use super::operator;
use super::value::Value;
use super::{EvalError, Scope};

/// The budget is used up; unlike a fault this ends the evaluation at once.
pub(super) struct Exhausted;

/// What is left of an evaluation's budget.
pub(super) struct Work {
    steps: u64,
    text: usize,
}

impl Work {
    pub(super) const fn new() -> Self {
        Self { steps: WORK_MAX, text: TEXT_MAX }
    }

    /// Counts one node or element.
    pub(super) fn visit(&mut self) -> Result<(), Exhausted> {
        self.spend(1)
    }

    /// Counts text that is read.
    pub(super) fn read(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.spend(bytes as u64 / 64)
    }

    /// Counts text that is made.
    pub(super) fn make(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.text = self.text.checked_sub(bytes).ok_or(Exhausted)?;
        self.read(bytes)
    }

    /// Counts all of a value before it is written out.
    pub(super) fn measure(&mut self, value: &Value<'_>) -> Result<(), Exhausted> {
        self.visit()?;
        match value {
            Value::String(text) => self.read(text.len()),
            Value::Json(json) => self.measure_json(json),
            _ => value.elements().iter().try_for_each(|item| self.measure(item)),
        }
    }

    fn measure_json(&mut self, json: &Json) -> Result<(), Exhausted> {
        self.visit()?;
        match json {
            Json::String(text) => self.read(text.len()),
            Json::Array(items) => items.iter().try_for_each(|item| self.measure_json(item)),
            Json::Object(entries) => entries.values().try_for_each(|item| self.measure_json(item)),
            _ => Ok(()),
        }
    }

    fn spend(&mut self, steps: u64) -> Result<(), Exhausted> {
        self.steps = self.steps.checked_sub(steps).ok_or(Exhausted)?;
        Ok(())
    }
}

/// The value of an expression for these events.
pub(super) fn evaluate<'v>(node: &'v Node, scope: &Scope<'v>) -> Result<Value<'v>, EvalError> {
    let mut evaluation = Evaluation { scope: *scope, variables: Vec::new(), work: Work::new() };
    evaluation.value(node).map_err(|Exhausted| EvalError::TooMuchWork)
}

struct Evaluation<'v> {
    scope: Scope<'v>,
    /// The variables of the comprehensions around the node, innermost last.
    variables: Vec<(&'v str, Value<'v>)>,
    work: Work,
}

impl<'v> Evaluation<'v> {
    fn value(&mut self, node: &'v Node) -> Result<Value<'v>, Exhausted> {
        self.work.visit()?;
        Ok(match node {
            Node::Literal(literal) => of_literal(literal),
            Node::Root(Root::Event) => Value::of(self.scope.event),
            Node::Root(Root::Async) => self.scope.async_event.map_or(Value::Missing, Value::of),
            Node::Variable(name) => self.variable(name),
            Node::Select { operand, field } => self.value(operand)?.field(field),
            Node::Has { operand, field } => self.has(operand, field)?,
            Node::Index { operand, index } => {
                let (operand, index) = (self.value(operand)?, self.value(index)?);
                at(&operand, &index)
            }
            Node::Not(operand) => match self.value(operand)? {
                Value::Bool(value) => Value::Bool(!value),
                value if value.is_absent() => Value::Bool(false),
                value => Value::fault(format!("`!` does not take {}", value.kind())),
            },
            Node::Negate(operand) => negate(self.value(operand)?),
            Node::And(sides) => {
                let left = self.value(&sides.0)?;
                if left.is_truthy() { self.value(&sides.1)? } else { left }
            }
            Node::Or(sides) => {
                let left = self.value(&sides.0)?;
                if left.is_truthy() { left } else { self.value(&sides.1)? }
            }
            Node::Conditional(parts) => {
                let branch = if self.value(&parts.0)?.is_truthy() { &parts.1 } else { &parts.2 };
                self.value(branch)?
            }
            Node::Binary { operator, sides } => {
                let (left, right) = (self.value(&sides.0)?, self.value(&sides.1)?);
                operator::apply(*operator, left, right, &mut self.work)?
            }
            Node::Call { function, arguments } => {
                let arguments = arguments.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
                function::call(*function, &arguments, &mut self.work)?
            }
            Node::List(nodes) => {
                let items = nodes.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
                match items.iter().find(|item| item.is_absent()) {
                    Some(absent) => absent.clone(),
                    None => Value::List(items.into()),
                }
            }
            Node::Map(entries) => self.map(entries)?,
            Node::Comprehension(comprehension) => self.comprehension(comprehension)?,
        })
    }

    fn variable(&self, name: &str) -> Value<'v> {
        let found = self.variables.iter().rev().find(|(variable, _)| *variable == name);
        found.map_or(Value::Missing, |(_, value)| value.clone())
    }

    /// On a path of an event the answer for an absent field is "missing", not `false`, so that `!has(…)` is false: the
    /// server's words. On a comprehension's variable it is an honest `false`.
    fn has(&mut self, operand: &'v Node, field: &str) -> Result<Value<'v>, Exhausted> {
        let of_event = is_rooted(operand);
        Ok(match self.value(operand)?.field(field) {
            Value::Missing if of_event => Value::Missing,
            Value::Missing => Value::Bool(false),
            Value::Fault(error) => Value::Fault(error),
            _ => Value::Bool(true),
        })
    }

    fn map(&mut self, entries: &'v [(Node, Node)]) -> Result<Value<'v>, Exhausted> {
        let mut made = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let (key, value) = (self.value(key)?, self.value(value)?);
            if key.is_absent() || value.is_absent() {
                return Ok(Value::Missing);
            }
            made.push((key, value));
        }
        Ok(Value::Map(made.into()))
    }

    fn comprehension(&mut self, comprehension: &'v Comprehension) -> Result<Value<'v>, Exhausted> {
        let range = self.value(&comprehension.range)?;
        if range.is_absent() {
            return Ok(range);
        }
        let Some(length) = range.length() else {
            return Ok(Value::fault(format!("{} has no elements to go over", range.kind())));
        };
        self.work.make(length * size_of::<Value<'_>>())?;
        let mut kept = Vec::new();
        let mut count = 0usize;
        for item in range.elements() {
            self.variables.push((&comprehension.variable, item.clone()));
            let outcome = self.element(comprehension);
            self.variables.pop();
            let (holds, transformed) = outcome?;
            count += usize::from(holds);
            match comprehension.kind {
                ComprehensionKind::Exists if holds => return Ok(Value::Bool(true)),
                ComprehensionKind::All if !holds => return Ok(Value::Bool(false)),
                ComprehensionKind::Filter if holds => kept.push(item),
                ComprehensionKind::Map if holds => kept.push(transformed.unwrap_or(Value::Null)),
                _ => {}
            }
        }
        Ok(match comprehension.kind {
            ComprehensionKind::Exists => Value::Bool(false),
            ComprehensionKind::All => Value::Bool(true),
            ComprehensionKind::ExistsOne => Value::Bool(count == 1),
            ComprehensionKind::Filter | ComprehensionKind::Map => Value::List(Rc::from(kept)),
        })
    }

    /// Whether the condition holds for the current element, and what it is mapped to.
    fn element(&mut self, comprehension: &'v Comprehension) -> Result<(bool, Option<Value<'v>>), Exhausted> {
        let holds = match &comprehension.condition {
            Some(condition) => self.value(condition)?.is_truthy(),
            None => true,
        };
        let transformed = match &comprehension.transform {
            Some(transform) if holds => Some(match self.value(transform)? {
                value if value.is_absent() => Value::Null,
                value => value,
            }),
            _ => None,
        };
        Ok((holds, transformed))
    }
}

fn of_literal(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(text) => Value::String(text.as_str().into()),
        Literal::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
    }
}

/// Whether a path starts at an event, and not at a variable or a made value.
fn is_rooted(node: &Node) -> bool {
    match node {
        Node::Root(_) => true,
        Node::Select { operand, .. } | Node::Index { operand, .. } => is_rooted(operand),
        _ => false,
    }
}

fn at<'v>(operand: &Value<'v>, index: &Value<'v>) -> Value<'v> {
    if operand.is_absent() {
        return operand.clone();
    }
    match index {
        Value::String(name) => operand.field(name),
        _ if operand.is_list() => match operator::whole(index) {
            Some(position) => usize::try_from(position).map_or(Value::Missing, |position| operand.element(position)),
            None => Value::fault(format!("a list is indexed by a whole number, not by {}", index.kind())),
        },
        _ => Value::Missing,
    }
}

fn negate(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Int(value) => value.checked_neg().map_or_else(|| Value::fault("the result is out of range"), Value::Int),
        Value::Double(value) => Value::Double(-value),
        value if value.is_absent() => Value::Bool(false),
        value => Value::fault(format!("`-` does not take {}", value.kind())),
    }
}
