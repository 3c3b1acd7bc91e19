//! Times and durations as the server reads them.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

use super::operator::whole;
use super::value::Value;

/// `date(…)`: RFC 3339, a date with or without a time (then in UTC), RFC 2822, or a whole number of seconds,
/// milliseconds or nanoseconds since 1970, told apart by size.
pub(super) fn parse_time<'v>(value: &Value<'v>) -> Value<'v> {
    let time = match value {
        Value::Timestamp(time) => Some(*time),
        Value::String(text) => of_text(text),
        _ => whole(value).and_then(of_number),
    };
    match (time, value) {
        (Some(time), _) => Value::Timestamp(time),
        (None, Value::String(text)) => Value::fault(format!("`{text}` is no time: write it as `2026-01-31T12:00:00Z`")),
        (None, _) => Value::fault(format!("`date` does not take {} of this size", value.kind())),
    }
}

fn of_text(text: &str) -> Option<Timestamp> {
    let in_utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<civil::DateTime>().ok().and_then(in_utc))
        .or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp()))
}

/// Numbers before the year 2000 are no times, as the server has it.
fn of_number(number: i128) -> Option<Timestamp> {
    let number = i64::try_from(number).ok()?;
    match number {
        ..946_684_800 => None,
        946_684_800..9_999_999_999 => Timestamp::from_second(number).ok(),
        9_999_999_999..9_999_999_999_999 => Timestamp::from_millisecond(number).ok(),
        _ => Timestamp::from_nanosecond(number.into()).ok(),
    }
}

/// `1h30m`, `1.5s`, `-250ms`; also days and weeks (`2d`, `1w`).
pub(super) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0f64;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(rest.len());
        seconds += amount
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    SignedDuration::try_from_secs_f64(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::parse_duration;
    use jiff::SignedDuration;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        assert_eq!(parse_duration("6h35m10s"), Some(SignedDuration::from_secs(23_710)));
        assert_eq!(parse_duration("1.5s"), Some(SignedDuration::from_millis(1500)));
        assert_eq!(parse_duration("-2d"), Some(SignedDuration::from_hours(-48)));
        for wrong in ["", "5", "h", "1x", "1.2.3s", "1h 5m"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
