//! What falling asleep and waking up have in common: who speaks, and how people write durations.

use std::time::Duration;

use system_bus_runtime::{Error, Result};

/// Who tells the operator of sleep and wake-up.
pub(super) const SOURCE: &str = "inngest/sleep-mode";

/// The longest sleep; longer than that nobody means it.
const DAYS_MAX: u64 = 366;

/// One or more numbers with a unit of s, m, h, d or w, such as `30m`, `1h30m` or `1d 12h`; spaces do not count.
pub(super) fn parse_duration(text: &str) -> Result<Duration> {
    let invalid = || {
        let start: String = text.chars().take(40).collect();
        Error::terminal(format!(
            "`{start}` is not a duration of a sleep: use numbers with s, m, h, d or w, such as `30m` or `1h30m`, at most \
             {DAYS_MAX} days"
        ))
    };
    let seconds = seconds(text).ok_or_else(invalid)?;
    if seconds == 0 || seconds > DAYS_MAX * 86_400 {
        return Err(invalid());
    }
    Ok(Duration::from_secs(seconds))
}

/// The sum; nothing when the text is anything else, or has a part that is zero.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut number = None;
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        if let Some(digit) = letter.to_digit(10) {
            number = Some(number.unwrap_or(0_u64).checked_mul(10)?.checked_add(digit.into())?);
            continue;
        }
        let unit = match letter.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        let part = number.take().filter(|number| *number > 0)?.checked_mul(unit)?;
        total = total.checked_add(part)?;
    }
    number.is_none().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_add_up() {
        for (text, seconds) in [
            ("45s", 45),
            ("30m", 1_800),
            ("2h", 7_200),
            ("1d", 86_400),
            ("1w", 604_800),
            ("1h30m", 5_400),
            (" 1H 30 M ", 5_400),
            ("1m1m", 120),
            ("366d", 366 * 86_400),
        ] {
            assert_eq!(parse_duration(text).map(|duration| duration.as_secs()).ok(), Some(seconds), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_for_good() {
        for text in
            ["", " ", "1", "m", "1x", "1h30", "h1", "0m", "1h0m", "-1h", "1.5h", "1h!", "367d", "99999999999999999999w"]
        {
            let error = parse_duration(text).unwrap_err();
            assert!(!error.is_retryable() && error.message().contains("such as `30m`"), "{text}: {error}");
        }
    }
}
