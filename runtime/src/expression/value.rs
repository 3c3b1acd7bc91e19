//! The values of the dialect and what can be asked of each alone: kind, truth, elements, JSON.

use std::borrow::Cow;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::error::EvalError;

/// Whole numbers below this are exact as a double; JSON numbers beyond it stay integers, so that two long ids that
/// differ in their last digits stay different.
const EXACT_MAX: i64 = 1 << 53;

/// A value during evaluation. Containers of an event are borrowed, never copied.
#[derive(Clone, Debug)]
pub(super) enum Value<'v> {
    /// A path that leads nowhere; the server's "unknown".
    Missing,
    /// An operation that has no value. It travels on as a value, because most operations treat it as missing.
    Fault(EvalError),
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Cow<'v, str>),
    Bytes(Cow<'v, [u8]>),
    Timestamp(Timestamp),
    Duration(SignedDuration),
    /// An array or object of an event.
    Json(&'v Json),
    List(Rc<[Value<'v>]>),
    Map(Rc<[(Value<'v>, Value<'v>)]>),
}

impl<'v> Value<'v> {
    pub(super) fn of(json: &'v Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => of_number(number),
            Json::String(text) => Self::String(Cow::Borrowed(text)),
            Json::Array(_) | Json::Object(_) => Self::Json(json),
        }
    }

    /// Takes over JSON that was made during the evaluation.
    pub(super) fn owned(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => of_number(&number),
            Json::String(text) => Self::String(Cow::Owned(text)),
            Json::Array(items) => Self::List(items.into_iter().map(Self::owned).collect()),
            Json::Object(entries) => {
                Self::Map(entries.into_iter().map(|(key, value)| (Self::text(key), Self::owned(value))).collect())
            }
        }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::String(Cow::Owned(text.into()))
    }

    pub(super) fn fault(message: impl Into<String>) -> Self {
        Self::Fault(EvalError::Mismatch(message.into()))
    }

    /// Missing, or without a value.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Missing | Self::Fault(_))
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Fault(_) => "an error",
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Uint(_) => "a uint",
            Self::Double(_) => "a number",
            Self::String(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "a time",
            Self::Duration(_) => "a duration",
            Self::Json(Json::Array(_)) | Self::List(_) => "a list",
            Self::Json(_) | Self::Map(_) => "a map",
        }
    }

    /// Truth as JavaScript has it, except that containers are true even when empty.
    pub(super) fn is_truthy(&self) -> bool {
        match self {
            Self::Missing | Self::Fault(_) | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Uint(value) => *value != 0,
            Self::Double(value) => *value != 0.0,
            Self::String(text) => !text.is_empty(),
            _ => true,
        }
    }

    /// What `.field` or `['field']` yields.
    pub(super) fn field(&self, name: &str) -> Self {
        match self {
            Self::Fault(_) => self.clone(),
            Self::Json(Json::Object(entries)) => entries.get(name).map_or(Self::Missing, Value::of),
            Self::Map(entries) => entries
                .iter()
                .find(|(key, _)| matches!(key, Self::String(text) if text == name))
                .map_or(Self::Missing, |(_, value)| value.clone()),
            _ => Self::Missing,
        }
    }

    /// What `[position]` yields for a list.
    pub(super) fn element(&self, position: usize) -> Self {
        match self {
            Self::Json(Json::Array(items)) => items.get(position).map_or(Self::Missing, Value::of),
            Self::List(items) => items.get(position).cloned().unwrap_or(Self::Missing),
            _ => Self::Missing,
        }
    }

    /// The number of elements or entries; `None` for what is no container.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Json(Json::Array(items)) => Some(items.len()),
            Self::Json(Json::Object(entries)) => Some(entries.len()),
            Self::List(items) => Some(items.len()),
            Self::Map(entries) => Some(entries.len()),
            _ => None,
        }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::Json(Json::Array(_)) | Self::List(_))
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Json(Json::Object(_)) | Self::Map(_))
    }

    /// The elements of a list, or the keys of a map; nothing for other values.
    pub(super) fn elements(&self) -> Vec<Self> {
        match self {
            Self::Json(Json::Array(items)) => items.iter().map(Value::of).collect(),
            Self::List(items) => items.to_vec(),
            _ => self.entries().into_iter().map(|(key, _)| key).collect(),
        }
    }

    /// The entries of a map; nothing for other values.
    pub(super) fn entries(&self) -> Vec<(Self, Self)> {
        match self {
            Self::Json(Json::Object(entries)) => {
                entries.iter().map(|(key, value)| (Self::String(Cow::Borrowed(key)), Self::of(value))).collect()
            }
            Self::Map(entries) => entries.to_vec(),
            _ => Vec::new(),
        }
    }

    /// The result of an evaluation. What is missing is `false`, as the server has it.
    pub(super) fn into_json(self) -> Result<Json, EvalError> {
        Ok(match self {
            Self::Missing => Json::Bool(false),
            Self::Fault(error) => return Err(error),
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Int(value) => value.into(),
            Self::Uint(value) => value.into(),
            Self::Double(value) => number_to_json(value)?,
            Self::String(text) => Json::String(text.into_owned()),
            Self::Bytes(bytes) => Json::String(String::from_utf8_lossy(&bytes).into_owned()),
            Self::Timestamp(time) => Json::String(time.to_string()),
            Self::Duration(duration) => Json::String(super::format::duration(duration)),
            Self::Json(json) => json.clone(),
            Self::List(items) => Json::Array(items.iter().cloned().map(Self::into_json).collect::<Result<_, _>>()?),
            Self::Map(entries) => {
                let entries =
                    entries.iter().cloned().map(|(key, value)| Ok((super::format::plain(&key), value.into_json()?)));
                Json::Object(entries.collect::<Result<_, EvalError>>()?)
            }
        })
    }
}

fn of_number<'v>(number: &serde_json::Number) -> Value<'v> {
    match number.as_i64() {
        Some(whole) if whole.unsigned_abs() > EXACT_MAX.unsigned_abs() => Value::Int(whole),
        _ => match number.as_u64() {
            Some(whole) if whole > i64::MAX as u64 => Value::Uint(whole),
            _ => number.as_f64().map_or(Value::Null, Value::Double),
        },
    }
}

/// Whole doubles become JSON integers again, as they were in the event.
fn number_to_json(value: f64) -> Result<Json, EvalError> {
    if value.fract() == 0.0 && value.abs() <= EXACT_MAX as f64 {
        return Ok((value as i64).into());
    }
    serde_json::Number::from_f64(value)
        .map(Json::Number)
        .ok_or_else(|| EvalError::Mismatch("the result is not a finite number".to_owned()))
}
