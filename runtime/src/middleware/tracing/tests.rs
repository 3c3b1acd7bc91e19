//! The spans of a call, as a subscriber sees them.

use std::fmt::Debug;
use std::sync::Arc;
use std::task::{Context, Waker};

use ::tracing::field::{Field, Visit};
use ::tracing::span::{Attributes, Id, Record};
use ::tracing::subscriber::with_default;
use ::tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::*;
use crate::event::ReceivedEvent;
use crate::function::{Context as CallContext, FunctionFuture, RunId, RunInfo, Services};
use crate::middleware::{Input, MiddlewareStack};
use crate::protocol::{Execution, Journal};
use crate::step::Step;

/// Writes down spans as they close, and events, each with the names of the spans around it.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            // Times differ.
            "duration_ms" => self.0.push_str(" duration_ms"),
            name => self.0.push_str(&format!(" {name}={value:?}")),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: LayerContext<'_, S>) {
        values.record(context.span(id).unwrap().extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, context: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let scope =
            context.event_scope(event).map(|scope| scope.from_root().map(|span| span.name()).collect::<Vec<_>>());
        self.0.lock().unwrap().push(format!("event in {}:{}", scope.unwrap_or_default().join("/"), fields.0));
    }

    fn on_close(&self, id: Id, context: LayerContext<'_, S>) {
        let span = context.span(&id).unwrap();
        let parent = span.parent().map_or("", |parent| parent.name());
        let line = format!("{} in {parent}:{}", span.name(), span.extensions().get::<Fields>().unwrap().0);
        self.0.lock().unwrap().push(line);
    }
}

fn start(context: &CallContext) -> Result<FunctionFuture> {
    let step = Step::new(context.journal().clone());
    Ok(Box::pin(async move {
        ::tracing::info!("between steps");
        step.run("good", async {
            ::tracing::info!("in a step");
            Ok::<_, Error>("secret value".to_owned())
        })
        .await?;
        step.run("bad", async { Err::<(), _>(Error::terminal("boom").named("Oops")) }).await?;
        Ok(RawValue::NULL.to_owned())
    }))
}

#[test]
fn a_call_and_its_steps_are_spans_around_the_authors_code() {
    let capture = Capture::default();
    let subscriber = tracing_subscriber::registry().with(capture.clone());
    with_default(subscriber, || {
        let run = RunInfo { id: RunId(ulid::Ulid::nil()), function: "f", attempt: 2 };
        let event = ReceivedEvent {
            id: "1".to_owned(),
            name: "a/b".to_owned(),
            data: RawValue::NULL.to_owned(),
            ts: 0,
            v: None,
        };
        let input = Input { events: vec![Arc::new(event)], services: Services::default() };
        let stack = MiddlewareStack::default().with(Tracing);
        let info = CallInfo { run: &run, request: None };
        let mut execution = Execution::begin(start, &info, input, Journal::new(None, []), &stack);
        let mut context = Context::from_waker(Waker::noop());
        while !execution.turn(&mut context).registered.is_empty() {
            for id in ["good", "bad"].map(StepId::of) {
                if execution.journal().grant(id) {
                    let ended = execution.turn(&mut context).ended.remove(0);
                    execution.journal().complete(id, ended.result.map_err(Into::into));
                }
            }
        }
    });
    let call = "call in : function=\"f\" run=00000000000000000000000000 attempt=2";
    let expected = [
        "event in call: message=between steps",
        "event in call/step: message=in a step",
        "event in call/step: message=step ended duration_ms",
        "step in call: step=good kind=\"Run\" duration_ms outcome=ok",
        "event in call/step: message=step failed for good: boom duration_ms error=\"Oops\"",
        "step in call: step=bad kind=\"Run\" duration_ms outcome=failed for good",
        "event in call: message=function failed for good: boom duration_ms error=\"Oops\"",
        call,
    ];
    assert_eq!(*capture.0.lock().unwrap(), expected);
}
