//! Every bound of the engine in one place, each with its reason. Reaching one is an outcome that names it.

use std::time::Duration;

pub use system_bus_runtime::event::{EVENT_BYTES_MAX, EVENT_ID_BYTES_MAX};
use system_bus_runtime::service::STATE_VALUE_BYTES_MAX;

/// Events in one request; together with [`EVENT_BYTES_MAX`] it bounds what one request can hold in memory.
pub const EVENTS_PER_REQUEST_MAX: usize = 5_000;

/// Bytes of one request that carries events.
pub const REQUEST_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Bytes of one step's result; larger data belongs into a file or a database, with its address in the result.
pub const STEP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Steps of one run, which must stay below the 2^20 that a step's key has room for.
pub const STEPS_PER_RUN_MAX: i64 = 100_000;

/// Steps of one run that wait at the same time; what all of them need is looked at when one of them is done.
pub const PENDING_STEPS_MAX: usize = 10_000;

/// Retries of single steps that one run executes beside its resident future; each replays the run.
pub const TARGETS_PER_RUN_MAX: usize = 16;

/// Bytes of an error's message that are kept.
pub const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a signal's name; it is an index's key. What goes with it has the bound of an event.
pub const SIGNAL_NAME_BYTES_MAX: usize = 1_024;

/// How long one request of a `fetch` or `infer` step may take; the slowest models answer within it.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(10 * 60);

/// How long such a request may take to reach its host.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);

/// Redirects that a `fetch` follows; an `infer` follows none.
pub const REDIRECTS_MAX: usize = 10;

/// Bytes of a response; it becomes a step's result.
pub const RESPONSE_BYTES_MAX: usize = STEP_BYTES_MAX;

/// Bytes of a provider's refusal that an error repeats.
pub const REFUSAL_BYTES_MAX: usize = 1_024;

/// Bytes of events and of state that wait for the engine's thread; further ones are answered 503.
pub const BYTES_WAITING_MAX: usize = 256 * 1024 * 1024;

/// Bytes of a run's output that a list shows; the run itself shows all of it.
pub const LIST_OUTPUT_BYTES_MAX: usize = 4_096;

/// Runs that execute at the same time, so that a flood of events waits on disk and not in memory.
pub const EXECUTING_RUNS_MAX: u32 = 256;

/// Futures of waiting runs that are kept for a quick wake-up.
pub const IDLE_RESIDENTS_MAX: usize = 2_000;

/// A waiting run whose event is larger gives up its future at once: together with [`IDLE_RESIDENTS_MAX`] this bounds the
/// memory of waiting runs by bytes and not only by number.
pub const IDLE_EVENT_BYTES_MAX: usize = 64 * 1024;

/// A run whose next wake-up is later than this gives up its future at once and is replayed then.
pub const IDLE_RESIDENCE_MAX: Duration = Duration::from_secs(10);

/// Requests that wait for the engine's thread; further ones are answered 503.
pub const REQUESTS_WAITING_MAX: usize = 4_096;

/// Inputs that are handled in one transaction; bounds how long the first of them waits for its commit.
pub const BATCH_INPUTS_MAX: usize = 1_024;

/// Timers of one kind that fire in one transaction.
pub const TIMERS_PER_BATCH: i64 = 256;

/// How long an event's `id` keeps a second event with that `id` from starting runs.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// How long finished runs and their events are kept.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long deliveries are kept that could not be turned into events; those that wait are kept for ever.
pub const FAILED_DELIVERY_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Notifications that are kept.
pub const NOTIFICATIONS_KEPT: i64 = 10_000;

/// How long a follower's request waits for a message; shorter than what stands between a client and a worker usually
/// gives a silent connection.
pub const FOLLOW_TIME_MAX: Duration = Duration::from_secs(20);

/// Requests of followers that wait at the same time; each holds a connection. Further ones are answered 503.
pub const FOLLOWERS_MAX: usize = 64;

/// How often old rows are looked for.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(60);

/// Rows of one kind that retention removes in one transaction.
pub const RETENTION_ROWS: i64 = 100;

/// The longest pause before another attempt.
pub const BACKOFF_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// The pause before the second attempt; each later pause is twice as long.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(15);

/// Rows that a list returns at most.
pub const LIST_ROWS_MAX: u32 = 1_000;

/// How long the engine pauses before it opens its store again after a failed commit, such as on a full disk.
pub const STORE_RETRY: Duration = Duration::from_secs(1);

const _: () = assert!(STEPS_PER_RUN_MAX < 1 << 20, "a step's key has 20 bits for its position");
const _: () = assert!(STATE_VALUE_BYTES_MAX <= STEP_BYTES_MAX, "a value often becomes a step's result");
const _: () = assert!(EVENT_BYTES_MAX <= REQUEST_BYTES_MAX, "one event must fit into a request");
