//! The harness: a function, what it is given, and what its steps are answered.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::answer::{Answer, Fault};
use super::state::Held;
use super::subject::Subject;
use super::{Check, HarnessError, Report, TestClock, checks, drive};
use crate::error::{Error, StepError};
use crate::event::{Event, EventData, FunctionFailed, NewEvent, ReceivedEvent};
use crate::function::{Failure, FailureHandler, Function, FunctionRegistration, FunctionResult, RunId, Services};
use crate::outbound::FetchResponse;
use crate::step::{SignalDelivery, Step, UnixMillis};

/// Steps and attempts of one run when the test says nothing; an Inngest server allows as many steps.
const STEPS_MAX: usize = 1_000;

/// The real time that one run may take when the test says nothing; bodies with doubles take next to none.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Runs a durable function in process, without an engine, and checks that it survives failures.
///
/// Steps run for real, with the doubles that [`Harness::service`] gives. Sleeps end at once, by a clock of their own;
/// waits, invocations and requests are answered from the script, by the step's name (`approve:1` for a repeat). Each run starts
/// from a clean slate: its notifications, sent events and state are its own.
///
/// ```
/// use std::time::Duration;
/// use system_bus_runtime::{Error, step::Step, testing::Harness};
///
/// async fn greets(step: Step) -> Result<String, Error> {
///     let name = step.run("look-up", async { Ok::<_, Error>("Ada".to_owned()) }).await?;
///     step.sleep("pause", Duration::from_secs(3600)).await;
///     Ok(format!("hello {name}"))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let report = Harness::closure(greets).run().await;
/// assert_eq!(report.value::<String>().unwrap(), "hello Ada");
/// assert_eq!(report.steps, ["look-up", "pause"]);
///
/// Harness::closure(greets).check_all().await;
/// # }
/// ```
pub struct Harness {
    pub(super) subject: Subject,
    pub(super) services: Vec<Box<dyn Fn(Services) -> Services + Send + Sync>>,
    pub(super) state: Vec<(String, Held)>,
    pub(super) answers: BTreeMap<String, Answer>,
    pub(super) now: i64,
    pub(super) steps_max: usize,
    pub(super) time_limit: Duration,
    pub(super) varies: bool,
    events: Vec<NewEvent>,
    problem: Option<HarnessError>,
}

impl Harness {
    /// A harness for a linked function, by the type that `#[inngest_fn]` declares: `Harness::of::<my_function>()`.
    pub fn of<F: Function>() -> Self {
        Self::new(Subject::linked(F::ID))
    }

    /// A harness for a failure handler, by the type that `#[failure_handler]` declares:
    /// `Harness::failure_handler::<deploy_failed>()`. [`Harness::failure`] gives it the failure.
    pub fn failure_handler<H: FailureHandler>() -> Self {
        Self::new(Subject::failure_handler::<H>())
    }

    /// A harness for a function that need not be linked.
    pub fn registered(function: &'static FunctionRegistration) -> Self {
        Self::new(Subject::Registered(function))
    }

    /// A harness for code that needs nothing but steps.
    pub fn closure<F>(code: impl Fn(Step) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: FunctionResult> + Send + 'static,
    {
        Self::new(Subject::closure(code))
    }

    fn new(subject: Subject) -> Self {
        Self {
            subject,
            services: Vec::new(),
            state: Vec::new(),
            answers: BTreeMap::new(),
            now: TestClock::default().now(),
            steps_max: STEPS_MAX,
            time_limit: TIME_LIMIT,
            varies: false,
            events: Vec::new(),
            problem: None,
        }
    }

    /// Starts the run with this event; further events make a batch.
    ///
    /// Without any, a cron function gets the event of its timer, and every other one its first event with `{}` as data.
    #[must_use]
    pub fn event<T: EventData>(mut self, data: T) -> Self {
        let data = self.encode(T::NAME, &data);
        self.events.push(NewEvent::named(T::NAME, data));
        self
    }

    /// Starts the run with an event by name, for data that has no type or does not fit it.
    #[must_use]
    pub fn event_named(mut self, name: impl Into<String>, data: impl Serialize) -> Self {
        let name = name.into();
        let data = self.encode(&name, &data);
        self.events.push(NewEvent::named(name, data));
        self
    }

    /// Starts the run of a failure handler with this failure: `.failure(Failure::of(data, error))`.
    #[must_use]
    pub fn failure<T: EventData>(self, failure: Failure<T>) -> Self {
        let mut problem = None;
        let mut original = |event: &Event<T>| ReceivedEvent {
            id: event.id.clone(),
            name: event.name.clone(),
            data: to_raw_value(&event.data).unwrap_or_else(|error| {
                problem = Some(HarnessError::Encode { name: event.name.clone(), message: error.to_string() });
                Box::default()
            }),
            ts: event.ts,
            v: None,
        };
        let failed = FunctionFailed {
            function_id: failure.function.to_owned(),
            run_id: failure.run,
            error: failure.error,
            event: original(&failure.event),
            events: failure.events.iter().map(original).collect(),
        };
        let mut harness = self.event(failed);
        harness.problem = harness.problem.or(problem);
        harness
    }

    /// Gives the function a service, in place of any of the same type. All runs share it; see
    /// [`Harness::service_with`] for one that remembers what it did.
    #[must_use]
    pub fn service<T: Clone + Send + Sync + 'static>(self, service: T) -> Self {
        self.service_with(move || service.clone())
    }

    /// Gives the function a service that is made anew for each run.
    #[must_use]
    pub fn service_with<T: Clone + Send + Sync + 'static>(
        mut self,
        make: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.services.push(Box::new(move |services| services.with(make())));
        self
    }

    /// Sets a value of the state before each run.
    #[must_use]
    pub fn state(mut self, key: impl Into<String>, value: &impl Serialize) -> Self {
        let key = key.into();
        let value = self.text(&key, value);
        self.state.push((key, Held::Value(value)));
        self
    }

    /// Sets a list of the state before each run.
    #[must_use]
    pub fn state_list<T: Serialize>(mut self, key: impl Into<String>, items: impl IntoIterator<Item = T>) -> Self {
        let key = key.into();
        let items = items.into_iter().map(|item| self.text(&key, &item)).collect();
        self.state.push((key, Held::List(items)));
        self
    }

    /// Sets a set of the state before each run.
    #[must_use]
    pub fn state_set<T: Into<String>>(mut self, key: impl Into<String>, members: impl IntoIterator<Item = T>) -> Self {
        self.state.push((key.into(), Held::Set(members.into_iter().map(Into::into).collect())));
        self
    }

    /// Sets a hash of the state before each run.
    #[must_use]
    pub fn state_hash<F: Into<String>, T: Serialize>(
        mut self,
        key: impl Into<String>,
        entries: impl IntoIterator<Item = (F, T)>,
    ) -> Self {
        let key = key.into();
        let entries = entries.into_iter().map(|(field, value)| (field.into(), self.text(&key, &value))).collect();
        self.state.push((key, Held::Hash(entries)));
        self
    }

    /// Starts each run at this time; the state's expiry and the notifications go by it.
    #[must_use]
    pub fn now(mut self, time: impl Into<UnixMillis>) -> Self {
        self.now = time.into().0;
        self
    }

    /// Answers a wait with an event, or with its time-out.
    #[must_use]
    pub fn answer_wait<T: EventData>(mut self, step: impl Into<String>, data: Option<T>) -> Self {
        let step = step.into();
        let answer = data.map_or(Answer::TimesOut, |data| Answer::Arrives(self.encode(&step, &data)));
        self.script(step, answer)
    }

    /// Answers a wait with an event whose data may not fit its type.
    #[must_use]
    pub fn answer_wait_with(mut self, step: impl Into<String>, data: impl Serialize) -> Self {
        let step = step.into();
        let answer = Answer::Arrives(self.encode(&step, &data));
        self.script(step, answer)
    }

    /// Answers an invocation with the other function's output.
    #[must_use]
    pub fn answer_invoke(mut self, step: impl Into<String>, output: impl Serialize) -> Self {
        let step = step.into();
        let answer = Answer::Ends(Ok(self.encode(&step, &output)));
        self.script(step, answer)
    }

    /// Answers a wait for a signal with what was sent with it.
    #[must_use]
    pub fn answer_signal(mut self, step: impl Into<String>, data: impl Serialize) -> Self {
        let step = step.into();
        let answer = Answer::Arrives(self.encode(&step, &data));
        self.script(step, answer)
    }

    /// Lets this run receive the signal that a step sends; nobody does when nothing is said.
    #[must_use]
    pub fn answer_send_signal(mut self, step: impl Into<String>, receiver: RunId) -> Self {
        let step = step.into();
        let answer = Answer::Ends(Ok(self.encode(&step, &SignalDelivery { run_id: Some(receiver) })));
        self.script(step, answer)
    }

    /// Answers a `fetch`; see [`Report::fetched`] for what was asked.
    #[must_use]
    pub fn answer_fetch(mut self, step: impl Into<String>, response: FetchResponse) -> Self {
        let step = step.into();
        let answer = Answer::Ends(Ok(self.encode(&step, &response)));
        self.script(step, answer)
    }

    /// Answers an `infer` with the provider's answer; see [`Report::inferred`] for what was asked.
    #[must_use]
    pub fn answer_infer(mut self, step: impl Into<String>, answer: impl Serialize) -> Self {
        let step = step.into();
        let answer = Answer::Ends(Ok(self.encode(&step, &answer)));
        self.script(step, answer)
    }

    /// Lets the time-out of a wait or an invocation pass.
    #[must_use]
    pub fn time_out(self, step: impl Into<String>) -> Self {
        self.script(step.into(), Answer::TimesOut)
    }

    /// Fails a step, retries and all: the other function of an invocation, the body of a `run`, which does not run.
    #[must_use]
    pub fn fail_step(self, step: impl Into<String>, error: impl Into<Error>) -> Self {
        self.script(step.into(), Answer::Ends(Err(StepError::from(error.into()))))
    }

    /// Makes the body of a step one that never ends, for races and for the step's own time-out.
    #[must_use]
    pub fn hang_step(self, step: impl Into<String>) -> Self {
        self.script(step.into(), Answer::Hangs)
    }

    /// Allows outputs and step names that differ from run to run, as those that hold times or random values do: the
    /// checks then compare only what was sent.
    #[must_use]
    pub fn varies(mut self) -> Self {
        self.varies = true;
        self
    }

    /// Allows a run this many steps and attempts, 1,000 when not given.
    #[must_use]
    pub fn steps_max(mut self, steps: usize) -> Self {
        self.steps_max = steps;
        self
    }

    /// Allows a run this much real time, 10 s when not given.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Runs the function once.
    ///
    /// # Panics
    /// When the run does not come to an end, asks for an answer that the script does not have, or succeeds and leaves
    /// one unused.
    pub async fn run(&self) -> Report {
        self.try_run().await.unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// Runs the function once; an error is a problem of the test, and the function's own is in the report.
    pub async fn try_run(&self) -> Result<Report, HarnessError> {
        drive::run(self, Fault::None).await
    }

    /// Checks that the function succeeds.
    ///
    /// # Panics
    /// When it does not; as the other checks do.
    pub async fn succeeds(&self) {
        self.check(Check::Succeeds).await;
    }

    /// Checks that each step may fail: an attempt that can be repeated changes nothing, and a step that fails for good
    /// ends the run or is handled.
    pub async fn every_step_may_fail(&self) {
        self.check(Check::EveryStepMayFail).await;
    }

    /// Checks that each step may run twice, as it does when the worker dies before the result is stored: what is sent
    /// stays the same.
    pub async fn every_step_may_run_twice(&self) {
        self.check(Check::EveryStepMayRunTwice).await;
    }

    /// Checks that the run goes on after a crash behind each step: it comes to the same end, and no finished step runs
    /// again.
    pub async fn resumes_after_a_crash_at_every_point(&self) {
        self.check(Check::ResumesAfterACrashAtEveryPoint).await;
    }

    /// Does the four checks; each function's tests call it.
    pub async fn check_all(&self) {
        for check in Check::ALL {
            self.check(check).await;
        }
    }

    async fn check(&self, check: Check) {
        if let Err(problem) = self.try_check(check).await {
            panic!("{problem}");
        }
    }

    /// Does one check; the error says which step it is about.
    pub async fn try_check(&self, check: Check) -> Result<(), HarnessError> {
        checks::check(self, check).await
    }

    fn script(mut self, step: String, answer: Answer) -> Self {
        self.answers.insert(step, answer);
        self
    }

    /// A builder cannot fail halfway through its chain: the first problem is reported by the run.
    fn encode(&mut self, name: &str, data: &impl Serialize) -> Box<RawValue> {
        to_raw_value(data).unwrap_or_else(|error| {
            let problem = HarnessError::Encode { name: name.to_owned(), message: error.to_string() };
            self.problem.get_or_insert(problem);
            Box::default()
        })
    }

    fn text(&mut self, name: &str, data: &impl Serialize) -> String {
        self.encode(name, data).get().to_owned()
    }

    /// Whether the harness was set up well.
    pub(super) fn ready(&self) -> Result<(), HarnessError> {
        self.problem.clone().or_else(|| self.subject.problem()).map_or(Ok(()), Err)
    }

    /// The events that start a run, as the engine hands them over.
    pub(super) fn received(&self) -> Vec<Arc<ReceivedEvent>> {
        let default = [self.subject.event()];
        let events = if self.events.is_empty() { &default[..] } else { &self.events[..] };
        let received = events.iter().enumerate().map(|(position, event)| {
            let id = format!("event-{position}");
            Arc::new(ReceivedEvent { id, name: event.name.clone(), data: event.data.clone(), ts: self.now, v: None })
        });
        received.collect()
    }
}
