//! What follows when a run has failed.

use serde_json::json;
use serde_json::value::RawValue;
use system_bus_runtime::event::NewEvent;

use super::functions::*;
use super::world::{Faults, World};
use crate::input::CancelOutcome;
use crate::store::RunState;

fn world() -> World {
    World::new(1, Faults::default())
}

fn doom(world: &mut World, key: &str) {
    world.send(None, &DoomRequested { key: key.to_owned() });
}

/// One end of each failed run: its handler's run, with the right event.
pub(super) fn check_handled(world: &World, context: &str) {
    let mut expected: Vec<_> = world
        .runs_of("sim-doomed")
        .into_iter()
        .filter(|run| run.state == RunState::Failed)
        .map(|run| format!("sim-doomed {} ", run.id))
        .collect();
    let handled = world.runs_of("sim-doomed-failure");
    assert_eq!(handled.len(), expected.len(), "{context}: {handled:#?}");
    for run in handled {
        assert_eq!(run.state, RunState::Completed, "{context}: {run:?}");
        assert_eq!(run.steps, ["mourn", "mourning", "bury"], "{context}");
        let output = run.result.as_str().unwrap().to_owned();
        assert!(output.ends_with(": told to fail"), "{context}: {output}");
        expected.retain(|failed| !output.starts_with(failed.as_str()));
    }
    assert!(expected.is_empty(), "{context}: nobody handled {expected:?}");
}

#[test]
fn a_failed_run_starts_its_handler_once_with_the_event_behind_it() {
    let mut world = world();
    world.fail("doom", 100);
    doom(&mut world, "a");
    world.advance(60_000);
    let failed = &world.runs_of("sim-doomed")[0];
    assert_eq!(failed.state, RunState::Failed);
    let handled = world.runs_of("sim-doomed-failure");
    assert_eq!(handled.len(), 1);
    assert_eq!(handled[0].result, json!(format!("sim-doomed {} a: told to fail", failed.id)));
    check_handled(&world, "");
    world.check_invariants();
}

#[test]
fn a_good_run_and_a_cancelled_one_start_no_handler() {
    let mut world = world();
    doom(&mut world, "good");
    world.advance(1_000);
    world.fail("doom", 1);
    doom(&mut world, "cancelled");
    world.advance(100);
    let id = world.runs_of("sim-doomed")[1].id;
    assert_eq!(world.cancel(id), CancelOutcome::Cancelled);
    world.advance(60_000);
    let states: Vec<_> = world.runs().iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Completed, RunState::Cancelled]);
    world.check_invariants();
}

#[test]
fn a_handler_that_fails_starts_nothing() {
    let mut world = world();
    world.fail("doom", 100);
    world.fail("mourn", 100);
    world.fail("examine", 100);
    doom(&mut world, "a");
    world.advance(600_000);
    let handled = world.runs_of("sim-doomed-failure");
    assert_eq!((handled.len(), handled[0].state), (1, RunState::Failed));
    let attempts: u32 = world.ledger().executions.iter().filter(|((_, step), _)| step == "mourn").map(|(_, n)| n).sum();
    assert_eq!(attempts, 2, "a handler has one retry when it does not say otherwise");
    assert_eq!(world.runs().len(), 3, "the failed run, its handler and the function that takes failures");
    world.check_invariants();
}

#[test]
fn an_event_that_does_not_decode_fails_the_run_and_then_its_handler_and_no_more() {
    let mut world = world();
    let data = RawValue::from_string(r#"{"key": 7}"#.to_owned()).unwrap();
    world.send_raw(NewEvent::named("sim/doom.requested", data));
    world.advance(60_000);
    let runs = |function: &str| -> Vec<_> {
        world.runs_of(function).into_iter().map(|run| (run.state, run.result["name"].clone())).collect()
    };
    assert_eq!(runs("sim-doomed"), [(RunState::Failed, json!("EventDecodeError"))]);
    assert_eq!(runs("sim-doomed-failure"), [(RunState::Failed, json!("EventDecodeError"))]);
    assert_eq!(runs("sim-coroner").len(), 1);
    world.check_invariants();
}

#[test]
fn the_failure_of_an_invoked_run_reaches_its_handler_and_the_run_that_invoked_it() {
    let mut world = world();
    world.fail("doom", 100);
    world.send(None, &TemptRequested {});
    world.advance(60_000);
    assert_eq!(world.runs_of("sim-tempter")[0].result, json!("caught: told to fail"));
    check_handled(&world, "");
    world.check_invariants();
}

#[test]
fn a_failure_is_an_event_that_functions_can_take_and_wait_for() {
    let mut world = world();
    world.fail("doom", 100);
    for key in ["a", "b"] {
        world.send(None, &VigilRequested { key: key.to_owned() });
    }
    world.advance(100);
    doom(&mut world, "b");
    world.advance(120_000);
    let results: Vec<_> = world.runs_of("sim-vigil").into_iter().map(|run| run.result).collect();
    assert_eq!(results, [json!(null), json!("told to fail")]);
    let failed = world.runs_of("sim-doomed")[0].id;
    assert_eq!(world.runs_of("sim-coroner")[0].result, json!(format!("{failed} told to fail")));
}

#[test]
fn each_failed_run_is_handled_once_whenever_the_process_dies() {
    let mut deaths = 0;
    for seed in 0..150 {
        let faults = match seed % 3 {
            0 => Faults { crash: 0.25, ..Faults::default() },
            1 => Faults { failing_store: 0.25, ..Faults::default() },
            _ => Faults { crash: 0.1, failing_store: 0.1, slow_disk: 0.1, ..Faults::default() },
        };
        let mut world = World::new(seed, faults);
        // Whatever an attempt that a crash has undone has used up, none succeeds.
        world.fail("doom", u32::MAX);
        for key in ["a", "b", "c"] {
            world.send(Some(key), &DoomRequested { key: key.to_owned() });
        }
        world.drain();
        assert_eq!(world.runs_of("sim-doomed").len(), 3, "seed {seed}");
        assert_eq!(world.runs_of("sim-coroner").len(), 3, "seed {seed}");
        check_handled(&world, &format!("seed {seed}"));
        world.check_invariants();
        deaths += world.crashes + world.failures;
    }
    assert!(deaths > 500, "only {deaths} deaths");
}
