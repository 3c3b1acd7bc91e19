//! Middleware: which hook is called when, and what becomes of one that fails.

use std::sync::Mutex;

use serde_json::json;
use serde_json::value::RawValue;

use super::*;
use crate::error::Result;
use crate::event::NewEvent;
use crate::function::{Context as CallContext, RunId, RunInfo, Services};
use crate::middleware::{CallInfo, CallMiddleware, Input, Middleware, MiddlewareStack, StepInfo};

/// What the hooks have seen, in order.
type Log = Arc<Mutex<Vec<String>>>;

/// Writes down each hook, and fails or panics in one if it is told to.
#[derive(Clone, Default)]
struct Recorder {
    name: &'static str,
    log: Log,
    fails_in: Option<&'static str>,
    panics_in: Option<&'static str>,
}

impl Recorder {
    fn note(&self, hook: &str, detail: &str) -> Result<()> {
        let name = if self.name.is_empty() { String::new() } else { format!("{}:", self.name) };
        self.log.lock().unwrap().push(format!("{name}{hook}{detail}"));
        if self.panics_in == Some(hook) {
            panic!("a bug in {hook}");
        }
        if self.fails_in == Some(hook) { Err(Error::terminal("no").named("Refused")) } else { Ok(()) }
    }
}

fn detail(step: Option<&StepInfo>) -> String {
    step.map_or_else(|| " function".to_owned(), |step| format!(" {}", step.name))
}

impl Middleware for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn begin(&self, call: &CallInfo<'_>) -> Option<Box<dyn CallMiddleware>> {
        assert_eq!(call.run.function, "f");
        let _ = self.note("begin", "").is_ok();
        Some(Box::new(self.clone()))
    }

    fn before_send(&self, events: &mut Vec<NewEvent>) -> Result<()> {
        self.note("before_send", &format!(" {}", events.len()))
    }
}

impl CallMiddleware for Recorder {
    fn transform_input(&self, input: &mut Input) -> Result<()> {
        input.provide(Provided(7));
        self.note("transform_input", "")
    }

    fn transform_memoized(&self, step: &StepInfo, _: &mut StepResult) -> Result<()> {
        self.note("transform_memoized", &detail(Some(step)))
    }

    fn after_memoization(&self) {
        let _ = self.note("after_memoization", "");
    }

    fn before_execution(&self) {
        let _ = self.note("before_execution", "");
    }

    fn transform_operation(&self, step: &StepInfo, _: &mut Operation) -> Result<()> {
        self.note("transform_operation", &detail(Some(step)))
    }

    fn after_execution(&self) {
        let _ = self.note("after_execution", "");
    }

    fn transform_output(&self, step: Option<&StepInfo>, _: &mut Result<Box<RawValue>>) -> Result<()> {
        self.note("transform_output", &detail(step))
    }

    fn before_response(&self) {
        let _ = self.note("before_response", "");
    }
}

#[derive(Clone, Copy)]
struct Provided(u32);

impl Given {
    /// Begins the call of a function `f` within middleware.
    fn begins<F>(self, stack: &MiddlewareStack, code: impl FnOnce(Step, CallContext) -> F) -> Live
    where
        F: Future<Output: FunctionResult> + Send + 'static,
    {
        let journal = Journal::new(None, self.remembered);
        let run = RunInfo { id: RunId(ulid::Ulid::nil()), function: "f", attempt: 0 };
        let info = CallInfo { run: &run, request: None };
        let input = Input { events: vec![Arc::new(approved(json!({"by": "me"})))], services: Services::default() };
        let call = |context: &CallContext| -> Result<crate::function::FunctionFuture> {
            let future = code(Step::new(context.journal().clone()), context.clone());
            Ok(Box::pin(async move { future.await.encode() }))
        };
        Live { execution: Execution::begin(call, &info, input, journal, stack) }
    }

    /// The hooks of one request.
    fn hooks(self, recorder: &Recorder) -> (Outcome, Vec<String>) {
        let asked = self.call;
        let live = self.begins(&MiddlewareStack::default().with(recorder.clone()), three_steps);
        let outcome = poll_to_rest(lead(live.execution, asked)).expect("the call hangs");
        let log = recorder.log.lock().unwrap().clone();
        (outcome, log)
    }
}

async fn three_steps(step: Step, _: CallContext) -> Result<u32> {
    let mut sum = 0;
    for name in ["a", "b", "c"] {
        sum += step.run(name, gives(1)).await?;
    }
    Ok(sum)
}

#[test]
fn each_hook_comes_once_and_in_order() {
    let memoized = |names: &[&str]| names.iter().map(|name| format!("transform_memoized {name}")).collect::<Vec<_>>();
    let ends = |output: &str| vec!["after_execution".to_owned(), output.to_owned(), "before_response".to_owned()];
    let failure = StepError::new("Error", "boom");
    let all = || first().remembers("a", 1).remembers("b", 1).remembers("c", 1);
    let ran = |step: &str| vec![format!("transform_operation {step}")];
    // Conversation, remembered steps that reach the function, what new code does, how it ends.
    let table = [
        (first(), memoized(&[]), ran("a"), ends("transform_output a")),
        (first().remembers("a", 1), memoized(&["a"]), ran("b"), ends("transform_output b")),
        (all(), memoized(&["a", "b", "c"]), vec![], ends("transform_output function")),
        (first().remembers_failure("a", failure), memoized(&["a"]), vec![], ends("transform_output function")),
        (
            first().without_immediate_execution(),
            memoized(&[]),
            ran("a"),
            vec!["after_execution".to_owned(), "before_response".to_owned()],
        ),
        (first().targets("a"), memoized(&[]), ran("a"), ends("transform_output a")),
        // The code has changed: a result is left that no step asks for.
        (first().remembers("gone", 1), memoized(&[]), ran("a"), ends("transform_output a")),
    ];
    for (index, (conversation, memoized, code, end)) in table.into_iter().enumerate() {
        let (_, log) = conversation.hooks(&Recorder::default());
        let start = ["begin", "transform_input"].map(str::to_owned).to_vec();
        let middle = ["after_memoization", "before_execution"].map(str::to_owned).to_vec();
        assert_eq!(log, [start, memoized, middle, code, end].concat(), "row {index}");
    }
}

#[test]
fn a_function_that_ends_before_its_memory_keeps_the_order() {
    let recorder = Recorder::default();
    let stack = MiddlewareStack::default().with(recorder.clone());
    let early = first().remembers("a", 1).begins(&stack, |_, _| async { Ok::<_, Error>(1) });
    let mut early = early;
    assert!(early.turn().done.is_some());
    let expected =
        ["after_memoization", "before_execution", "after_execution", "transform_output function", "before_response"];
    assert_eq!(recorder.log.lock().unwrap()[2..], expected);
}

/// The embedded engine's way: the call goes on with each stored result.
#[test]
fn a_call_that_goes_on_has_a_stretch_for_each_output() {
    let recorder = Recorder::default();
    let stack = MiddlewareStack::default().with(recorder.clone());
    let mut live = first().remembers("a", 1).begins(&stack, three_steps);
    for step in ["b", "c"] {
        assert_eq!(names(&live.turn().registered), [step]);
        live.grant(step);
        assert_eq!(live.turn().ended.len(), 1);
        live.complete(step, 1);
    }
    assert!(live.turn().done.is_some());
    live.execution.respond();
    let expected = "begin transform_input transform_memoized a after_memoization \
        before_execution transform_operation b after_execution transform_output b \
        before_execution transform_memoized b transform_operation c after_execution transform_output c \
        before_execution transform_memoized c after_execution transform_output function before_response";
    assert_eq!(recorder.log.lock().unwrap().join(" "), expected);
}

#[test]
fn a_residence_that_ends_early_responds_once() {
    let recorder = Recorder::default();
    let mut live = first().begins(&MiddlewareStack::default().with(recorder.clone()), three_steps);
    live.turn();
    live.execution.respond();
    live.execution.respond();
    let log = recorder.log.lock().unwrap();
    assert_eq!(log[4..], ["transform_operation a", "after_execution", "before_response"]);
}

#[test]
fn values_pass_the_layers_from_outside_in_and_back() {
    let log = Log::default();
    let layer = |name| Recorder { name, log: log.clone(), ..Recorder::default() };
    let stack = MiddlewareStack::default().with(layer("1")).with(layer("2"));
    let mut live = first().remembers("a", 1).begins(&stack, |step: Step, _| async move {
        step.run("a", gives(1)).await?;
        step.send_event("s", Approved { by: "me".to_owned() }).await?;
        Ok::<_, Error>(())
    });
    live.turn();
    live.complete("s", ["id"]);
    live.turn();
    let of = |hook: &str| {
        let log = log.lock().unwrap();
        log.iter().filter(|line| line.contains(hook)).map(|line| line[..1].to_owned()).collect::<String>()
    };
    for inwards in ["begin", "transform_input", "transform_memoized a", "after_memoization", "before_response"] {
        assert_eq!(of(inwards), "12", "{inwards}");
    }
    for outwards in ["transform_operation s", "before_send 1", "transform_output function"] {
        assert_eq!(of(outwards), "21", "{outwards}");
    }
}

#[test]
fn the_context_has_what_a_middleware_adds() {
    let stack = MiddlewareStack::default().with(Recorder::default());
    let mut live = first().begins(&stack, |_, context| async move { Ok::<_, Error>(context.service::<Provided>()?.0) });
    assert_eq!(live.turn().done.unwrap().unwrap().get(), "7");
}

#[test]
fn a_hook_that_fails_fails_the_step_or_the_call() {
    let hooks = ["transform_input", "transform_memoized", "transform_operation", "transform_output"];
    for hook in hooks {
        let recorder = Recorder { fails_in: Some(hook), ..Recorder::default() };
        let (outcome, log) = first().remembers("a", 1).hooks(&recorder);
        let error = match hook {
            "transform_output" => outcome.step_ended("b").unwrap_err(),
            _ => outcome.failed(),
        };
        assert_eq!((error.name(), error.message()), ("Refused", "middleware `recorder`: no"), "{hook}");
        assert!(!error.is_retryable());
        assert_eq!(log.last().unwrap(), "before_response", "{hook}");
    }
}

#[test]
fn a_hook_that_panics_is_an_error_like_any_other() {
    let hooks = [
        "transform_input",
        "transform_memoized",
        "after_memoization",
        "before_execution",
        "transform_operation",
        "after_execution",
        "transform_output",
    ];
    for hook in hooks {
        let recorder = Recorder { panics_in: Some(hook), ..Recorder::default() };
        let (outcome, log) = first().remembers("a", 1).hooks(&recorder);
        let error = match outcome {
            Outcome::Done(Err(error)) => error,
            Outcome::Ended(ended) if hook.ends_with("output") => ended.result.unwrap_err(),
            // The body's result is as good as before; it leaves.
            Outcome::Ended(_) if hook == "after_execution" => continue,
            other => panic!("{hook}: {other:?}"),
        };
        assert_eq!(error.name(), "PanicError", "{hook}");
        assert!(error.message().contains(&format!("middleware `recorder` panicked: a bug in {hook}")), "{error}");
        assert_eq!(log.iter().filter(|line| **line == "before_response").count(), 1, "{hook}");
    }
}

/// Swallows polls, or repeats them, as a middleware with a bug may.
struct Polls(usize);

impl Middleware for Polls {
    fn name(&self) -> &'static str {
        "polls"
    }

    fn begin(&self, _: &CallInfo<'_>) -> Option<Box<dyn CallMiddleware>> {
        Some(Box::new(Self(self.0)))
    }
}

impl CallMiddleware for Polls {
    fn around_poll(&self, _: Option<&StepInfo>, poll: &mut dyn FnMut()) {
        for _ in 0..self.0 {
            poll();
        }
    }
}

#[test]
fn a_poll_takes_place_once_whatever_the_hook_does() {
    for polls in [0, 1, 3] {
        let count = Count::default();
        let inner = count.clone();
        let mut live = first().begins(&MiddlewareStack::default().with(Polls(polls)), |step: Step, _| async move {
            let body = async {
                inner.add();
                Ok::<_, Error>(1)
            };
            step.run("a", body).await.map_err(Error::from)
        });
        live.turn();
        live.grant("a");
        assert_eq!(live.turn().ended.len(), 1);
        assert_eq!(count.get(), 1, "{polls}");
    }
}
