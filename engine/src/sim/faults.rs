//! The same world with a process that dies, a disk that is slow and a clock that jumps, from many seeds.

use serde_json::json;

use super::failures::check_handled;
use super::functions::*;
use super::world::{Faults, World};
use crate::store::RunState;

/// Everything at once; every event under an id of its own, so that a sender that heard nothing can send again.
fn storm(seed: u64, faults: Faults) -> World {
    let mut world = World::new(seed, faults);
    if seed.is_multiple_of(3) {
        world.fail("before-1", 1);
        world.fail("part-0", 1);
        world.fail("between", 1);
    }
    world.fail("doom", u32::MAX);
    for number in 0..3_u32 {
        world.send(Some(&format!("doom-{number}")), &DoomRequested { key: number.to_string() });
        world.send(Some(&format!("chain-{number}")), &ChainRequested { steps: 3 });
        world.send(Some(&format!("parallel-{number}")), &ParallelRequested { steps: 4 });
        world.send(Some(&format!("wait-{number}")), &WaitRequested { key: number.to_string() });
        world.send(Some(&format!("fan-out-{number}")), &FanOutRequested { count: 4 });
        world.send(Some(&format!("race-{number}")), &RaceRequested {});
        world.send(Some(&format!("flaky-{number}")), &FlakyRequested {});
    }
    world.send(Some("parent"), &ParentRequested { depth: 3 });
    world.advance(1_000);
    for number in 0..3_u32 {
        world.send(Some(&format!("answer-{number}")), &WaitAnswered { key: number.to_string(), value: number });
    }
    world.drain();
    world
}

fn check(world: &World, seed: u64) {
    world.check_invariants();
    let count = |function: &str| world.runs_of(function).len();
    assert_eq!(count("sim-chain"), 3, "seed {seed}");
    assert_eq!(count("sim-parallel"), 3, "seed {seed}");
    assert_eq!(count("sim-wait"), 3, "seed {seed}");
    assert_eq!(count("sim-fan-out"), 3, "seed {seed}");
    assert_eq!(count("sim-leaf"), 6, "seed {seed}: each event is sent exactly once");
    assert_eq!(count("sim-race"), 3, "seed {seed}");
    assert_eq!(count("sim-flaky"), 3, "seed {seed}");
    assert!(world.ledger().executing_max["parallel"] <= 2, "seed {seed}: the limit holds");
    assert!(world.ledger().executing_max["shared"] <= 1, "seed {seed}: the limit holds");
    assert_eq!(count("sim-doomed"), 3, "seed {seed}");
    check_handled(world, &format!("seed {seed}"));
    for run in world.runs() {
        let state = if run.function == "sim-doomed" { RunState::Failed } else { RunState::Completed };
        assert_eq!(run.state, state, "seed {seed}: {run:?}");
        match run.function.as_str() {
            "sim-chain" => assert_eq!(run.result, json!(3)),
            "sim-parallel" => assert_eq!(run.result, json!(4)),
            "sim-flaky" => assert_eq!(run.result, json!("good")),
            _ => {}
        }
    }
}

#[test]
fn nothing_is_lost_or_repeated_when_the_process_dies_at_every_point() {
    let mut crashes = 0;
    for seed in 0..60 {
        let world = storm(seed, Faults { crash: 0.05, ..Faults::default() });
        check(&world, seed);
        crashes += world.crashes;
    }
    assert!(crashes > 200, "only {crashes} crashes");
}

#[test]
fn nothing_is_lost_or_repeated_on_a_slow_disk() {
    for seed in 100..130 {
        check(&storm(seed, Faults { slow_disk: 0.3, ..Faults::default() }), seed);
    }
}

#[test]
fn nothing_is_lost_or_repeated_when_commits_fail() {
    let mut failures = 0;
    for seed in 300..330 {
        let world = storm(seed, Faults { failing_store: 0.05, ..Faults::default() });
        check(&world, seed);
        failures += world.failures;
    }
    assert!(failures > 100, "only {failures} failures");
}

#[test]
fn nothing_is_lost_or_repeated_when_the_clock_jumps() {
    for seed in 200..230 {
        check(&storm(seed, Faults { clock_jump: 0.02, crash: 0.01, slow_disk: 0.1, failing_store: 0.01 }), seed);
    }
}
