//! When the engine calls the hooks that the step core leaves to it.

use std::sync::{Arc, Mutex};

use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::middleware::{CallInfo, CallMiddleware, Middleware, MiddlewareStack, Sent};
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

use super::{Bench, HoldRequested, start, wait};
use crate::{Config, Engine, RunStatus, SendError};

/// Asks for an event.
#[event("real/relay.requested")]
struct RelayRequested {}

/// Was asked for.
#[event("real/relay.sent")]
struct RelaySent {}

/// Sends an event.
#[inngest_fn(id = "real-relay", event = RelayRequested)]
async fn real_relay(step: Step) -> Result<()> {
    step.send_event("send", RelaySent {}).await?;
    Ok(())
}

#[derive(Clone, Default)]
struct Recorder {
    log: Arc<Mutex<Vec<String>>>,
    refuses: bool,
}

impl Recorder {
    fn count(&self, line: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|logged| *logged == line).count()
    }
}

impl Middleware for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn begin(&self, call: &CallInfo<'_>) -> Option<Box<dyn CallMiddleware>> {
        assert!(call.request.is_none());
        Some(Box::new(self.clone()))
    }

    fn before_send(&self, events: &mut Vec<NewEvent>) -> Result<()> {
        self.log.lock().unwrap().push(format!("before {}", events[0].name));
        if self.refuses { Err(Error::terminal("no")) } else { Ok(()) }
    }

    fn after_send(&self, sent: &Sent) {
        assert!(sent.error.is_none());
        self.log.lock().unwrap().push(format!("after {}", sent.ids.len()));
    }
}

impl CallMiddleware for Recorder {
    fn before_response(&self) {
        self.log.lock().unwrap().push("response".to_owned());
    }
}

fn open(directory: &std::path::Path, bench: &Bench, recorder: &Recorder) -> Engine {
    let config = Config { directory: directory.to_owned() };
    let services = Services::default().with(bench.clone());
    let stack = MiddlewareStack::default().with(recorder.clone());
    Engine::open_with(&config, &Registry::linked(), services, stack).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_before_and_after_they_are_sent_by_whomever() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::default();
    let engine = open(directory.path(), &Bench::default(), &recorder);
    let run = start(&engine, &RelayRequested {}).await;
    wait(&engine, run, |detail| detail.run.status == RunStatus::Completed).await;
    // The run may end before its sender has come to hear that the event is durable.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while recorder.count("after 1") < 2 {
        assert!(std::time::Instant::now() < deadline, "{:?}", recorder.log.lock().unwrap());
        tokio::task::yield_now().await;
    }
    for line in ["before real/relay.requested", "before real/relay.sent", "response"] {
        assert_eq!(recorder.count(line), 1, "{line}");
    }
    assert_eq!(recorder.count("after 1"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_is_not_taken_in() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder { refuses: true, ..Recorder::default() };
    let engine = open(directory.path(), &Bench::default(), &recorder);
    let event = NewEvent::new(&RelayRequested {}).unwrap();
    assert_eq!(engine.send(vec![event]).await, Err(SendError::Refused));
    assert!(engine.events(None, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_residence_that_is_ended_from_outside_responds() {
    let directory = tempfile::tempdir().unwrap();
    let (bench, recorder) = (Bench::default(), Recorder::default());
    let engine = open(directory.path(), &bench, &recorder);
    let run = start(&engine, &HoldRequested {}).await;
    bench.entered.notified().await;
    engine.cancel(run).await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while recorder.count("response") == 0 {
        assert!(std::time::Instant::now() < deadline, "the residence has not responded");
        tokio::task::yield_now().await;
    }
    assert_eq!(recorder.count("response"), 1);
}
