//! Durations as Go writes them, which is how a gateway names its intervals: `10s`, `1m30s`, `250ms`.

use std::time::Duration;

use super::limits;

/// The duration a text stands for, or `None` when it is no such text or is negative.
pub(super) fn parse(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 8] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_length = rest.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(rest.len());
        let (_, scale) = UNITS.into_iter().find(|(unit, _)| *unit == &rest[..unit_length])?;
        seconds += number * scale;
        rest = &rest[unit_length..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// An interval that a gateway names, within bounds; `default` when it names none or none that is understood.
pub(super) fn interval(text: &str, default: Duration) -> Duration {
    let named = parse(text).filter(|interval| !interval.is_zero()).unwrap_or(default);
    named.clamp(limits::INTERVAL_MIN, limits::INTERVAL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_writes_is_read() {
        let cases = [
            ("10s", 10_000),
            ("5s", 5_000),
            ("30s", 30_000),
            ("1m0s", 60_000),
            ("1h0m0.5s", 3_600_500),
            ("250ms", 250),
            ("1.5s", 1_500),
            ("2500µs", 2),
            ("0s", 0),
            ("0", 0),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text).map(|duration| duration.as_millis()), Some(milliseconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "s", "-5s", "5 s", "5x", "1s2", ".s", "1..5s", "9999999999999999999999h", "5s\u{e9}"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_interval_has_bounds_and_a_default() {
        let default = Duration::from_secs(10);
        assert_eq!(interval("", default), default);
        assert_eq!(interval("0s", default), default);
        assert_eq!(interval("soon", default), default);
        assert_eq!(interval("1ns", default), limits::INTERVAL_MIN);
        assert_eq!(interval("1000h", default), limits::INTERVAL_MAX);
        assert_eq!(interval("3s", default), Duration::from_secs(3));
    }
}
