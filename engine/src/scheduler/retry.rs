//! The pause before another attempt: exponential, with jitter, bounded.

use std::time::Duration;

use system_bus_runtime::error::Error;
use system_bus_runtime::protocol::Backoff;

use crate::limits;

/// The pause after `attempts` failed ones. What the error asks for wins; otherwise the pause doubles with each attempt,
/// and up to a quarter is taken off at random, so that runs that failed together do not come back together.
pub(crate) fn retry_delay(
    error: &Error,
    backoff: Option<Backoff>,
    attempts: u32,
    random: &mut fastrand::Rng,
) -> Duration {
    if let Some(delay) = error.retry_delay() {
        return delay;
    }
    let Backoff { first, max } = backoff.unwrap_or(Backoff { first: limits::BACKOFF_FIRST, max: limits::BACKOFF_MAX });
    let doubled = first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    doubled.min(max).mul_f64(1.0 - random.f64() / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_maximum_and_lose_at_most_a_quarter() {
        let mut random = fastrand::Rng::with_seed(1);
        let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60) };
        for (attempts, full) in [(1, 1), (2, 2), (3, 4), (7, 60), (1_000, 60)] {
            let full = Duration::from_secs(full);
            let delay = retry_delay(&Error::retryable("no"), Some(backoff), attempts, &mut random);
            assert!(delay <= full && delay >= full.mul_f64(0.75), "{attempts}: {delay:?}");
        }
    }

    #[test]
    fn what_the_error_asks_for_wins() {
        let error = Error::retry_after("busy", Duration::from_secs(7));
        assert_eq!(retry_delay(&error, None, 3, &mut fastrand::Rng::with_seed(1)), Duration::from_secs(7));
    }
}
