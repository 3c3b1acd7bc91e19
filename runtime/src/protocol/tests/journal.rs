//! The journal as its driver sees it: grant, interrupt, complete, abandon.

use super::*;

async fn stuck() -> Result<u32, Error> {
    std::future::pending().await
}

async fn one(step: Step) -> Result<u32, Error> {
    step.run("a", gives(1)).await.map_err(Error::from)
}

#[test]
fn only_a_waiting_step_can_be_granted_and_only_once() {
    let mut live = first().lives(async |step: Step| step.run("a", stuck()).await);
    assert!(!live.grant("a"), "it is not registered yet");
    live.turn();
    assert!(!live.grant("other"));
    assert!(live.grant("a"));
    assert!(!live.grant("a"), "it executes already");
}

#[test]
fn a_body_does_not_run_before_it_is_granted() {
    let ran = Count::default();
    let counted = ran.clone();
    let mut live = first().lives(async move |step: Step| {
        let body = async {
            counted.add();
            Ok::<u32, Error>(1)
        };
        step.run("a", body).await
    });
    live.turn();
    live.turn();
    assert_eq!(ran.get(), 0);
    assert!(live.grant("a"));
    assert_eq!(live.turn().ended.len(), 1);
    live.turn();
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_result_reaches_the_function_only_when_it_is_handed_back() {
    let mut live = first().lives(one);
    live.turn();
    live.grant("a");
    let turn = live.turn();
    assert!(turn.done.is_none() && turn.ended[0].id == StepId::of("a"));
    assert!(live.turn().done.is_none());
    live.complete("a", 7);
    assert_eq!(live.turn().done.unwrap().unwrap().get(), "7", "the value is what was stored, read back");
}

#[test]
fn a_waiting_step_can_be_completed_without_running() {
    let mut live = first().lives(async |step: Step| step.run("a", never_runs()).await);
    live.turn();
    live.complete("a", 7);
    assert_eq!(live.turn().done.unwrap().unwrap().get(), "7");
}

#[test]
fn an_interrupt_ends_an_executing_step_and_drops_its_body() {
    struct Dropped(Count);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add();
        }
    }
    let dropped = Count::default();
    let guard = Dropped(dropped.clone());
    let mut live = first().lives(async move |step: Step| {
        let body = async move {
            let _guard = guard;
            stuck().await
        };
        step.run("a", body).await
    });
    let interrupt = |live: &Live| live.execution.journal().interrupt(StepId::of("a"), Error::retryable("too slow"));
    assert!(!interrupt(&live));
    live.turn();
    assert!(!interrupt(&live), "it does not execute yet");
    live.grant("a");
    assert!(live.turn().ended.is_empty());
    assert!(interrupt(&live));
    assert!(!interrupt(&live), "it has ended already");
    let ended = live.turn().ended;
    assert_eq!(ended[0].result.as_ref().unwrap_err().message(), "too slow");
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_step_that_is_interrupted_while_it_is_polled_ends_once() {
    let journal = Journal::new(None, []);
    let (step, other) = (Step::new(journal.clone()), journal.clone());
    let body = async move {
        assert!(other.interrupt(StepId::of("a"), Error::retryable("too slow")));
        Ok::<u32, Error>(1)
    };
    let future = async move { step.run("a", body).await.encode() };
    let mut live = Live { execution: Execution::new(journal, Box::pin(future)) };
    live.turn();
    live.grant("a");
    let ended = live.turn().ended;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].result.as_ref().unwrap_err().message(), "too slow");
}

#[test]
fn a_dropped_step_is_reported_as_abandoned() {
    let mut live = first().lives(async |step: Step| {
        let mut dropped = step.run("dropped", gives(1));
        assert!(futures::poll!(&mut dropped).is_pending());
        drop(dropped);
        one(step).await
    });
    let turn = live.turn();
    assert_eq!((names(&turn.registered), turn.abandoned), (vec!["a"], vec![StepId::of("dropped")]));
}

#[test]
fn a_step_that_is_done_is_not_abandoned() {
    let mut live = first().remembers("a", 1).lives(one);
    let turn = live.turn();
    assert!(turn.done.is_some() && turn.abandoned.is_empty() && turn.registered.is_empty());
}

#[test]
fn an_executing_step_that_is_dropped_is_abandoned() {
    let mut live = first().lives(async |step: Step| {
        tokio::select! {
            value = step.run("slow", stuck()) => value,
            value = step.run("fast", gives(1)) => value,
        }
    });
    live.turn();
    assert!(live.grant("slow") && live.grant("fast"));
    assert_eq!(live.turn().ended.len(), 1);
    live.complete("fast", 1);
    let turn = live.turn();
    assert!(turn.done.is_some());
    assert_eq!(turn.abandoned, [StepId::of("slow")]);
}

#[test]
fn a_body_that_yields_asks_for_another_turn() {
    let mut live = first().lives(async |step: Step| {
        let body = async {
            futures::pending!();
            let mut yielded = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            Ok::<_, Error>(1)
        };
        step.run("a", body).await
    });
    live.turn();
    live.grant("a");
    let mut context = Context::from_waker(Waker::noop());
    assert!(!live.execution.turn(&mut context).again, "pending without a wake is at rest");
    assert!(live.execution.turn(&mut context).again);
    assert_eq!(live.turn().ended.len(), 1);
}
