//! What is held of one secret: its variables, its leases, the failures to lease it. Told the time, does no IO.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::lease::{Lease, LeaseFailure};
use super::{Secret, SecretSource};

/// The pause after a first failure; it doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_secs(10);

/// The longest pause between two attempts, and the pause when the program is not there.
const PAUSE_MAX: Duration = Duration::from_secs(10 * 60);

/// What is held of one secret.
pub(super) struct Held {
    /// The value of the first variable that is set.
    variable: Option<Secret>,
    /// The other variables that are set, then the fallbacks.
    others: Vec<Secret>,
    lease: Option<Lease>,
    previous: Option<Lease>,
    failure: Option<Failure>,
    values: Arc<[Secret]>,
    /// When the oldest lease among `values` expires.
    values_until: Option<Instant>,
    /// Whoever leases has it, so that each value is leased once.
    turn: Arc<Mutex<()>>,
}

/// The latest failure to lease, since the latest lease.
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) is_program_missing: bool,
    pub(super) next_attempt_at: Instant,
    attempts: u32,
}

impl Held {
    /// What the environment holds; blank variables count as unset.
    pub(super) fn new(source: &SecretSource, variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| variable(name).filter(|value| !value.trim().is_empty()).map(Secret::from);
        let mut set = source.variables.iter().filter_map(|name| read(name));
        let first = set.next();
        let fallbacks = source.variables.iter().filter_map(|name| read(&format!("{name}_FALLBACK")));
        let mut held = Self {
            variable: first,
            others: set.chain(fallbacks).collect(),
            lease: None,
            previous: None,
            failure: None,
            values: Arc::default(),
            values_until: None,
            turn: Arc::default(),
        };
        held.collect(Instant::now());
        held
    }

    /// All values, unless one of them has expired since they were collected.
    pub(super) fn values(&self) -> Option<&Arc<[Secret]>> {
        // The clock is read only where it matters.
        let is_current = self.values_until.is_none_or(|until| Instant::now() < until);
        is_current.then_some(&self.values)
    }

    /// All values that count at `now`, newest first.
    pub(super) fn collect(&mut self, now: Instant) -> &Arc<[Secret]> {
        self.previous = self.previous.take().filter(|lease| now < lease.expires_at);
        let lease = self.lease.iter().filter(|lease| now < lease.expires_at);
        let leases: Vec<_> = lease.chain(&self.previous).collect();
        self.values_until = leases.iter().map(|lease| lease.expires_at).min();
        let all = self.variable.iter().chain(&self.others).chain(leases.into_iter().map(|lease| &lease.secret));
        let mut values: Vec<Secret> = Vec::new();
        for secret in all {
            if values.iter().all(|earlier| earlier.expose() != secret.expose()) {
                values.push(secret.clone());
            }
        }
        self.values = values.into();
        &self.values
    }

    /// The value to use at `now`: the variable's, else the lease's.
    pub(super) fn newest(&self, now: Instant) -> Option<&Secret> {
        let lease = self.lease.as_ref().filter(|lease| now < lease.expires_at);
        self.variable.as_ref().or(lease.map(|lease| &lease.secret))
    }

    /// Whether a value of the environment makes a lease unnecessary.
    pub(super) fn is_set(&self) -> bool {
        self.variable.is_some()
    }

    /// When to lease again; `None` when it was never asked for.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let failed = self.failure.as_ref().map(|failure| failure.next_attempt_at);
        failed.or(self.lease.as_ref().map(|lease| lease.renew_at))
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub(super) fn turn(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.turn)
    }

    /// Takes a new lease in; the one before it counts until it has expired.
    pub(super) fn leased(&mut self, lease: Lease, now: Instant) {
        self.previous = self.lease.replace(lease);
        self.failure = None;
        self.collect(now);
    }

    /// Notes that nothing was leased: the next attempt comes after a pause, with jitter.
    pub(super) fn failed(&mut self, failure: LeaseFailure, now: Instant) -> Failure {
        let attempts = self.failure.as_ref().map_or(0, |failure| failure.attempts);
        let doubled = PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(attempts)).min(PAUSE_MAX);
        let pause = if failure.is_program_missing { PAUSE_MAX } else { doubled };
        let failure = Failure {
            message: failure.message,
            is_program_missing: failure.is_program_missing,
            next_attempt_at: now + pause.mul_f64(1.0 - 0.2 * fastrand::f64()),
            attempts: attempts.saturating_add(1),
        };
        self.failure.insert(failure).clone()
    }
}
