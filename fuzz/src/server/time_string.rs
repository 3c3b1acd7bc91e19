//! The `time_string` target: see `../../README.md`.

use std::time::Duration;

use system_bus_runtime::protocol::wire::{TimeStringError, format_time_string, parse_time_string};

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Reads the input as a time string, and as two durations to be written.
///
/// What is written reads back to the millisecond and keeps its order; a string written twice is twice as long; a single
/// number has the value that exact arithmetic gives.
pub fn time_string(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        read(text);
    }
    if let Some((first, rest)) = data.split_first_chunk::<12>() {
        let written = write(duration(first));
        if let Some(second) = rest.first_chunk::<12>() {
            let ordered = duration(first).cmp(&duration(second));
            let other = write(duration(second));
            assert!(ordered.is_eq() || written == other || written.cmp(&other) == ordered, "the order is lost");
        }
    }
}

fn duration(bytes: &[u8; 12]) -> Duration {
    let [a, b, c, d, e, f, g, h, nanos @ ..] = *bytes;
    Duration::new(u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes(nanos) % 1_000_000_000)
}

/// What is read of what is written.
fn write(duration: Duration) -> Duration {
    let text = format_time_string(duration);
    let below = duration.subsec_nanos() % 1_000_000;
    let read = parse_time_string(&text).unwrap_or_else(|error| panic!("`{text}` was written: {error}"));
    assert_eq!(Some(read), duration.checked_sub(Duration::from_nanos(below.into())), "`{text}`");
    read
}

fn read(text: &str) {
    let read = parse_time_string(text);
    if let Some(exact) = exact(text) {
        assert_eq!(read.ok(), exact, "`{text}` is not exact");
    }
    let Ok(duration) = read else { return };
    write(duration);
    assert_eq!(parse_time_string(&format!("0{text}")), Ok(duration), "a leading zero counts");
    let twice = parse_time_string(&text.repeat(2));
    // Fractions of a nanosecond are cut off of each part alone.
    assert_eq!(twice, duration.checked_mul(2).ok_or(TimeStringError::Overflow), "`{text}` twice");
}

/// The value of one number that is short enough for plain arithmetic; the inner `None` is too long a time.
fn exact(text: &str) -> Option<Option<Duration>> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_ascii_alphabetic())?);
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 22 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let nanos = digits.parse::<u128>().ok()? * size / scale;
    Some(u64::try_from(nanos / 1_000_000_000).ok().map(|seconds| {
        let below = u32::try_from(nanos % 1_000_000_000).unwrap_or_default();
        Duration::new(seconds, below)
    }))
}
