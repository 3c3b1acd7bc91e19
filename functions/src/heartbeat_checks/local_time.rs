//! The time of day where the operator lives, and what it is the time for.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use system_bus_runtime::{Error, Result};

/// Where the operator lives.
const TIME_ZONE: &str = "America/Los_Angeles";

/// The time of day where the operator lives.
#[derive(Clone, Debug)]
pub(super) struct LocalTime(Zoned);

impl LocalTime {
    /// The local time at `ts`, in milliseconds since 1970.
    pub(super) fn at(ts: i64) -> Result<Self> {
        let time = Timestamp::from_millisecond(ts).map_err(Error::terminal)?;
        let zone = TimeZone::get(TIME_ZONE).map_err(Error::terminal)?;
        Ok(Self(time.to_zoned(zone)))
    }

    /// The date, as `2026-01-31`.
    pub(super) fn date(&self) -> String {
        self.0.date().to_string()
    }

    /// Whether it is early enough in the working day to offer a decision: from 8 to 10.
    pub(super) fn is_pitch_window(&self) -> bool {
        (8..10).contains(&self.0.hour())
    }

    /// Whether the day is over, for the digest: the last quarter of an hour, which holds one heartbeat.
    pub(super) fn is_digest_window(&self) -> bool {
        self.0.hour() == 23 && self.0.minute() >= 45
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Date, pitch window, digest window.
    #[track_caller]
    fn check(utc: &str, expected: (&str, bool, bool)) {
        let time: Timestamp = utc.parse().expect("a time");
        let local = LocalTime::at(time.as_millisecond()).expect("in range");
        assert_eq!((local.date().as_str(), local.is_pitch_window(), local.is_digest_window()), expected);
    }

    #[test]
    fn windows_are_those_of_local_time() {
        check("2026-01-15T15:59:59Z", ("2026-01-15", false, false));
        check("2026-01-15T16:00:00Z", ("2026-01-15", true, false));
        check("2026-01-15T17:59:59Z", ("2026-01-15", true, false));
        check("2026-01-15T18:00:00Z", ("2026-01-15", false, false));
        check("2026-01-16T07:44:59Z", ("2026-01-15", false, false));
        check("2026-01-16T07:45:00Z", ("2026-01-15", false, true));
        check("2026-01-16T08:00:00Z", ("2026-01-16", false, false));
    }

    #[test]
    fn windows_follow_daylight_saving_time() {
        check("2026-07-15T15:00:00Z", ("2026-07-15", true, false));
        check("2026-07-15T17:00:00Z", ("2026-07-15", false, false));
        check("2026-07-16T06:45:00Z", ("2026-07-15", false, true));
    }

    #[test]
    fn a_time_out_of_range_is_an_error() {
        assert!(!LocalTime::at(i64::MAX).expect_err("is out of range").is_retryable());
    }
}
