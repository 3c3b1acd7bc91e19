//! What the binary operators do, values missing and kinds mixed included.

use std::cmp::Ordering;

use super::evaluate::{Exhausted, Work};
use super::format::plain;
use super::node::Operator;
use super::value::Value;

/// Applies an operator as the server does: what is missing is no error but decides the result.
pub(super) fn apply<'v>(
    operator: Operator,
    left: Value<'v>,
    right: Value<'v>,
    work: &mut Work,
) -> Result<Value<'v>, Exhausted> {
    if left.is_absent() || right.is_absent() {
        return Ok(with_absent(operator, left, right));
    }
    Ok(match operator {
        Operator::Equal => Value::Bool(equal(&left, &right, work)?),
        Operator::NotEqual => Value::Bool(!equal(&left, &right, work)?),
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
            ordered(operator, left, right, work)?
        }
        Operator::In => contained(&left, &right, work)?,
        Operator::Add => add(left, right, work)?,
        _ => arithmetic(operator, &left, &right),
    })
}

/// One side at least is missing or has no value.
fn with_absent<'v>(operator: Operator, left: Value<'v>, right: Value<'v>) -> Value<'v> {
    let beside_null = matches!(left, Value::Null) || matches!(right, Value::Null);
    match operator {
        Operator::Add => match (left, right) {
            (Value::Missing, Value::Missing) => Value::Bool(false),
            (Value::Missing, other) | (other, _) => other,
        },
        Operator::Equal => Value::Bool(beside_null),
        Operator::NotEqual => Value::Bool(!beside_null),
        Operator::Less | Operator::LessEqual => Value::Bool(left.is_absent()),
        Operator::Greater | Operator::GreaterEqual => Value::Bool(!left.is_absent()),
        _ => Value::Bool(false),
    }
}

/// Deep equality; numbers are equal across kinds, other kinds never.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>, work: &mut Work) -> Result<bool, Exhausted> {
    work.visit()?;
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => {
            work.read(a.len().min(b.len()))?;
            a == b
        }
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        _ if left.is_list() && right.is_list() => {
            if left.length() != right.length() {
                return Ok(false);
            }
            for position in 0..left.length().unwrap_or(0) {
                if !equal(&left.element(position), &right.element(position), work)? {
                    return Ok(false);
                }
            }
            true
        }
        _ if left.is_map() && right.is_map() => {
            if left.length() != right.length() {
                return Ok(false);
            }
            for (key, value) in left.entries() {
                let Value::String(name) = &key else { return Ok(false) };
                if !equal(&value, &right.field(name), work)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => compare_numbers(left, right) == Some(Ordering::Equal),
    })
}

fn ordered<'v>(operator: Operator, left: Value<'v>, right: Value<'v>, work: &mut Work) -> Result<Value<'v>, Exhausted> {
    let ordering = match (&left, &right) {
        // Beside null stands the zero of the other kind.
        (Value::Null, other) => zero_of(other).and_then(|zero| compare(&zero, other)),
        (other, Value::Null) => zero_of(other).and_then(|zero| compare(other, &zero)),
        (Value::String(a), Value::String(b)) => {
            work.read(a.len().min(b.len()))?;
            Some(a.cmp(b))
        }
        _ => compare(&left, &right),
    };
    let Some(ordering) = ordering else {
        return Ok(mismatch(operator, &left, &right));
    };
    Ok(Value::Bool(match operator {
        Operator::Less => ordering.is_lt(),
        Operator::LessEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        _ => ordering.is_ge(),
    }))
}

fn zero_of(value: &Value<'_>) -> Option<Value<'static>> {
    match value {
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => Some(Value::Int(0)),
        Value::String(_) => Some(Value::text("")),
        _ => None,
    }
}

fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => compare_numbers(left, right),
    }
}

fn compare_numbers(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}

/// The number as an integer, when it is one; every integer of the three kinds fits.
pub(super) fn whole(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(value) => Some((*value).into()),
        Value::Uint(value) => Some((*value).into()),
        Value::Double(value) if value.fract() == 0.0 && value.abs() < 1e30 => Some(*value as i128),
        _ => None,
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Uint(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        _ => None,
    }
}

fn contained<'v>(left: &Value<'v>, right: &Value<'v>, work: &mut Work) -> Result<Value<'v>, Exhausted> {
    if right.is_list() {
        for position in 0..right.length().unwrap_or(0) {
            if equal(left, &right.element(position), work)? {
                return Ok(Value::Bool(true));
            }
        }
        return Ok(Value::Bool(false));
    }
    Ok(match (right.is_map(), left) {
        (true, Value::String(name)) => Value::Bool(!right.field(name).is_absent()),
        (true, _) => Value::Bool(false),
        _ => mismatch(Operator::In, left, right),
    })
}

fn add<'v>(left: Value<'v>, right: Value<'v>, work: &mut Work) -> Result<Value<'v>, Exhausted> {
    Ok(match (&left, &right) {
        (Value::String(a), Value::String(b)) => {
            work.make(a.len() + b.len())?;
            Value::text(format!("{a}{b}"))
        }
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map_or_else(overflow, Value::Int),
        (Value::Uint(a), Value::Uint(b)) => a.checked_add(*b).map_or_else(overflow, Value::Uint),
        (Value::Double(a), Value::Double(b)) => Value::Double(a + b),
        (Value::Timestamp(time), Value::Duration(length)) | (Value::Duration(length), Value::Timestamp(time)) => {
            time.checked_add(*length).map_or_else(|_| overflow(), Value::Timestamp)
        }
        (Value::Duration(a), Value::Duration(b)) => a.checked_add(*b).map_or_else(overflow, Value::Duration),
        _ if left.is_list() && right.is_list() => {
            work.make(64 * (left.length().unwrap_or(0) + right.length().unwrap_or(0)))?;
            let mut items = left.elements();
            items.extend(right.elements());
            Value::List(items.into())
        }
        _ if std::mem::discriminant(&left) == std::mem::discriminant(&right) => mismatch(Operator::Add, &left, &right),
        // Values of two kinds are written one after the other, numbers included: `event.data.n + 1` is a text.
        _ => {
            work.measure(&left)?;
            work.measure(&right)?;
            let text = plain(&left) + &plain(&right);
            work.make(text.len())?;
            Value::text(text)
        }
    })
}

fn arithmetic<'v>(operator: Operator, left: &Value<'v>, right: &Value<'v>) -> Value<'v> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => match operator {
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            Operator::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map_or_else(overflow, Value::Int),
        (Value::Uint(a), Value::Uint(b)) => match operator {
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            Operator::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map_or_else(overflow, Value::Uint),
        (Value::Double(a), Value::Double(b)) => match operator {
            Operator::Subtract => Value::Double(a - b),
            Operator::Multiply => Value::Double(a * b),
            Operator::Divide => Value::Double(a / b),
            _ => mismatch(operator, left, right),
        },
        (Value::Timestamp(a), Value::Timestamp(b)) if operator == Operator::Subtract => {
            Value::Duration(a.duration_since(*b))
        }
        (Value::Timestamp(time), Value::Duration(length)) if operator == Operator::Subtract => {
            time.checked_sub(*length).map_or_else(|_| overflow(), Value::Timestamp)
        }
        (Value::Duration(a), Value::Duration(b)) if operator == Operator::Subtract => {
            a.checked_sub(*b).map_or_else(overflow, Value::Duration)
        }
        _ => mismatch(operator, left, right),
    }
}

fn overflow<'v>() -> Value<'v> {
    Value::fault("the result is out of range, or something is divided by zero")
}

fn mismatch<'v>(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> Value<'v> {
    let are_numbers = number(left).is_some() && number(right).is_some();
    let hint = if are_numbers { ": numbers of an event are doubles, write `1.0` or `int(…)`" } else { "" };
    Value::fault(format!("`{}` does not take {} and {}{hint}", operator.symbol(), left.kind(), right.kind()))
}
