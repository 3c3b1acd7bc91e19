//! The functions that live in the simulated world; together they use every kind of step.

use std::time::Duration;

use system_bus_runtime::prelude::*;

use super::world::Probe;

/// Asks for steps in a row with a sleep between them.
#[event("sim/chain.requested")]
pub(super) struct ChainRequested {
    pub(super) steps: u32,
}

/// Asks for steps side by side.
#[event("sim/parallel.requested")]
pub(super) struct ParallelRequested {
    pub(super) steps: u32,
}

/// Asks for a wait.
#[event("sim/wait.requested")]
pub(super) struct WaitRequested {
    pub(super) key: String,
}

/// Ends a wait.
#[event("sim/wait.answered")]
pub(super) struct WaitAnswered {
    pub(super) key: String,
    pub(super) value: u32,
}

/// Asks for an invocation.
#[event("sim/parent.requested")]
pub(super) struct ParentRequested {
    pub(super) depth: u32,
}

/// Asks for events.
#[event("sim/fan-out.requested")]
pub(super) struct FanOutRequested {
    pub(super) count: u32,
}

/// One of many events.
#[event("sim/leaf.requested")]
pub(super) struct LeafRequested {
    pub(super) number: u32,
}

/// Asks for a race.
#[event("sim/race.requested")]
pub(super) struct RaceRequested {}

/// Asks for a function that fails between its steps.
#[event("sim/flaky.requested")]
pub(super) struct FlakyRequested {}

/// Cancels a wait.
#[event("sim/wait.revoked")]
pub(super) struct WaitRevoked {
    pub(super) key: String,
}

/// Steps one after another.
#[inngest_fn(id = "sim-chain", event = ChainRequested)]
async fn sim_chain(event: Event<ChainRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<u32> {
    for number in 0..event.data.steps {
        step.run(format!("before-{number}"), probe.work(&run, "chain", 5)).await?;
    }
    step.sleep("nap", Duration::from_secs(5)).await;
    for number in 0..event.data.steps {
        step.run(format!("after-{number}"), probe.work(&run, "chain", 5)).await?;
    }
    Ok(event.data.steps)
}

/// Steps side by side, at most two of all runs at a time.
#[inngest_fn(id = "sim-parallel", event = ParallelRequested, concurrency = 2)]
async fn sim_parallel(event: Event<ParallelRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<usize> {
    let steps =
        (0..event.data.steps).map(|number| step.run(format!("part-{number}"), probe.work(&run, "parallel", 50)));
    let parts = futures::future::join_all(steps).await;
    step.sleep("rest", Duration::from_secs(1)).await;
    let good = parts.iter().filter(|part| part.is_ok()).count();
    step.run("sum", probe.work(&run, "parallel", 1)).await?;
    Ok(good)
}

/// Waits for the event with its key.
#[inngest_fn(
    id = "sim-wait",
    event = WaitRequested,
    cancel_on(event = WaitRevoked, if = "event.data.key == async.data.key"),
)]
async fn sim_wait(step: Step, probe: Probe, run: RunInfo) -> Result<Option<u32>> {
    step.run("ask", probe.work(&run, "wait", 1)).await?;
    let answer = step
        .wait_for_event::<WaitAnswered>("answer")
        .matching("event.data.key == async.data.key")
        .timeout(Duration::from_secs(60))
        .await?;
    step.run("note", probe.work(&run, "wait", 1)).await?;
    Ok(answer.map(|answer| answer.data.value))
}

/// Invokes itself `depth` times under one shared place.
#[inngest_fn(
    id = "sim-parent",
    event = ParentRequested,
    concurrency(limit = 1, key = "'shared'", scope = env),
)]
async fn sim_parent(event: Event<ParentRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<u32> {
    step.run("work", probe.work(&run, "shared", 3)).await?;
    let below = match event.data.depth.checked_sub(1) {
        Some(depth) => step.invoke::<sim_child>("child", ChildRequested { depth }).await?,
        None => 0,
    };
    step.run("more-work", probe.work(&run, "shared", 3)).await?;
    Ok(below + 1)
}

/// Asks for the other half of a mutual invocation.
#[event("sim/child.requested")]
pub(super) struct ChildRequested {
    pub(super) depth: u32,
}

/// The other half of a mutual invocation under the same place.
#[inngest_fn(
    id = "sim-child",
    event = ChildRequested,
    concurrency(limit = 1, key = "'shared'", scope = env),
)]
async fn sim_child(event: Event<ChildRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<u32> {
    step.run("work", probe.work(&run, "shared", 3)).await?;
    let below = match event.data.depth.checked_sub(1) {
        Some(depth) => step.invoke::<sim_parent>("parent", ParentRequested { depth }).await?,
        None => 0,
    };
    Ok(below + 1)
}

/// Sends many events in one step.
#[inngest_fn(id = "sim-fan-out", event = FanOutRequested)]
async fn sim_fan_out(event: Event<FanOutRequested>, step: Step) -> Result<usize> {
    let leaves: Vec<LeafRequested> = (0..event.data.count).map(|number| LeafRequested { number }).collect();
    let ids = step.send_event("leaves", leaves).await?;
    Ok(ids.len())
}

/// Takes the first two.
#[inngest_fn(id = "sim-leaf", event(LeafRequested, if = "event.data.number < 2"))]
async fn sim_leaf(event: Event<LeafRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<u32> {
    step.run("work", probe.work(&run, "leaf", 2)).await?;
    Ok(event.data.number)
}

/// A step against a time.
#[inngest_fn(id = "sim-race", event = RaceRequested)]
async fn sim_race(step: Step, probe: Probe, run: RunInfo) -> Result<String> {
    let winner = tokio::select! {
        () = step.sleep("time", Duration::from_secs(2)) => "time".to_owned(),
        slow = step.run("slow", probe.work(&run, "race", 4_000)) => slow?,
        () = step.sleep("later", Duration::from_secs(3)) => "later".to_owned(),
    };
    step.run("note", probe.work(&run, "race", 1)).await?;
    Ok(winner)
}

/// Fails between its steps, and catches a step that has failed for good.
#[inngest_fn(id = "sim-flaky", event = FlakyRequested, retries = 2)]
async fn sim_flaky(step: Step, probe: Probe, run: RunInfo) -> Result<String> {
    step.run("first", probe.work(&run, "flaky", 1)).await?;
    if probe.fails("between") {
        return Err(Error::retryable("told to fail between steps"));
    }
    match step.run("second", probe.work(&run, "flaky", 1)).await {
        Ok(_) => Ok("good".to_owned()),
        Err(error) => {
            step.run("repair", probe.work(&run, "flaky", 1)).await?;
            Ok(format!("caught: {error}"))
        }
    }
}

/// Runs every hour in Berlin.
#[inngest_fn(id = "sim-cron", cron = "TZ=Europe/Berlin 0 * * * *")]
async fn sim_cron(event: Event<Cron>, step: Step, probe: Probe, run: RunInfo) -> Result<String> {
    step.run("tick", probe.work(&run, "cron", 1)).await?;
    Ok(event.data.cron)
}

/// Asks for a short sleep.
#[event("sim/nap.requested")]
pub(super) struct NapRequested {
    pub(super) ballast: String,
}

/// Sleeps for less than a residence lasts.
#[inngest_fn(id = "sim-nap", event = NapRequested)]
async fn sim_nap(event: Event<NapRequested>, step: Step) -> Result<usize> {
    step.sleep("short-nap", Duration::from_secs(5)).await;
    Ok(event.data.ballast.len())
}

/// Asks for many chains side by side.
#[event("sim/wide.requested")]
pub(super) struct WideRequested {}

/// More branches than a combinator polls in one go, against a time.
#[inngest_fn(id = "sim-wide", event = WideRequested)]
async fn sim_wide(step: Step, probe: Probe, run: RunInfo) -> Result<String> {
    let all = futures::future::join_all((0..40).map(|number| {
        let (step, probe, run) = (step.clone(), probe.clone(), run.clone());
        async move {
            step.run(format!("one-{number}"), probe.work(&run, "wide", 500 + number)).await?;
            step.run(format!("two-{number}"), probe.work(&run, "wide", 500)).await
        }
    }));
    Ok(tokio::select! {
        _ = all => "all".to_owned(),
        () = step.sleep("deadline", Duration::from_secs(3_600)) => "deadline".to_owned(),
    })
}

/// Asks for a run that two conditions can cancel.
#[event("sim/guarded.requested")]
pub(super) struct GuardedRequested {}

/// May cancel it.
#[event("sim/guarded.revoked")]
pub(super) struct GuardedRevoked {
    pub(super) a: u32,
    pub(super) b: u32,
}

/// Sleeps until it is cancelled.
#[inngest_fn(
    id = "sim-guarded",
    event = GuardedRequested,
    cancel_on(event = GuardedRevoked, if = "async.data.a > 1"),
    cancel_on(event = GuardedRevoked, if = "async.data.b > 1"),
)]
async fn sim_guarded(step: Step) -> Result<()> {
    step.sleep("guarded-sleep", Duration::from_secs(3_600)).await;
    Ok(())
}

/// Asks for a retry beside sleeps.
#[event("sim/overdue.requested")]
pub(super) struct OverdueRequested {}

/// A step that fails beside two sleeps.
#[inngest_fn(id = "sim-overdue", event = OverdueRequested)]
async fn sim_overdue(step: Step, probe: Probe, run: RunInfo) -> Result<bool> {
    let sleeps = async {
        step.sleep("pause-one", Duration::from_secs(11)).await;
        step.sleep("pause-two", Duration::from_secs(60)).await;
    };
    let ((), tried) = tokio::join!(sleeps, step.run("overdue", probe.work(&run, "overdue", 2_000)).retries(1));
    Ok(tried.is_ok())
}

/// An extractor that fails when it is told to.
pub(super) struct Shaky;

impl FromContext for Shaky {
    fn from_context(context: &system_bus_runtime::function::Context) -> Result<Self> {
        if Probe::from_context(context)?.fails("extractor") {
            return Err(Error::retryable("told to fail before the function"));
        }
        Ok(Self)
    }
}

/// Asks for a retry in a function with that extractor.
#[event("sim/shaky.requested")]
pub(super) struct ShakyRequested {}

/// A step that fails beside a long one.
#[inngest_fn(id = "sim-shaky", event = ShakyRequested)]
async fn sim_shaky(step: Step, probe: Probe, run: RunInfo, _shaky: Shaky) -> Result<bool> {
    let (long, unsteady) = tokio::join!(
        step.run("hold", probe.work(&run, "hold", 30_000)),
        step.run("unsteady", probe.work(&run, "unsteady", 1)),
    );
    Ok(long.is_ok() && unsteady.is_ok())
}

/// Asks for a wait under a name from the event.
#[event("sim/named.requested")]
pub(super) struct NamedRequested {
    pub(super) name: String,
}

/// Waits under a computed name.
#[inngest_fn(id = "sim-named", event = NamedRequested)]
async fn sim_named(event: Event<NamedRequested>, step: Step) -> Result<bool> {
    let answer = step.wait_for_event::<WaitAnswered>(event.data.name.clone()).await?;
    Ok(answer.is_some())
}

/// Asks for one of many that take their turn.
#[event("sim/turn.requested")]
pub(super) struct TurnRequested {}

/// One at a time.
#[inngest_fn(id = "sim-turn", event = TurnRequested, concurrency = 1)]
async fn sim_turn(step: Step, probe: Probe, run: RunInfo) -> Result<()> {
    step.run("turn", probe.work(&run, "turn", 1)).await?;
    Ok(())
}

/// Asks for a function that fails for good when it is told to.
#[event("sim/doom.requested")]
pub(super) struct DoomRequested {
    pub(super) key: String,
}

/// Fails when its step does.
#[inngest_fn(id = "sim-doomed", event = DoomRequested, retries = 1, on_failure = sim_lament)]
async fn sim_doomed(_event: Event<DoomRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<()> {
    step.run("doom", probe.work(&run, "doom", 5)).await?;
    Ok(())
}

/// Says which run has failed, from which event, and why.
#[failure_handler]
async fn sim_lament(failure: Failure<DoomRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<String> {
    step.run("mourn", probe.work(&run, "mourn", 5)).await?;
    step.sleep("mourning", Duration::from_secs(3)).await;
    step.run("bury", probe.work(&run, "mourn", 5)).await?;
    let Failure { event, error, run, function, .. } = failure;
    Ok(format!("{function} {run} {}: {error}", event.data.key))
}

/// Asks for a run that invokes a doomed one.
#[event("sim/tempt.requested")]
pub(super) struct TemptRequested {}

/// Catches the failure of what it invokes.
#[inngest_fn(id = "sim-tempter", event = TemptRequested)]
async fn sim_tempter(step: Step) -> Result<String> {
    let data = DoomRequested { key: "invoked".to_owned() };
    match step.invoke::<sim_doomed>("tempt", data).await {
        Ok(()) => Ok("good".to_owned()),
        Err(error) => Ok(format!("caught: {error}")),
    }
}

/// Takes the failures of one function as ordinary events.
#[inngest_fn(id = "sim-coroner", event(FunctionFailed, if = "event.data.function_id == 'sim-doomed'"))]
async fn sim_coroner(event: Event<FunctionFailed>, step: Step, probe: Probe, run: RunInfo) -> Result<String> {
    step.run("examine", probe.work(&run, "examine", 1)).await?;
    Ok(format!("{} {}", event.data.run_id, event.data.error.message))
}

/// Asks for a wait for a failure.
#[event("sim/vigil.requested")]
pub(super) struct VigilRequested {
    pub(super) key: String,
}

/// Waits for the failure of the run that an event with its key has started.
#[inngest_fn(id = "sim-vigil", event = VigilRequested)]
async fn sim_vigil(step: Step) -> Result<Option<String>> {
    let failure = step
        .wait_for_event::<FunctionFailed>("fall")
        .matching("async.data.event.data.key == event.data.key")
        .timeout(Duration::from_secs(60))
        .await?;
    Ok(failure.map(|failure| failure.data.error.message))
}

/// Asks for a wait for a signal.
#[event("sim/signal.requested")]
pub(super) struct SignalRequested {
    pub(super) signal: String,
    pub(super) replace: bool,
}

/// Waits for a signal.
#[inngest_fn(id = "sim-signal", event = SignalRequested)]
async fn sim_signal(event: Event<SignalRequested>, step: Step, probe: Probe, run: RunInfo) -> Result<Option<u32>> {
    let on_conflict = if event.data.replace { OnConflict::Replace } else { OnConflict::Fail };
    let number = step
        .wait_for_signal::<u32>("signal", event.data.signal)
        .timeout(Duration::from_secs(60))
        .on_conflict(on_conflict)
        .await?;
    step.run("note-signal", probe.work(&run, "signal", 1)).await?;
    Ok(number)
}

/// Asks for a signal to be sent.
#[event("sim/signal.sent")]
pub(super) struct SignalSent {
    pub(super) signal: String,
    pub(super) number: u32,
    pub(super) delay_seconds: u64,
}

/// Sends a signal, a few times until somebody has received it; who it was.
#[inngest_fn(id = "sim-sender", event = SignalSent)]
async fn sim_sender(event: Event<SignalSent>, step: Step, probe: Probe, run: RunInfo) -> Result<Option<String>> {
    step.sleep("delay", Duration::from_secs(event.data.delay_seconds)).await;
    for attempt in 0..5 {
        let sent = step.send_signal(format!("send-{attempt}"), &event.data.signal, &event.data.number).await?;
        step.run(format!("sent-{attempt}"), probe.work(&run, "sender", 1)).await?;
        if let Some(receiver) = sent.run_id {
            return Ok(Some(receiver.to_string()));
        }
        step.sleep(format!("pause-{attempt}"), Duration::from_secs(1)).await;
    }
    Ok(None)
}

/// Asks for a run that signals itself.
#[event("sim/echo.requested")]
pub(super) struct EchoRequested {}

/// Waits for a signal that it sends.
#[inngest_fn(id = "sim-echo", event = EchoRequested)]
async fn sim_echo(step: Step, run: RunInfo) -> Result<bool> {
    let signal = format!("echo-{}", run.id);
    let (received, sent) =
        tokio::join!(step.wait_for_signal::<String>("hear", &signal), step.send_signal("call", &signal, "hello"));
    Ok(received?.as_deref() == Some("hello") && sent?.run_id == Some(run.id))
}
