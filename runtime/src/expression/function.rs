//! What the functions do.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::evaluate::{Exhausted, Work};
use super::format;
use super::node::Function;
use super::time::{parse_duration, parse_time};
use super::value::Value;

/// The largest text that `json_parse` reads, in bytes.
const JSON_LENGTH_MAX: usize = 256 * 1024;

/// Calls a function; its arguments are counted and complete.
pub(super) fn call<'v>(function: Function, arguments: &[Value<'v>], work: &mut Work) -> Result<Value<'v>, Exhausted> {
    // Any function of something missing is `false`, except the size, which is 0: the server's rule.
    if arguments.iter().any(Value::is_absent) {
        return Ok(if function == Function::Size { Value::Int(0) } else { Value::Bool(false) });
    }
    let first = arguments.first().unwrap_or(&Value::Null);
    let second = arguments.get(1);
    if let Value::String(text) = first {
        work.read(text.len())?;
    }
    Ok(match function {
        Function::Size => size(first),
        Function::StartsWith => texts(function, first, second, |text, part| text.starts_with(part)),
        Function::EndsWith => texts(function, first, second, |text, part| text.ends_with(part)),
        Function::Contains => texts(function, first, second, |text, part| text.contains(part)),
        Function::Lowercase | Function::Uppercase => {
            let text = text_or_empty(first);
            work.make(2 * text.len())?;
            Value::text(if function == Function::Lowercase { text.to_lowercase() } else { text.to_uppercase() })
        }
        Function::Base64Decode => {
            let text = text_or_empty(first);
            work.make(text.len())?;
            Value::text(String::from_utf8_lossy(&decode_base64(text)).into_owned())
        }
        Function::JsonParse => {
            let text = text_or_empty(first);
            work.make(text.len())?;
            if text.len() > JSON_LENGTH_MAX {
                return Ok(Value::fault("the text for `json_parse` is too long"));
            }
            // Text that is no JSON object yields an empty map.
            let entries: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
            Value::owned(entries.into())
        }
        Function::Date => parse_time(first),
        Function::Now => Value::Timestamp(Timestamp::now()),
        Function::NowPlus | Function::NowMinus => from_now(function, first),
        Function::Duration => match first {
            Value::Duration(_) => first.clone(),
            _ => parse_duration(text_or_empty(first)).map_or_else(|| no_duration(first), Value::Duration),
        },
        Function::Bool => to_bool(first),
        Function::Int => to_int(first),
        Function::Uint => to_uint(first),
        Function::Double => to_double(first),
        Function::String => to_string(first, work)?,
        Function::Dyn => first.clone(),
        _ => part_of_time(function, first, second),
    })
}

fn size<'v>(value: &Value<'v>) -> Value<'v> {
    let length = match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Bytes(bytes) => Some(bytes.len()),
        _ => value.length(),
    };
    match length {
        Some(length) => Value::Int(i64::try_from(length).unwrap_or(i64::MAX)),
        None => Value::fault(format!("`size` does not take {}", value.kind())),
    }
}

fn texts<'v>(
    function: Function,
    first: &Value<'v>,
    second: Option<&Value<'v>>,
    test: impl Fn(&str, &str) -> bool,
) -> Value<'v> {
    match (first, second) {
        (Value::String(text), Some(Value::String(part))) => Value::Bool(test(text, part)),
        _ => Value::fault(format!("`{function:?}` is for strings, not for {}", first.kind())),
    }
}

/// The server reads anything but a string as an empty one here.
fn text_or_empty<'a>(value: &'a Value<'_>) -> &'a str {
    match value {
        Value::String(text) => text,
        _ => "",
    }
}

/// Standard base64 up to the first byte that is none, as Go's decoder leaves it.
fn decode_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for letter in text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

fn no_duration<'v>(value: &Value<'_>) -> Value<'v> {
    match value {
        Value::String(text) => Value::fault(format!("`{text}` is no duration: write it as `1h30m`")),
        _ => Value::fault(format!("a duration is a string such as `1h30m`, not {}", value.kind())),
    }
}

fn from_now<'v>(function: Function, value: &Value<'v>) -> Value<'v> {
    let Some(length) = parse_duration(text_or_empty(value)) else { return no_duration(value) };
    let now = Timestamp::now();
    let moved = if function == Function::NowPlus { now.checked_add(length) } else { now.checked_sub(length) };
    moved.map_or_else(|_| Value::fault("the time is out of range"), Value::Timestamp)
}

fn to_bool<'v>(value: &Value<'v>) -> Value<'v> {
    match value {
        Value::Bool(_) => value.clone(),
        Value::String(text) => match text.as_ref() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
            _ => no_conversion("bool", value),
        },
        _ => no_conversion("bool", value),
    }
}

fn to_int<'v>(value: &Value<'v>) -> Value<'v> {
    let converted = match value {
        Value::Int(value) => Some(*value),
        Value::Uint(value) => i64::try_from(*value).ok(),
        // The bounds are exact as doubles; a cast would saturate silently.
        Value::Double(value) if *value > i64::MIN as f64 && *value < i64::MAX as f64 => Some(*value as i64),
        Value::String(text) => text.parse().ok(),
        Value::Timestamp(time) => Some(time.as_second()),
        Value::Duration(length) => i64::try_from(length.as_nanos()).ok(),
        _ => None,
    };
    converted.map_or_else(|| no_conversion("int", value), Value::Int)
}

fn to_uint<'v>(value: &Value<'v>) -> Value<'v> {
    let converted = match value {
        Value::Uint(value) => Some(*value),
        Value::Int(value) => u64::try_from(*value).ok(),
        Value::Double(value) if *value >= 0.0 && *value < u64::MAX as f64 => Some(*value as u64),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    converted.map_or_else(|| no_conversion("uint", value), Value::Uint)
}

fn to_double<'v>(value: &Value<'v>) -> Value<'v> {
    let converted = match value {
        Value::Double(value) => Some(*value),
        Value::Int(value) => Some(*value as f64),
        Value::Uint(value) => Some(*value as f64),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    converted.map_or_else(|| no_conversion("double", value), Value::Double)
}

fn to_string<'v>(value: &Value<'v>, work: &mut Work) -> Result<Value<'v>, Exhausted> {
    Ok(match value {
        Value::String(_) => value.clone(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::Duration(_) => {
            let text = format::plain(value);
            work.make(text.len())?;
            Value::text(text)
        }
        _ => no_conversion("string", value),
    })
}

fn no_conversion<'v>(to: &str, value: &Value<'_>) -> Value<'v> {
    Value::fault(format!("{} is no {to}: `{to}()` cannot convert it", value.kind()))
}

fn part_of_time<'v>(function: Function, value: &Value<'v>, zone: Option<&Value<'v>>) -> Value<'v> {
    if let Value::Duration(length) = value {
        let seconds = length.as_secs();
        return match function {
            Function::GetHours => Value::Int(seconds / 3600),
            Function::GetMinutes => Value::Int(seconds / 60),
            Function::GetSeconds => Value::Int(seconds),
            Function::GetMilliseconds => Value::Int(i64::from(length.subsec_millis())),
            _ => Value::fault(format!("`{function:?}` is for times, not for durations")),
        };
    }
    let Value::Timestamp(time) = value else {
        return Value::fault(format!("`{function:?}` is for times, not for {}: write `date(…)`", value.kind()));
    };
    let zone = match zone {
        None => TimeZone::UTC,
        Some(Value::String(name)) => match TimeZone::get(name) {
            Ok(zone) => zone,
            Err(_) => return Value::fault(format!("`{name}` is no time zone")),
        },
        Some(other) => return Value::fault(format!("a time zone is a string, not {}", other.kind())),
    };
    let time = time.to_zoned(zone);
    Value::Int(match function {
        Function::GetFullYear => time.year().into(),
        // Months and days count from 0 here, as in JavaScript; `getDate` counts from 1.
        Function::GetMonth => i64::from(time.month()) - 1,
        Function::GetDate => time.day().into(),
        Function::GetDayOfMonth => i64::from(time.day()) - 1,
        Function::GetDayOfWeek => time.weekday().to_sunday_zero_offset().into(),
        Function::GetDayOfYear => i64::from(time.day_of_year()) - 1,
        Function::GetHours => time.hour().into(),
        Function::GetMinutes => time.minute().into(),
        Function::GetSeconds => time.second().into(),
        _ => time.millisecond().into(),
    })
}
