//! What an attribute can say about when and how often a function runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// At most `limit` steps that execute at the same time, counted for each value of `key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// Executing steps at the same time; sleeping runs do not count.
    pub limit: u32,
    /// An expression over the event; one counter when absent.
    pub key: Option<&'static str>,
    /// Which functions share the counter.
    pub scope: Scope,
}

/// Which functions share a concurrency counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Only this function.
    #[default]
    Fn,
    /// All functions of the environment with the same key expression.
    Env,
    /// All functions of the account with the same key expression.
    Account,
}

/// At most `limit` starts (and `burst` at once) in a period; later ones wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Starts in a period.
    pub limit: u32,
    /// The period, 1 s to 7 days.
    pub period: Duration,
    /// Starts at once on top, 1 when absent.
    pub burst: Option<u32>,
    /// An expression over the event.
    pub key: Option<&'static str>,
}

/// At most `limit` starts in a period; later events start nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Starts in a period.
    pub limit: u32,
    /// The period, 1 s to 24 hours.
    pub period: Duration,
    /// An expression over the event.
    pub key: Option<&'static str>,
}

/// Starts once events have stopped coming for `period`, with the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debounce {
    /// The quiet time, 1 s to 7 days.
    pub period: Duration,
    /// An expression over the event.
    pub key: Option<&'static str>,
    /// The longest time a start is put off.
    pub timeout: Option<Duration>,
}

/// Starts with up to `max_size` events, or with fewer once `timeout` has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Events in one run.
    pub max_size: u32,
    /// How long the first event waits.
    pub timeout: Duration,
    /// An expression over the event.
    pub key: Option<&'static str>,
    /// Events for which this is false are not batched.
    pub expression: Option<&'static str>,
}

/// Moves a run forward in the queue by the seconds that the expression yields, -600 to 600.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// An expression over the event.
    pub run: &'static str,
}

/// At most one run at a time for each value of `key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Singleton {
    /// An expression over the event.
    pub key: Option<&'static str>,
    /// What happens to a second one.
    pub mode: SingletonMode,
}

/// What happens to an event while the singleton's run is unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingletonMode {
    /// The new event starts nothing.
    #[default]
    Skip,
    /// The old run is cancelled.
    Cancel,
}

/// An event that cancels a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOn {
    /// The event's name.
    pub event: &'static str,
    /// A condition over `event` (the run's) and `async` (the cancelling one).
    pub expression: Option<&'static str>,
    /// How long after the start of the run the event counts.
    pub timeout: Option<Duration>,
}

/// How long a run may wait to start and may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the event to the start.
    pub start: Option<Duration>,
    /// From the start to the end.
    pub finish: Option<Duration>,
}
