//! What the engine does when nothing goes wrong.

use serde_json::json;
use system_bus_runtime::event::NewEvent;

use super::functions::*;
use super::world::{Faults, World};
use crate::input::CancelOutcome;
use crate::store::RunState;

fn world() -> World {
    World::new(1, Faults::default())
}

#[test]
fn a_chain_runs_each_step_once_and_sleeps_in_between() {
    let mut world = world();
    world.send(None, &ChainRequested { steps: 3 });
    world.advance(1_000);
    assert_eq!(world.runs()[0].state, RunState::Suspended);
    world.advance(10_000);
    let run = &world.runs()[0];
    assert_eq!((run.state, &run.result), (RunState::Completed, &json!(3)));
    assert_eq!(run.steps, ["before-0", "before-1", "before-2", "nap", "after-0", "after-1", "after-2"]);
    assert!(world.ledger().executions.values().all(|count| *count == 1));
    world.check_invariants();
}

#[test]
fn an_event_with_the_same_id_starts_no_second_run_within_a_day() {
    let mut world = world();
    let first = world.send(Some("a"), &ChainRequested { steps: 0 });
    let second = world.send(Some("a"), &ChainRequested { steps: 0 });
    assert!(!first.repeated && second.repeated);
    assert_eq!(first.id, second.id);
    world.drain();
    assert_eq!(world.runs_of("sim-chain").len(), 1);
    world.advance(0);
    let later = 24 * 60 * 60 * 1_000 + 1;
    world.skip(later);
    assert!(!world.send(Some("a"), &ChainRequested { steps: 0 }).repeated);
}

#[test]
fn a_limit_counts_executing_steps_of_all_runs() {
    let mut world = world();
    for _ in 0..4 {
        world.send(None, &ParallelRequested { steps: 5 });
    }
    world.advance(60_000);
    assert!(world.runs().iter().all(|run| run.state == RunState::Completed && run.result == json!(5)));
    assert_eq!(world.ledger().executing_max["parallel"], 2);
    world.check_invariants();
}

#[test]
fn a_wait_ends_with_the_event_that_matches_and_no_other() {
    let mut world = world();
    for key in ["a", "b"] {
        world.send(None, &WaitRequested { key: key.to_owned() });
    }
    world.advance(1_000);
    world.send(None, &WaitAnswered { key: "b".to_owned(), value: 7 });
    world.advance(1_000);
    let runs = world.runs_of("sim-wait");
    assert_eq!(runs[0].state, RunState::Suspended);
    assert_eq!((runs[1].state, &runs[1].result), (RunState::Completed, &json!(7)));
    world.advance(60_000);
    assert_eq!(world.runs_of("sim-wait")[0].result, json!(null));
    world.check_invariants();
}

#[test]
fn a_waiting_run_gives_up_its_future_and_is_replayed() {
    let mut world = world();
    world.send(None, &WaitRequested { key: "a".to_owned() });
    world.advance(1_000);
    assert_eq!(world.residents(), 0);
    world.send(None, &WaitAnswered { key: "a".to_owned(), value: 1 });
    world.drain();
    assert!(world.ledger().executions.values().all(|count| *count == 1));
}

#[test]
fn a_short_wait_keeps_its_future_unless_its_event_is_large() {
    for (bytes, residents) in [(10, 1), (100_000, 0)] {
        let mut world = world();
        world.send(None, &NapRequested { ballast: "x".repeat(bytes) });
        world.advance(1_000);
        assert_eq!((world.runs()[0].state, world.residents()), (RunState::Suspended, residents), "{bytes} bytes");
        world.advance(10_000);
        assert_eq!(world.runs()[0].result, json!(bytes));
        world.check_invariants();
    }
}

#[test]
fn an_event_cancels_the_runs_that_it_matches() {
    let mut world = world();
    for key in ["a", "b"] {
        world.send(None, &WaitRequested { key: key.to_owned() });
    }
    world.advance(1_000);
    world.send(None, &WaitRevoked { key: "a".to_owned() });
    world.advance(1_000);
    let states: Vec<_> = world.runs_of("sim-wait").iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Cancelled, RunState::Suspended]);
}

#[test]
fn functions_that_invoke_each_other_under_one_place_do_not_block_each_other() {
    let mut world = world();
    world.send(None, &ParentRequested { depth: 4 });
    world.advance(60_000);
    assert!(world.runs().iter().all(|run| run.state == RunState::Completed), "{:#?}", world.runs());
    assert_eq!(world.ledger().executing_max["shared"], 1);
    assert_eq!(world.runs_of("sim-parent")[0].result, json!(5));
    world.check_invariants();
}

#[test]
fn sent_events_start_runs_or_leave_a_fate() {
    let mut world = world();
    world.send(None, &FanOutRequested { count: 10 });
    world.drain();
    assert_eq!(world.runs_of("sim-leaf").len(), 2);
    assert_eq!(world.fates(), vec![("sim-leaf".to_owned(), "filtered out".to_owned()); 8]);
}

#[test]
fn the_first_of_a_race_wins_and_the_rest_is_dropped() {
    let mut world = world();
    world.send(None, &RaceRequested {});
    world.advance(10_000);
    let run = &world.runs()[0];
    assert_eq!((run.state, &run.result), (RunState::Completed, &json!("time")));
    assert_eq!(run.steps, ["time", "note"]);
    world.check_invariants();
}

#[test]
fn a_failed_step_is_tried_again_after_a_pause() {
    let mut world = world();
    world.fail("before-0", 2);
    world.send(None, &ChainRequested { steps: 1 });
    world.advance(5_000);
    assert_eq!(world.ledger().executions.len(), 1);
    world.advance(120_000);
    assert_eq!(world.runs()[0].state, RunState::Completed);
    assert_eq!(world.ledger().executions.values().max(), Some(&3));
    world.check_invariants();
}

#[test]
fn a_failed_step_beside_others_is_tried_again_alone() {
    let mut world = world();
    world.fail("part-1", 1);
    world.send(None, &ParallelRequested { steps: 3 });
    world.advance(120_000);
    let executions: Vec<u32> = world.ledger().executions.values().copied().collect();
    assert_eq!(executions, [1, 2, 1, 1]);
    assert_eq!(world.runs()[0].result, json!(3));
    world.check_invariants();
}

#[test]
fn a_step_that_has_failed_for_good_can_be_caught() {
    let mut world = world();
    world.fail("second", 100);
    world.fail("between", 1);
    world.send(None, &FlakyRequested {});
    world.advance(600_000);
    let run = &world.runs()[0];
    assert_eq!((run.state, &run.result), (RunState::Completed, &json!("caught: told to fail")));
    assert_eq!(run.steps, ["first", "second", "repair"]);
}

#[test]
fn a_function_that_fails_between_steps_spends_its_attempts() {
    let mut world = world();
    world.fail("between", 100);
    world.send(None, &FlakyRequested {});
    world.advance(600_000);
    let run = &world.runs()[0];
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.result["message"], "told to fail between steps");
    world.check_invariants();
}

#[test]
fn a_cancelled_run_ends_at_once_and_only_once() {
    let mut world = world();
    world.send(None, &ChainRequested { steps: 1 });
    world.advance(100);
    let id = world.runs()[0].id;
    assert_eq!(world.cancel(id), CancelOutcome::Cancelled);
    assert_eq!(world.cancel(id), CancelOutcome::Ended("Cancelled"));
    world.advance(10_000);
    assert_eq!(world.runs()[0].steps, ["before-0"]);
    world.check_invariants();
}

#[test]
fn a_time_table_fires_on_the_hour_and_once_after_a_standstill() {
    let mut world = world();
    world.advance(100);
    assert_eq!(world.runs_of("sim-cron").len(), 0);
    world.skip(3_600_000);
    world.advance(1_000);
    assert_eq!(world.runs_of("sim-cron").len(), 1);
    assert_eq!(world.runs_of("sim-cron")[0].result, json!("TZ=Europe/Berlin 0 * * * *"));
    world.skip(10 * 3_600_000);
    world.crash();
    world.advance(1_000);
    assert_eq!(world.runs_of("sim-cron").len(), 2);
}

#[test]
fn an_unknown_event_is_kept_and_starts_nothing() {
    let mut world = world();
    let event = NewEvent::named("other/thing.happened", serde_json::value::to_raw_value(&json!({})).unwrap());
    world.send_raw(event);
    world.drain();
    assert!(world.runs().is_empty());
}

#[test]
fn finished_runs_are_removed_after_a_week() {
    let mut world = world();
    world.send(None, &ChainRequested { steps: 2 });
    world.drain();
    assert_eq!(world.runs_of("sim-chain").len(), 1);
    world.skip(8 * 24 * 3_600_000);
    world.advance(1_000);
    assert_eq!(world.runs_of("sim-chain").len(), 0);
}
