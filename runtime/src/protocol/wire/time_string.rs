//! Time strings: decimal numbers with units, such as `1h30m` (`SDK_SPEC.md` §1.3.2).

use std::time::Duration;

/// A text that is no time string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeStringError {
    /// Nothing is there.
    #[error("a time string is empty: write it like `1h30m`")]
    Empty,
    /// A number is missing or malformed.
    #[error("a time string needs a number before each unit, as in `1h30m`")]
    Number,
    /// A unit is missing or unknown.
    #[error("the units of a time string are `ns`, `us`, `ms`, `s`, `m`, `h`, `d` and `w`")]
    Unit,
    /// It is longer than a [`Duration`] can be.
    #[error("the time string is too long a time")]
    Overflow,
}

const UNITS: [(&str, u64); 10] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Reads a time string; fractions of a nanosecond are cut off.
pub fn parse_time_string(text: &str) -> Result<Duration, TimeStringError> {
    if text.is_empty() {
        return Err(TimeStringError::Empty);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(TimeStringError::Number);
        }
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(TimeStringError::Unit)?;
        nanos =
            part(whole, fraction, *size).and_then(|part| nanos.checked_add(part)).ok_or(TimeStringError::Overflow)?;
        rest = next;
    }
    let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| TimeStringError::Overflow)?;
    let below = u32::try_from(nanos % 1_000_000_000).map_err(|_| TimeStringError::Overflow)?;
    Ok(Duration::new(seconds, below))
}

/// `whole.fraction` times `unit`, in nanoseconds.
fn part(whole: &str, fraction: &str, unit: u64) -> Option<u128> {
    let unit = u128::from(unit);
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u128>().ok()? };
    // From the last digit to the first: cutting off at each of them comes to the same as cutting off at the end, and
    // the numbers stay small however many digits there are.
    let below = fraction.bytes().rev().fold(0, |below, digit| (u128::from(digit - b'0') * unit + below) / 10);
    whole.checked_mul(unit)?.checked_add(below)
}

/// Writes a time string of whole milliseconds, as attributes are written: `1h30m`.
pub fn format_time_string(duration: Duration) -> String {
    use std::fmt::Write;
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] {
        if rest >= unit {
            // Writing to a string does not fail.
            let _ = write!(text, "{}{name}", rest / unit);
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(parse_time_string("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse_time_string("2h45m"), Ok(Duration::from_secs(9_900)));
        assert_eq!(parse_time_string("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse_time_string(".5m"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_time_string("1d"), parse_time_string("24h"));
        assert_eq!(parse_time_string("1w"), parse_time_string("168h"));
        assert_eq!(parse_time_string("7µs"), parse_time_string("7us"));
        assert_eq!(parse_time_string("0.000001ms"), Ok(Duration::from_nanos(1)));
    }

    #[test]
    fn every_digit_of_a_fraction_counts() {
        // A week has 604,800,000,000,000 ns, so the sixteenth digit makes more than half a nanosecond.
        assert_eq!(parse_time_string("0.0000000000000017w"), Ok(Duration::from_nanos(1)));
        assert_eq!(parse_time_string("0.0000000000000016w"), Ok(Duration::ZERO));
        let third = format!("0.{}s", "3".repeat(10_000));
        assert_eq!(parse_time_string(&third), Ok(Duration::from_nanos(333_333_333)));
    }

    #[test]
    fn what_is_no_time_string_is_refused() {
        assert_eq!(parse_time_string(""), Err(TimeStringError::Empty));
        for text in ["s", "-1s", "1..2s", ".s", " 1s"] {
            assert_eq!(parse_time_string(text), Err(TimeStringError::Number), "{text}");
        }
        for text in ["5", "1 s", "1y", "1ss", "1h2"] {
            assert_eq!(parse_time_string(text), Err(TimeStringError::Unit), "{text}");
        }
        assert_eq!(parse_time_string(&format!("{}w", u64::MAX)), Err(TimeStringError::Overflow));
    }

    #[test]
    fn what_is_written_reads_back() {
        for (millis, text) in [(45_000, "45s"), (5_400_000, "1h30m"), (604_800_000, "7d"), (250, "250ms"), (0, "0s")] {
            let duration = Duration::from_millis(millis);
            assert_eq!(format_time_string(duration), text);
            assert_eq!(parse_time_string(text), Ok(duration));
        }
    }
}
