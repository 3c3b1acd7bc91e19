//! How `+` writes a value into a string: as Go's `%v` prints it, because the server does that.

use std::fmt::Write as _;

use jiff::SignedDuration;
use serde_json::Value as Json;

use super::value::Value;

/// The text of a value beside a string.
pub(super) fn plain(value: &Value<'_>) -> String {
    let mut text = String::new();
    write(&mut text, value, true);
    text
}

fn write(out: &mut String, value: &Value<'_>, is_outermost: bool) {
    match value {
        Value::Missing | Value::Fault(_) => {}
        // The protobuf constant outside of containers, Go's nil within.
        Value::Null => out.push_str(if is_outermost { "NULL_VALUE" } else { "<nil>" }),
        Value::Bool(value) => put(out, value),
        Value::Int(value) => put(out, value),
        Value::Uint(value) => put(out, value),
        Value::Double(value) => out.push_str(&double(*value)),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) => out.push_str(&String::from_utf8_lossy(bytes)),
        Value::Timestamp(time) => put(out, time),
        Value::Duration(length) => out.push_str(&duration(*length)),
        Value::Json(Json::Array(_)) | Value::List(_) => {
            out.push('[');
            for (position, item) in value.elements().iter().enumerate() {
                if position > 0 {
                    out.push(' ');
                }
                write(out, item, false);
            }
            out.push(']');
        }
        Value::Json(_) | Value::Map(_) => {
            let mut entries: Vec<(String, Value<'_>)> =
                value.entries().into_iter().map(|(key, value)| (plain(&key), value)).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            out.push_str("map[");
            for (position, (key, value)) in entries.iter().enumerate() {
                if position > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write(out, value, false);
            }
            out.push(']');
        }
    }
}

fn put(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

/// The shortest form of a double, with an exponent below 1e-04 and from 1e+06 on (Go's `%v`).
pub(super) fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A duration as Go prints it: `1h30m0s`, `1.5s`, `250ms`.
pub(super) fn duration(length: SignedDuration) -> String {
    let nanos = length.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let fraction = |unit: u128, name: &str| format!("{sign}{}{name}", nanos as f64 / unit as f64);
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{nanos}ns"),
        1_000..1_000_000 => fraction(1_000, "µs"),
        1_000_000..1_000_000_000 => fraction(1_000_000, "ms"),
        _ => {
            let seconds = nanos / 1_000_000_000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let rest = (nanos % 60_000_000_000) as f64 / 1e9;
            match (hours, minutes) {
                (0, 0) => format!("{sign}{rest}s"),
                (0, _) => format!("{sign}{minutes}m{rest}s"),
                _ => format!("{sign}{hours}h{minutes}m{rest}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{double, duration};
    use jiff::SignedDuration;

    #[test]
    fn doubles_print_as_in_go() {
        for (value, expected) in [
            (9.1, "9.1"),
            (5.0, "5"),
            (0.5, "0.5"),
            (-2.0, "-2"),
            (1_000_000.0, "1e+06"),
            (123_456.0, "123456"),
            (1.5e-7, "1.5e-07"),
            (0.0, "0"),
        ] {
            assert_eq!(double(value), expected);
        }
    }

    #[test]
    fn durations_print_as_in_go() {
        assert_eq!(duration(SignedDuration::from_secs(5400)), "1h30m0s");
        assert_eq!(duration(SignedDuration::from_millis(1500)), "1.5s");
        assert_eq!(duration(SignedDuration::from_millis(-250)), "-250ms");
    }
}
