//! Shutdown in virtual time.

use std::time::Duration;

use super::super::State;
use super::super::machine::{Effect, Input};
use super::super::proto::GatewayMessageType;
use super::super::replies::FlushOutcome;
use super::machine::{World, reply_ack};
use super::{bare, message, request, sent};

const SECOND: Duration = Duration::from_secs(1);

fn shut_down(world: &mut World, grace: Duration) {
    world.handle(Input::Shutdown { grace });
}

#[test]
fn an_idle_worker_pauses_closes_and_ends() {
    let (mut world, link) = World::active();
    shut_down(&mut world, 10 * SECOND);
    let effects = world.effects();
    let [Effect::Send { frame, .. }, Effect::Close { code: 1000, reason: "WORKER_SHUTDOWN", .. }] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(sent(frame).0, GatewayMessageType::WorkerPause);
    assert_eq!(world.state(), State::Closing);
    world.lose(link);
    assert_eq!((world.effects(), world.state()), (vec![Effect::Stop], State::Closed));
}

#[test]
fn running_calls_are_finished_and_answered_first() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    shut_down(&mut world, 60 * SECOND);
    assert_eq!(sent(&world.only_frame(link)).0, GatewayMessageType::WorkerPause);
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &request("b")));
    assert!(world.effects().is_empty(), "no more requests");
    world.pass(5 * SECOND);
    assert_eq!(sent(&world.only_frame(link)).0, GatewayMessageType::WorkerRequestExtendLease);
    world.finish(call);
    assert_eq!(sent(&world.only_frame(link)).0, GatewayMessageType::WorkerReply, "the close waits for its answer");
    world.receive(link, reply_ack("a"));
    assert!(matches!(world.effects()[..], [Effect::Close { code: 1000, .. }]));
    world.pass(5 * SECOND);
    assert_eq!(world.effects(), [Effect::Abort { link }, Effect::Stop], "a gateway that does not answer is left");
    assert_eq!(world.machine.status().lost_replies, 0);
}

#[test]
fn an_unconfirmed_reply_is_flushed_before_the_end() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    shut_down(&mut world, 60 * SECOND);
    world.finish(call);
    world.pass(5 * SECOND);
    assert_eq!(world.flushed().len(), 1);
    world.handle(Input::Flushed { outcomes: vec![("a".to_owned(), FlushOutcome::Delivered)] });
    assert!(matches!(world.effects()[..], [Effect::Close { code: 1000, .. }]));
    assert_eq!(world.machine.status().lost_replies, 0);
}

#[test]
fn what_runs_longer_than_the_grace_period_is_stopped() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    shut_down(&mut world, 3 * SECOND);
    world.effects();
    world.pass(3 * SECOND);
    let effects = world.effects();
    assert!(matches!(effects[..], [Effect::AbortCall { .. }, Effect::Close { .. }]), "{effects:?}");
    assert_eq!(effects[0], Effect::AbortCall { call });
}

#[test]
fn a_flush_that_fails_does_not_keep_the_worker() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    shut_down(&mut world, 60 * SECOND);
    world.finish(call);
    world.lose(link);
    assert_eq!(world.flushed().len(), 1);
    world.handle(Input::Flushed { outcomes: vec![("a".to_owned(), FlushOutcome::Failed("down".to_owned()))] });
    assert_eq!((world.effects(), world.state()), (vec![Effect::Stop], State::Closed));
    assert_eq!(world.machine.status().lost_replies, 1);
}

#[test]
fn a_flush_without_end_does_not_keep_the_worker() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    shut_down(&mut world, 60 * SECOND);
    world.finish(call);
    world.lose(link);
    world.effects();
    world.pass(10 * SECOND);
    assert_eq!((world.effects(), world.state()), (vec![Effect::Stop], State::Closed));
}

#[test]
fn a_connection_lost_while_calls_run_is_replaced_to_keep_their_leases() {
    let (mut world, link) = World::active();
    world.request(link, "a");
    shut_down(&mut world, 60 * SECOND);
    world.lose(link);
    assert_eq!(world.state(), State::Closing);
    world.pass(2 * SECOND);
    let link = world.dialed();
    world.open(link, "group-1");
    world.receive(link, bare(GatewayMessageType::GatewayHello));
    world.effects();
    world.pass(4 * SECOND);
    world.effects();
    let ready = super::super::proto::GatewayConnectionReadyData::default();
    world.receive(link, message(GatewayMessageType::GatewayConnectionReady, &ready));
    let kinds: Vec<_> = world.frames(link).iter().map(|frame| sent(frame).0).collect();
    assert_eq!(kinds, [GatewayMessageType::WorkerPause, GatewayMessageType::WorkerRequestExtendLease]);
    assert_eq!(world.state(), State::Closing);
}

#[test]
fn a_worker_that_is_not_connected_ends_at_once() {
    let mut world = World::new();
    let link = world.dialed();
    shut_down(&mut world, 60 * SECOND);
    assert_eq!((world.effects(), world.state()), (vec![Effect::Abort { link }, Effect::Stop], State::Closed));

    let mut world = World::new();
    let link = world.dialed();
    world.lose(link);
    shut_down(&mut world, 60 * SECOND);
    assert_eq!((world.effects(), world.state()), (vec![Effect::Stop], State::Closed));
}

#[test]
fn requests_that_wait_are_left_to_another_worker() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    world.request(link, "b");
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &request("c")));
    shut_down(&mut world, 60 * SECOND);
    world.effects();
    world.finish(call);
    assert_eq!(sent(&world.only_frame(link)).0, GatewayMessageType::WorkerReply);
}
