//! The pauses between attempts to connect (`SDK_SPEC.md` §8.6).

use std::time::Duration;

/// The pauses in seconds; the last one goes on for ever.
const PAUSES: [u64; 9] = [1, 2, 5, 10, 20, 30, 60, 120, 300];
/// How much longer than named a pause may be: workers that lost the same gateway must not all return at once.
const JITTER: f64 = 0.1;

/// Counts failed attempts in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: usize,
    random: fastrand::Rng,
}

impl Backoff {
    /// No attempt has failed yet. Equal seeds give equal pauses.
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, random: fastrand::Rng::with_seed(seed) }
    }

    /// Attempts that failed in a row.
    pub(super) fn failures(&self) -> usize {
        self.failures
    }

    /// An attempt failed: the pause before the next one.
    pub(super) fn failed(&mut self) -> Duration {
        let pause = pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.jittered(pause)
    }

    /// An attempt failed for a reason that only an operator can remove: the longest pause.
    pub(super) fn refused(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.jittered(pause(usize::MAX))
    }

    /// The gateway was about to close, and another one can be had soon: between half a second and one and a half, as
    /// in the TypeScript SDK.
    pub(super) fn gateway_closing(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(500 + self.random.u64(..=1_000))
    }

    /// An attempt succeeded.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    fn jittered(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(1.0 + JITTER * self.random.f64())
    }
}

fn pause(failures: usize) -> Duration {
    Duration::from_secs(PAUSES[failures.min(PAUSES.len() - 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_specification_and_the_last_one_goes_on_for_ever() {
        let mut backoff = Backoff::new(7);
        for seconds in [1, 2, 5, 10, 20, 30, 60, 120, 300, 300, 300] {
            let pause = backoff.failed().as_secs_f64();
            assert!((f64::from(seconds)..=f64::from(seconds) * 1.1).contains(&pause), "{pause} for {seconds}");
        }
        for _ in 0..10_000 {
            assert!(backoff.failed() >= Duration::from_secs(300));
        }
    }

    #[test]
    fn a_success_starts_again_at_one_second() {
        let mut backoff = Backoff::new(7);
        backoff.failed();
        backoff.failed();
        backoff.reset();
        assert_eq!(backoff.failures(), 0);
        assert!(backoff.failed() < Duration::from_secs(2));
    }

    #[test]
    fn a_refusal_waits_longest_and_a_closing_gateway_shortest() {
        let mut backoff = Backoff::new(7);
        assert!(backoff.refused() >= Duration::from_secs(300));
        let short = backoff.gateway_closing();
        assert!((Duration::from_millis(500)..=Duration::from_millis(1_500)).contains(&short), "{short:?}");
    }

    #[test]
    fn workers_do_not_all_return_at_once() {
        let pauses: Vec<_> = (0..20).map(|seed| Backoff::new(seed).failed()).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
