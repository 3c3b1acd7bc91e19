//! Times as other programs read them.

use jiff::Timestamp;
use system_bus_runtime::{Error, Result};

/// A time in milliseconds since 1970 as `2026-01-31T09:30:00.000Z`, the form that JavaScript writes.
pub(crate) fn rfc3339(millis: i64) -> Result<String> {
    let time = Timestamp::from_millisecond(millis).map_err(Error::terminal)?;
    Ok(format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_no_offset() {
        assert_eq!(rfc3339(1_769_851_800_000).expect("is a time"), "2026-01-31T09:30:00.000Z");
        assert_eq!(rfc3339(-1).expect("is a time"), "1969-12-31T23:59:59.999Z");
        assert!(!rfc3339(i64::MAX).expect_err("is too late").is_retryable());
    }
}
