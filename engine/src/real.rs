//! The engine as a program sees it: a real directory, real tasks, real time. What needs no real time is in `sim`.

mod encryption;
mod inbox;
mod middleware;
mod notifications;
mod outbound;
mod signals;
mod state;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::{Context, RunId, Services};
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;
use tokio::sync::Notify;

use crate::{Config, Engine, RunDetail, RunFilter, RunStatus, SendError};

/// Asks for a step that takes too long.
#[event("real/timeout.requested")]
struct TimeoutRequested {}

/// Asks for a step that waits for the test.
#[event("real/hold.requested")]
struct HoldRequested {}

/// Asks for a function whose extractor panics.
#[event("real/panic.requested")]
struct PanicRequested {}

/// Asks for notifications and state.
#[event("real/services.requested")]
struct ServicesRequested {}

/// What a test shares with its functions.
#[derive(Clone, Default)]
struct Bench {
    entered: Arc<Notify>,
    release: Arc<Notify>,
    executions: Arc<AtomicU32>,
}

impl FromContext for Bench {
    fn from_context(context: &Context) -> Result<Self> {
        context.service()
    }
}

struct Panicking;

impl FromContext for Panicking {
    fn from_context(_: &Context) -> Result<Self> {
        panic!("no such thing")
    }
}

/// Fails when its step takes too long.
#[inngest_fn(id = "real-timeout", event = TimeoutRequested)]
async fn real_timeout(step: Step) -> Result<String> {
    let slow = step
        .run("slow", async {
            std::future::pending::<()>().await;
            Ok::<_, Error>(())
        })
        .retries(0)
        .timeout(Duration::from_millis(10))
        .await;
    match slow {
        Err(error) if error.is_timeout() => Ok("too late".to_owned()),
        other => Ok(format!("{other:?}")),
    }
}

/// Holds a step until the test lets it go.
#[inngest_fn(id = "real-hold", event = HoldRequested)]
async fn real_hold(step: Step, bench: Bench) -> Result<u32> {
    for name in ["first", "second"] {
        step.run(format!("{name}-held"), async {
            bench.executions.fetch_add(1, Ordering::SeqCst);
            bench.entered.notify_one();
            bench.release.notified().await;
            Ok::<_, Error>(())
        })
        .await?;
    }
    Ok(2)
}

/// Never gets its parameter.
#[inngest_fn(id = "real-panic", event = PanicRequested, retries = 1)]
async fn real_panic(_panicking: Panicking) -> Result<()> {
    Ok(())
}

/// Notifies twice with the same words, counts with state.
#[inngest_fn(id = "real-services", event = ServicesRequested)]
async fn real_services(step: Step, gateway: Gateway, state: State) -> Result<Vec<bool>> {
    step.run("notify", async {
        gateway.notify("real.happened", serde_json::json!({"n": 1})).await?;
        gateway.notify("real.happened", serde_json::json!({"n": 1})).await
    })
    .await?;
    step.run("claim", async {
        let first = state.set_if_absent("claim", &1, None).await?;
        let second = state.set_if_absent("claim", &2, None).await?;
        let kept = state.get::<u32>("claim").await? == Some(1);
        let removed = state.remove("claim").await?;
        Ok::<_, Error>(vec![first, second, kept, removed])
    })
    .await
    .map_err(Error::from)
}

fn open(directory: &Path, bench: &Bench) -> Engine {
    let config = Config { directory: directory.to_owned() };
    Engine::open(&config, &Registry::linked(), Services::default().with(bench.clone())).unwrap()
}

async fn start<T: EventData>(engine: &Engine, data: &T) -> RunId {
    let accepted = engine.send(vec![NewEvent::new(data).unwrap()]).await.unwrap();
    let runs = engine.event_runs(accepted[0].id.to_string()).await.unwrap().unwrap();
    runs[0].run_id.parse().unwrap()
}

/// Waits until a run is as wanted.
async fn wait(engine: &Engine, run: RunId, wanted: impl Fn(&RunDetail) -> bool) -> RunDetail {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let detail = engine.run(run).await.unwrap().unwrap();
        if wanted(&detail) {
            return detail;
        }
        assert!(std::time::Instant::now() < deadline, "{detail:#?}");
        tokio::task::yield_now().await;
    }
}

fn output(detail: &RunDetail) -> Value {
    detail.run.output.as_ref().map(|output| serde_json::from_str(output.get()).unwrap()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_takes_too_long_fails_with_a_time_out() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Bench::default());
    let run = start(&engine, &TimeoutRequested {}).await;
    let detail = wait(&engine, run, |detail| detail.run.status == RunStatus::Completed).await;
    assert_eq!(output(&detail), "too late");
    assert_eq!(detail.step_details[0].status, "Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_executing_step_end_and_the_rest_goes_on_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    let run = start(&engine, &HoldRequested {}).await;
    bench.entered.notified().await;
    {
        let mut stopping = std::pin::pin!(engine.stop(Duration::from_secs(30)));
        assert!(futures::poll!(&mut stopping).is_pending());
        // The stop has been sent; what is answered after it was handled after it.
        engine.send(vec![NewEvent::new(&TimeoutRequested {}).unwrap()]).await.unwrap();
        bench.release.notify_one();
        stopping.await;
    }
    assert!(!engine.is_available());
    drop(engine);

    let engine = open(directory.path(), &bench);
    bench.entered.notified().await;
    bench.release.notify_one();
    wait(&engine, run, |detail| detail.run.status == RunStatus::Completed).await;
    assert_eq!(bench.executions.load(Ordering::SeqCst), 2, "no finished step runs again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_longer_than_its_grace() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    start(&engine, &HoldRequested {}).await;
    bench.entered.notified().await;
    engine.stop(Duration::from_millis(1)).await;
    assert!(!engine.is_available());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extractor_that_panics_fails_the_attempt_and_not_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Bench::default());
    let run = start(&engine, &PanicRequested {}).await;
    let detail = wait(&engine, run, |detail| detail.run.output.is_some()).await;
    assert_eq!(output(&detail)["message"], "an extractor panicked: no such thing");
    assert_eq!(detail.run.waiting_for.as_deref(), Some("its next attempt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_notification_is_kept_once_and_state_is_claimed_once() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Bench::default());
    let run = start(&engine, &ServicesRequested {}).await;
    let detail = wait(&engine, run, |detail| detail.run.status == RunStatus::Completed).await;
    assert_eq!(output(&detail), serde_json::json!([true, false, true, true]));
    let notifications = engine.notifications(10).await.unwrap();
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0].notification.source, "inngest/real/services.requested");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_runs_are_found_by_any_of_their_ids() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Bench::default());
    let event = NewEvent::new(&TimeoutRequested {}).unwrap().with_id("mine");
    let first = engine.send(vec![event.clone()]).await.unwrap();
    let second = engine.send(vec![event]).await.unwrap();
    assert_eq!((first[0].id, second[0].repeated), (second[0].id, true));
    let fates = engine.fates("mine".to_owned()).await.unwrap().unwrap();
    assert_eq!((fates.event.repeats, fates.fates.len()), (1, 1));
    assert_eq!(fates.fates[0].fate, "run");
    assert!(engine.event(first[0].id.to_string()).await.unwrap().is_some());
    assert!(engine.event("other".to_owned()).await.unwrap().is_none());
    let runs = engine.runs(RunFilter { count: 10, ..RunFilter::default() }).await.unwrap();
    let older = RunFilter { count: 10, before: Some(runs[0].run_id.parse().unwrap()), status: None };
    assert_eq!((runs.len(), engine.runs(older).await.unwrap().len()), (1, 0));
}

/// A sender that hears of an error must be able to rely on it: nothing of the batch has happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_events_and_the_engine_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Bench::default());
    let event = || NewEvent::new(&ServicesRequested {}).unwrap();
    engine.fail_next_commit();
    assert_eq!(engine.send(vec![event()]).await, Err(SendError::Unavailable));
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while engine.is_ready().await {
        assert!(std::time::Instant::now() < deadline, "the engine hides that its store fails");
    }
    while engine.send(vec![event()]).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "the engine has not recovered");
        tokio::task::yield_now().await;
    }
    assert!(engine.is_ready().await);
    let events = engine.events(None, 10).await.unwrap();
    assert_eq!(events.len(), 1, "the refused event left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_without_a_handle_ends_before_another_can_open_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench);
    let run = start(&engine, &HoldRequested {}).await;
    bench.entered.notified().await;
    drop(engine);
    let config = Config { directory: directory.path().to_owned() };
    let second = loop {
        match Engine::open(&config, &Registry::linked(), Services::default().with(bench.clone())) {
            Ok(engine) => break engine,
            Err(error) => assert!(error.to_string().contains("in use"), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    bench.entered.notified().await;
    bench.release.notify_one();
    bench.entered.notified().await;
    bench.release.notify_one();
    wait(&second, run, |detail| detail.run.status == RunStatus::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_store_fails_is_obeyed() {
    for _ in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(directory.path(), &Bench::default());
        engine.fail_next_commit();
        let stopped = tokio::time::timeout(Duration::from_secs(20), engine.stop(Duration::ZERO)).await;
        assert!(stopped.is_ok(), "the engine did not stop");
    }
}
