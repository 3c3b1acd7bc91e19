//! Interleavings that once went wrong.

use serde_json::json;
use serde_json::value::RawValue;
use system_bus_runtime::event::NewEvent;

use super::functions::*;
use super::world::{Faults, World};
use crate::store::RunState;

fn world() -> World {
    World::new(1, Faults::default())
}

fn executions(world: &World, step: &str) -> u32 {
    world.ledger().executions.iter().filter(|((_, name), _)| name == step).map(|(_, count)| *count).sum()
}

#[test]
fn a_future_that_wakes_itself_is_not_taken_for_a_resting_one() {
    for crash_after in [None, Some(300), Some(700), Some(1_100)] {
        let mut world = world();
        world.send(None, &WideRequested {});
        if let Some(millis) = crash_after {
            world.advance(millis);
            world.crash();
        }
        world.advance(30_000);
        assert_eq!(world.runs()[0].result, json!("all"), "{crash_after:?}");
        world.check_invariants();
    }
}

#[test]
fn a_report_to_the_core_before_a_failed_commit_is_ignored() {
    let mut world = world();
    world.send(None, &ChainRequested { steps: 3 });
    world.poll_sessions();
    world.skip(10);
    world.poll_sessions();
    world.fail_store();
    world.advance(20_000);
    let run = &world.runs()[0];
    assert_eq!((run.state, run.steps.len()), (RunState::Completed, 7));
    world.check_invariants();
}

#[test]
fn each_cancellation_of_a_function_counts() {
    for (a, b) in [(5, 0), (0, 5)] {
        let mut world = world();
        world.send(None, &GuardedRequested {});
        world.advance(100);
        world.send(None, &GuardedRevoked { a: 1, b: 1 });
        world.advance(100);
        assert_eq!(world.runs()[0].state, RunState::Suspended);
        world.send(None, &GuardedRevoked { a, b });
        world.advance(100);
        assert_eq!(world.runs()[0].state, RunState::Cancelled);
    }
}

#[test]
fn a_retry_and_a_sleep_that_are_both_overdue_at_a_restart_keep_the_count_of_attempts() {
    let mut world = world();
    world.fail("overdue", 100);
    world.send(None, &OverdueRequested {});
    world.advance(4_000);
    world.crash();
    world.skip(300_000);
    world.advance(200_000);
    assert_eq!(executions(&world, "overdue"), 2);
    assert_eq!((world.runs()[0].state, &world.runs()[0].result), (RunState::Completed, &json!(false)));
    world.check_invariants();
}

#[test]
fn a_retry_that_comes_due_before_its_replay_has_registered_it_executes_once() {
    let mut world = world();
    world.fail("overdue", 1);
    world.send(None, &OverdueRequested {});
    world.advance(4_000);
    let (sleep, retry) = (world.due_of("pause-one"), world.due_of("overdue"));
    let first = sleep.min(retry);
    world.skip(first - world.now());
    world.commit_timers();
    world.poll_sessions();
    world.skip(sleep.max(retry) - first);
    world.commit_timers();
    world.poll_sessions();
    world.advance(120_000);
    assert_eq!(executions(&world, "overdue"), 2);
    assert_eq!((world.runs()[0].state, &world.runs()[0].result), (RunState::Completed, &json!(true)));
    world.check_invariants();
}

#[test]
fn an_extractor_that_fails_at_the_retry_of_one_step_costs_an_attempt_and_no_more() {
    let mut world = world();
    world.fail("unsteady", 1);
    world.send(None, &ShakyRequested {});
    world.advance(5_000);
    world.fail("extractor", 1);
    world.advance(600_000);
    assert_eq!((world.runs()[0].state, &world.runs()[0].result), (RunState::Completed, &json!(true)));
    world.check_invariants();
}

#[test]
fn a_step_without_a_name_fails_the_run() {
    let mut world = world();
    world.send(None, &NamedRequested { name: String::new() });
    world.advance(1_000);
    assert_eq!(world.runs()[0].result["name"], "StepNameError");
}

#[test]
fn data_that_cannot_be_looked_into_holds_no_condition() {
    let mut world = world();
    let deep = format!("{{\"number\": 7, \"junk\": {}{}}}", "[".repeat(200), "]".repeat(200));
    world.send_raw(NewEvent::named("sim/leaf.requested", RawValue::from_string(deep).unwrap()));
    world.advance(100);
    assert!(world.runs().is_empty());
    assert_eq!(world.fates(), [("sim-leaf".to_owned(), "condition failed".to_owned())]);
}

#[test]
fn a_clock_that_is_set_right_again_stops_no_time_table() {
    let mut world = world();
    world.advance(100);
    world.skip(30 * 24 * 3_600_000);
    world.advance(1_000);
    world.skip(-30 * 24 * 3_600_000);
    world.advance(1_000);
    let before = world.runs_of("sim-cron").len();
    for _ in 0..3 {
        world.skip(3_600_000);
        world.advance(1_000);
    }
    assert_eq!(world.runs_of("sim-cron").len(), before + 3);
}

#[test]
fn an_event_after_the_time_out_does_not_end_a_wait() {
    let mut world = world();
    world.send(None, &WaitRequested { key: "a".to_owned() });
    world.advance(1_000);
    world.skip(3_600_000);
    world.send(None, &WaitAnswered { key: "a".to_owned(), value: 9 });
    world.advance(1_000);
    assert_eq!(world.runs_of("sim-wait")[0].result, json!(null));
}

#[test]
fn many_runs_that_take_their_turn_all_get_it() {
    let mut world = world();
    let event = || NewEvent::new(&TurnRequested {}).unwrap();
    world.send_all((0..400).map(|_| event()).collect());
    world.send_all((0..300).map(|_| NewEvent::new(&ChainRequested { steps: 1 }).unwrap()).collect());
    world.drain();
    assert!(world.runs().iter().all(|run| run.state == RunState::Completed));
    assert_eq!(world.ledger().executing_max["turn"], 1);
    world.check_invariants();
}
