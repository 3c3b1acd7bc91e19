//! Signals: one waiter, one delivery, whatever happens in between.

use serde_json::json;
use serde_json::value::to_raw_value;

use super::functions::*;
use super::world::{Faults, World};
use crate::store::RunState;

fn world() -> World {
    World::new(1, Faults::default())
}

fn waits(world: &mut World, signal: &str, replace: bool) {
    world.send(None, &SignalRequested { signal: signal.to_owned(), replace });
    world.advance(1_000);
}

fn sends(world: &mut World, signal: &str, number: u32) {
    world.send(None, &SignalSent { signal: signal.to_owned(), number, delay_seconds: 0 });
}

#[test]
fn a_signal_reaches_the_one_that_waits_for_it_and_no_other() {
    let mut world = world();
    waits(&mut world, "a", false);
    waits(&mut world, "b", false);
    assert_eq!(world.residents(), 0, "what waits for long costs no future");
    let receiver = world.signal("b", &to_raw_value(&7).unwrap());
    world.advance(1_000);
    let runs = world.runs_of("sim-signal");
    assert_eq!(receiver, Some(runs[1].id));
    assert_eq!((runs[0].state, &runs[1].result), (RunState::Suspended, &json!(7)));
    assert_eq!(world.signal("b", &to_raw_value(&8).unwrap()), None, "nobody waits any more");
    world.advance(60_000);
    assert_eq!(world.runs_of("sim-signal")[0].result, json!(null));
    world.check_invariants();
}

#[test]
fn a_signal_that_nobody_waits_for_is_gone() {
    let mut world = world();
    assert_eq!(world.signal("a", &to_raw_value(&7).unwrap()), None);
    waits(&mut world, "a", false);
    world.advance(120_000);
    assert_eq!(world.runs_of("sim-signal")[0].result, json!(null));
    world.check_invariants();
}

#[test]
fn a_step_sends_a_signal_and_learns_who_received_it() {
    let mut world = world();
    sends(&mut world, "a", 5);
    world.advance(3_000);
    waits(&mut world, "a", false);
    world.advance(5_000);
    assert_eq!(world.runs_of("sim-signal")[0].result, json!(5));
    let sender = &world.runs_of("sim-sender")[0];
    assert_eq!(sender.result, json!(world.runs_of("sim-signal")[0].id.to_string()));
    assert!(sender.steps.len() > 3, "nobody waited at first: {sender:?}");
    world.check_invariants();
}

#[test]
fn a_run_may_signal_itself() {
    let mut world = world();
    world.send(None, &EchoRequested {});
    world.advance(1_000);
    assert_eq!(world.runs()[0].result, json!(true));
    world.check_invariants();
}

#[test]
fn a_second_wait_for_a_signal_fails_and_the_first_goes_on() {
    let mut world = world();
    waits(&mut world, "a", false);
    waits(&mut world, "a", false);
    let second = &world.runs_of("sim-signal")[1];
    assert_eq!((second.state, &second.result["name"]), (RunState::Failed, &json!("SignalConflictError")));
    assert!(second.result["message"].as_str().unwrap().contains("`a`"));
    sends(&mut world, "a", 3);
    world.advance(1_000);
    assert_eq!(world.runs_of("sim-signal")[0].result, json!(3));
    world.check_invariants();
}

#[test]
fn a_wait_that_replaces_takes_the_signal_over_and_the_first_times_out() {
    let mut world = world();
    waits(&mut world, "a", false);
    waits(&mut world, "a", true);
    sends(&mut world, "a", 3);
    world.advance(1_000);
    let runs = world.runs_of("sim-signal");
    assert_eq!((runs[0].state, &runs[1].result), (RunState::Suspended, &json!(3)));
    assert_eq!(world.signal("a", &to_raw_value(&4).unwrap()), None, "the first has lost it for good");
    world.advance(60_000);
    assert_eq!(
        (world.runs_of("sim-signal")[0].state, &world.runs_of("sim-signal")[0].result),
        (RunState::Completed, &json!(null))
    );
    world.check_invariants();
}

#[test]
fn a_wait_that_was_replaced_does_not_take_the_signal_from_its_successor_at_its_end() {
    let mut world = world();
    waits(&mut world, "a", false);
    world.advance(30_000);
    waits(&mut world, "a", true);
    world.advance(40_000);
    assert_eq!(world.runs_of("sim-signal")[0].result, json!(null), "the first has timed out");
    assert_eq!(world.signal("a", &to_raw_value(&4).unwrap()), Some(world.runs_of("sim-signal")[1].id));
    world.advance(1_000);
    assert_eq!(world.runs_of("sim-signal")[1].result, json!(4));
    world.check_invariants();
}

#[test]
fn a_cancelled_run_gives_its_signal_back() {
    let mut world = world();
    waits(&mut world, "a", false);
    let first = world.runs()[0].id;
    world.cancel(first);
    waits(&mut world, "a", false);
    assert_eq!(world.signal("a", &to_raw_value(&1).unwrap()), Some(world.runs_of("sim-signal")[1].id));
    world.drain();
    world.check_invariants();
}

#[test]
fn a_signal_at_the_time_out_comes_too_late_even_before_the_timer_has_fired() {
    let mut world = world();
    waits(&mut world, "a", false);
    let due = world.due_of("signal");
    world.skip(due - world.now());
    assert_eq!(world.signal("a", &to_raw_value(&9).unwrap()), None);
    waits(&mut world, "a", false);
    let runs = world.runs_of("sim-signal");
    assert_eq!((&runs[0].result, runs[1].state), (&json!(null), RunState::Suspended), "late waits are no conflict");
    world.drain();
    world.check_invariants();
}

#[test]
fn a_wait_survives_a_restart_and_so_does_its_conflict() {
    let mut world = world();
    waits(&mut world, "a", false);
    world.crash();
    waits(&mut world, "a", false);
    assert_eq!(world.runs_of("sim-signal")[1].result["name"], "SignalConflictError");
    world.crash();
    sends(&mut world, "a", 6);
    world.drain();
    assert_eq!(world.runs_of("sim-signal")[0].result, json!(6));
    world.check_invariants();
}

#[test]
fn a_signal_needs_a_name_of_bounded_length() {
    let mut world = world();
    for signal in [String::new(), "x".repeat(2_000)] {
        waits(&mut world, &signal, false);
        sends(&mut world, &signal, 1);
    }
    world.drain();
    assert!(world.runs().iter().all(|run| run.result["name"] == "SignalError"), "{:#?}", world.runs());
}

#[test]
fn each_signal_is_delivered_at_most_once_and_its_sender_knows_whatever_dies() {
    let (mut crashes, mut failures, mut received, mut late) = (0, 0, 0, 0);
    for seed in 0..60 {
        let mut world = World::new(seed, Faults { crash: 0.04, failing_store: 0.02, ..Faults::default() });
        for number in 0..4_u32 {
            let signal = format!("signal-{number}");
            world.send(Some(&format!("wait-{number}")), &SignalRequested { signal: signal.clone(), replace: false });
            // Two senders to one wait; the later ones come about when it times out.
            for (sender, number) in [(0, number), (1, number + 100)] {
                let delay_seconds = u64::from(number % 100) * 20;
                let sent = SignalSent { signal: signal.clone(), number, delay_seconds };
                world.send(Some(&format!("send-{sender}-{number}")), &sent);
            }
        }
        world.drain();
        world.check_invariants();
        let mut receivers: Vec<_> =
            world.runs_of("sim-sender").into_iter().filter_map(|run| run.result.as_str().map(str::to_owned)).collect();
        let mut waiters: Vec<_> = world
            .runs_of("sim-signal")
            .into_iter()
            .filter(|run| !run.result.is_null())
            .map(|run| run.id.to_string())
            .collect();
        receivers.sort();
        waiters.sort();
        assert_eq!(receivers, waiters, "seed {seed}: who was told and who has heard");
        assert!(world.runs().iter().all(|run| run.state == RunState::Completed), "seed {seed}");
        received += waiters.len();
        late += 4 - waiters.len();
        crashes += world.crashes;
        failures += world.failures;
    }
    assert!(crashes > 200 && failures > 100, "only {crashes} crashes and {failures} failures");
    assert!(received > 100 && late > 20, "only {received} received and {late} late");
}
