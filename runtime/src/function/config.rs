//! The static description of a function: what its attribute says and what its body holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Batch, CancelOn, Concurrency, Debounce, Priority, RateLimit, Singleton, Throttle, Timeouts, Trigger};

/// All that `#[inngest_fn(…)]` declares, and the steps found in the body.
///
/// Macro output builds it from [`FunctionConfig::new`] by assigning fields, so that a new field with a default needs no
/// change there.
#[derive(Clone, Debug)]
pub struct FunctionConfig {
    /// The unique id, kebab-case; may hold `/`.
    pub id: &'static str,
    /// The name for people; the id when absent.
    pub name: Option<&'static str>,
    /// The doc comment.
    pub doc: &'static str,
    /// The deployment it belongs to.
    pub role: Role,
    /// What starts it; at least one, at most ten.
    pub triggers: &'static [Trigger],
    /// How often a failed step is tried again, 1 to 20.
    pub retries: Option<u8>,
    /// At most two limits on steps that execute at the same time.
    pub concurrency: &'static [Concurrency],
    /// Spreads starts over time; late ones wait.
    pub throttle: Option<Throttle>,
    /// Drops starts beyond a rate.
    pub rate_limit: Option<RateLimit>,
    /// Waits until events stop coming.
    pub debounce: Option<Debounce>,
    /// Collects events into one run.
    pub batch: Option<Batch>,
    /// Moves a run forward or back in the queue.
    pub priority: Option<Priority>,
    /// At most one run at a time.
    pub singleton: Option<Singleton>,
    /// An expression; within 24 hours at most one run for each of its values.
    pub idempotency: Option<&'static str>,
    /// Events that cancel a run; at most five.
    pub cancel_on: &'static [CancelOn],
    /// How long a run may wait to start and may take.
    pub timeouts: Option<Timeouts>,
    /// What runs when a run has failed for good.
    pub on_failure: Option<OnFailure>,
    /// When step results are sent to a server while the function goes on; the worker's default when absent.
    pub checkpoint: Option<Checkpoint>,
    /// The steps found in the body, in source order.
    pub steps: &'static [StepSite],
}

impl FunctionConfig {
    /// A function with one id and nothing else said.
    pub const fn new(id: &'static str) -> Self {
        Self {
            id,
            name: None,
            doc: "",
            role: Role::Any,
            triggers: &[],
            retries: None,
            concurrency: &[],
            throttle: None,
            rate_limit: None,
            debounce: None,
            batch: None,
            priority: None,
            singleton: None,
            idempotency: None,
            cancel_on: &[],
            timeouts: None,
            on_failure: None,
            checkpoint: None,
            steps: &[],
        }
    }

    /// What the id of a failure handler's function has behind that of the failed one, as the TypeScript SDK has it.
    pub const FAILURE_SUFFIX: &'static str = "-failure";

    /// The id of the function whose failures this one handles, when `on_failure` has made it.
    pub fn failure_of(&self) -> Option<&'static str> {
        self.triggers.iter().find_map(|trigger| match trigger {
            Trigger::Failure { function } => Some(*function),
            Trigger::Event { .. } | Trigger::Cron { .. } => None,
        })
    }

    /// Attempts in all before a step, or the code between steps, has failed for good: `retries` and the first one.
    pub fn attempts_max(&self) -> u32 {
        self.retries.map_or(ATTEMPTS_DEFAULT, |retries| u32::from(retries) + 1)
    }
}

/// Attempts in all when `retries` is not given, as an Inngest server has it (`pkg/consts`, `DefaultRetryCount`).
const ATTEMPTS_DEFAULT: u32 = 4;

/// The deployment a function belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The machine with the operator's files and programs.
    Host,
    /// The cluster.
    Cluster,
    /// Either of them.
    Any,
}

/// The companion that `on_failure` names. It is a function of its own, with its own steps and retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnFailure {
    /// The path in the attribute, as written.
    pub path: &'static str,
    /// The id of the function that it makes: the failed one's with [`FunctionConfig::FAILURE_SUFFIX`].
    pub id: &'static str,
}

/// How eagerly step results are sent to a server while the function goes on (`SDK_SPEC.md` §10.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Steps held back before they are sent together: 1 sends each one, 0 sends none, which turns checkpoints off.
    pub buffered_steps: u32,
    /// The longest time a result is held back.
    pub max_interval: Option<Duration>,
    /// The longest time one call may go on before it yields.
    pub max_runtime: Option<Duration>,
}

impl Checkpoint {
    /// No checkpoints: each step's result is the answer to one call.
    pub const OFF: Self = Self::buffering(0);
    /// Every step's result is sent before the next step starts.
    pub const SAFE: Self = Self::buffering(1);
    /// Results are sent after three steps, or after three seconds.
    pub const BLENDED: Self = Self { max_interval: Some(Duration::from_secs(3)), ..Self::buffering(3) };
    /// Up to a thousand results are sent together: the fastest, and a crash repeats the most.
    pub const PERFORMANT: Self = Self::buffering(1_000);

    const fn buffering(steps: u32) -> Self {
        Self { buffered_steps: steps, max_interval: None, max_runtime: None }
    }

    /// Whether no step is sent while the function goes on.
    pub fn is_off(&self) -> bool {
        self.buffered_steps == 0
    }
}

/// One step found in a function's body.
#[derive(Clone, Copy, Debug)]
pub struct StepSite {
    /// The name; for a computed one the pattern, such as `embed-{id}`, or `{…}` when nothing of it is literal.
    pub name: &'static str,
    /// What the step does.
    pub kind: StepKind,
    /// The line in the source file.
    pub line: u32,
    /// Whether it stands in a loop or a closure.
    pub repeated: bool,
    /// The events it sends or awaits, as far as the source shows them; `None` for a type that is no event.
    pub events: &'static [fn() -> Option<&'static str>],
    /// The id of the invoked function.
    pub invokes: Option<fn() -> &'static str>,
    /// The `if` expression of a wait.
    pub expression: Option<&'static str>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Runs code and remembers its result.
    Run,
    /// Waits for a duration or until a time.
    Sleep,
    /// Waits for an event.
    WaitForEvent,
    /// Waits for a signal.
    WaitForSignal,
    /// Sends a signal.
    SendSignal,
    /// Sends events.
    SendEvent,
    /// Calls another function and waits for its result.
    Invoke,
    /// An HTTP request made by the engine.
    Fetch,
    /// A model call made by the engine.
    Infer,
}
