//! Conversations with the step core: remembered results and user code in, a decoded outcome out.
//!
//! Each operation is tested new, suspended, replayed incomplete, replayed complete, failed, and failed and caught.
//! Nothing here needs a runtime: a future that is pending and that nobody woke has said all that it will say.

mod current_step;
mod faults;
mod fetch;
mod infer;
mod invoke;
mod journal;
mod middleware;
mod names;
mod parallel;
mod race;
mod replay;
mod run;
mod send_event;
mod send_signal;
mod sleep;
mod target;
mod wait_for_event;
mod wait_for_signal;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::{Call, Conversation, Execution, Journal, Operation, Outcome, Registered, StepId, StepResult, Turn};
use crate::error::{Error, StepError};
use crate::event::{EventData, ReceivedEvent};
use crate::function::FunctionResult;
use crate::step::Step;

/// What a driver remembers and asks for.
#[derive(Default)]
struct Given {
    remembered: Vec<(StepId, StepResult)>,
    call: Call,
}

/// A call of a run that has just started.
fn first() -> Given {
    Given::default()
}

impl Given {
    /// Remembers a good result; the order of these calls is the order in which the steps completed.
    fn remembers(mut self, step: &str, value: impl Serialize) -> Self {
        self.remembered.push((StepId::of(step), Ok(to_raw_value(&value).unwrap())));
        self
    }

    /// Remembers a step whose retries are spent.
    fn remembers_failure(mut self, step: &str, error: StepError) -> Self {
        self.remembered.push((StepId::of(step), Err(error)));
        self
    }

    fn targets(mut self, step: &str) -> Self {
        self.call.target = Some(StepId::of(step));
        self
    }

    fn without_immediate_execution(mut self) -> Self {
        self.call.disable_immediate_execution = true;
        self
    }

    /// Has the call, and fails the test when it never comes to an outcome.
    fn runs<F>(self, code: impl FnOnce(Step) -> F) -> Outcome
    where
        F: Future<Output: FunctionResult> + Send + 'static,
    {
        let asked = self.call;
        let live = self.lives(code);
        poll_to_rest(lead(live.execution, asked)).expect("the call hangs")
    }

    /// Starts the function for a driver that takes turns itself, as the embedded engine does.
    fn lives<F>(self, code: impl FnOnce(Step) -> F) -> Live
    where
        F: Future<Output: FunctionResult> + Send + 'static,
    {
        let journal = Journal::new(None, self.remembered);
        let future = code(Step::new(journal.clone()));
        Live { execution: Execution::new(journal, Box::pin(async move { future.await.encode() })) }
    }
}

/// A function between two turns.
struct Live {
    execution: Execution,
}

impl Live {
    /// Takes turns until the function is at rest, and returns them as one.
    fn turn(&mut self) -> Turn {
        let mut all = Turn::default();
        for _ in 0..1000 {
            let turn = self.execution.turn(&mut Context::from_waker(Waker::noop()));
            all.done = turn.done;
            all.registered.extend(turn.registered);
            all.ended.extend(turn.ended);
            all.abandoned.extend(turn.abandoned);
            if !turn.again {
                return all;
            }
        }
        panic!("the function never comes to rest");
    }

    fn grant(&self, step: &str) -> bool {
        self.execution.journal().grant(StepId::of(step))
    }

    fn complete(&self, step: &str, value: impl Serialize) {
        self.execution.journal().complete(StepId::of(step), Ok(to_raw_value(&value).unwrap()));
    }
}

/// Polls as long as the future wakes itself; `None` when it is pending and nobody will wake it.
fn poll_to_rest<F: Future>(future: F) -> Option<F::Output> {
    struct Flag(AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    let mut future = pin!(future);
    while flag.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

/// Leads a call to the outcome that an answer holds: a body that may run does.
async fn lead(execution: Execution, asked: Call) -> Outcome {
    let mut conversation = Conversation::new(execution, asked);
    loop {
        match conversation.next().await {
            Outcome::Execute(step) if matches!(step.operation, Operation::Run(_)) => conversation.grant(step.id),
            outcome => {
                conversation.respond();
                return outcome;
            }
        }
    }
}

// The matchers: each takes the one outcome that a test expects apart and shows any other.
impl Outcome {
    #[track_caller]
    fn done(self) -> Value {
        match self {
            Self::Done(Ok(value)) => serde_json::from_str(value.get()).unwrap(),
            other => panic!("not done: {other:?}"),
        }
    }

    #[track_caller]
    fn failed(self) -> Error {
        match self {
            Self::Done(Err(error)) => error,
            other => panic!("not failed: {other:?}"),
        }
    }

    /// The result of the one step that has ended.
    #[track_caller]
    fn step_ended(self, step: &str) -> Result<Value, Error> {
        match self {
            Self::Ended(ended) if ended.id == StepId::of(step) => {
                ended.result.map(|value| serde_json::from_str(value.get()).unwrap())
            }
            other => panic!("`{step}` has not ended: {other:?}"),
        }
    }

    /// The names of the planned steps.
    #[track_caller]
    fn planned(&self) -> Vec<&str> {
        match self {
            Self::Planned(steps) => names(steps),
            other => panic!("nothing planned: {other:?}"),
        }
    }

    /// What the one planned step asks for.
    #[track_caller]
    fn operation(self, step: &str) -> Operation {
        match self {
            Self::Planned(mut steps) if steps.len() == 1 && steps[0].name == step => steps.remove(0).operation,
            Self::Execute(asked) if asked.name == step => asked.operation,
            other => panic!("`{step}` is not planned: {other:?}"),
        }
    }

    #[track_caller]
    fn not_found(self) -> StepId {
        match self {
            Self::StepNotFound(id) => id,
            other => panic!("not a missing step: {other:?}"),
        }
    }
}

fn names(steps: &[Registered]) -> Vec<&str> {
    steps.iter().map(|step| step.name.as_str()).collect()
}

/// How often a body ran.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that must not run: its step is remembered, or another one is the target.
async fn never_runs() -> Result<u32, Error> {
    panic!("this body must not run")
}

async fn gives(value: u32) -> Result<u32, Error> {
    Ok(value)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Approved {
    by: String,
}

impl EventData for Approved {
    const NAME: &'static str = "test/change.approved";
}

/// The awaited event as a driver hands it back.
fn approved(data: Value) -> ReceivedEvent {
    ReceivedEvent {
        id: "e1".to_owned(),
        name: Approved::NAME.to_owned(),
        data: to_raw_value(&data).unwrap(),
        ts: 7,
        v: None,
    }
}
