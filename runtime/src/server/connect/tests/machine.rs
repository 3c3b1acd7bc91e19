//! The machine in virtual time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::calls::CallId;
use super::super::failure::Failure;
use super::super::link::LinkId;
use super::super::machine::{Effect, Input, Machine, Opened};
use super::super::proto::{
    GatewayConnectionReadyData, GatewayExecutorRequestData, GatewayMessageType, SdkResponse, StartResponse,
    SystemAttributes, SystemError, Timestamp, WorkerConnectRequestData, WorkerReplyAckData, WorkerRequestAckData,
    WorkerRequestExtendLeaseAckData, WorkerRequestExtendLeaseData, WorkerStatusData,
};
use super::super::registration::Registration;
use super::super::replies::FlushOutcome;
use super::super::{App, Config, Response, ResponseStatus, State};
use super::{bare, config, message, payload, request, sent};

/// A machine and its clock.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Instant,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(config("http://server"))
    }

    pub(super) fn with(config: Config) -> Self {
        let now = Instant::now();
        let registration = Registration::new(config, SystemAttributes::default());
        let mut machine = Machine::new(registration, 1, now);
        machine.tick(now);
        Self { machine, now }
    }

    /// A machine whose first websocket is active; what it has done so far is forgotten.
    pub(super) fn active() -> (Self, LinkId) {
        let mut world = Self::new();
        let link = world.dialed();
        world.handshake(link, "group-1");
        world.effects();
        assert_eq!(world.state(), State::Active);
        (world, link)
    }

    pub(super) fn effects(&mut self) -> Vec<Effect> {
        self.machine.take_effects()
    }

    pub(super) fn state(&self) -> State {
        self.machine.status().state
    }

    pub(super) fn handle(&mut self, input: Input) {
        self.machine.handle(input, self.now);
    }

    pub(super) fn receive(&mut self, link: LinkId, bytes: Bytes) {
        self.handle(Input::Received { link, bytes });
    }

    pub(super) fn lose(&mut self, link: LinkId) {
        self.handle(Input::Lost { link, failure: Failure::transient("it broke") });
    }

    /// Lets time pass, with all that is due in it.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(deadline) = self.machine.deadline().filter(|deadline| *deadline <= end) {
            assert!(deadline >= self.now || self.machine.take_effects().is_empty(), "a deadline that is over");
            self.now = self.now.max(deadline);
            self.machine.tick(self.now);
            assert!(self.machine.deadline().is_none_or(|next| next > self.now), "the machine spins");
        }
        self.now = end;
    }

    /// The attempt to connect that the machine has just asked for.
    #[track_caller]
    pub(super) fn dialed(&mut self) -> LinkId {
        self.dialed_without().0
    }

    #[track_caller]
    pub(super) fn dialed_without(&mut self) -> (LinkId, Vec<String>) {
        let effects = self.effects();
        let dial = effects.iter().find_map(|effect| match effect {
            Effect::Dial { link, exclude } => Some((*link, exclude.clone())),
            _ => None,
        });
        dial.unwrap_or_else(|| panic!("no attempt: {effects:?}"))
    }

    /// The gateway's half of the handshake.
    pub(super) fn handshake(&mut self, link: LinkId, group: &str) {
        self.open(link, group);
        self.receive(link, bare(GatewayMessageType::GatewayHello));
        self.receive(link, ready());
    }

    pub(super) fn open(&mut self, link: LinkId, group: &str) {
        let start = StartResponse {
            connection_id: format!("connection-{}", link.0),
            gateway_group: group.to_owned(),
            session_token: "session".to_owned(),
            sync_token: "sync".to_owned(),
            ..StartResponse::default()
        };
        let opened = Opened { start, started_at: Timestamp { seconds: 7, nanos: 0 } };
        self.handle(Input::Dialed { link, result: Ok(opened) });
    }

    /// The messages that were sent over `link`.
    pub(super) fn frames(&mut self, link: LinkId) -> Vec<Bytes> {
        let effects = self.effects();
        let frames = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send { link: over, frame } if over == link => Some(frame),
            _ => None,
        });
        frames.collect()
    }

    #[track_caller]
    pub(super) fn only_frame(&mut self, link: LinkId) -> Bytes {
        let frames = self.frames(link);
        let [frame] = &frames[..] else { panic!("{} messages", frames.len()) };
        frame.clone()
    }

    /// Sends a request; the execution that it starts.
    #[track_caller]
    pub(super) fn request(&mut self, link: LinkId, id: &str) -> CallId {
        self.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &request(id)));
        let effects = self.effects();
        let call = effects.iter().find_map(|effect| match effect {
            Effect::Call { call, request } => Some((*call, request.request_id.clone())),
            _ => None,
        });
        let (call, started) = call.unwrap_or_else(|| panic!("no call: {effects:?}"));
        assert_eq!(started, id);
        call
    }

    pub(super) fn finish(&mut self, call: CallId) {
        self.handle(Input::CallFinished { call, response: Some(done()) });
    }

    /// The replies that were given to the flush API.
    pub(super) fn flushed(&mut self) -> Vec<SdkResponse> {
        let effects = self.effects();
        let replies = effects.into_iter().filter_map(|effect| match effect {
            Effect::Flush { replies } => Some(replies),
            _ => None,
        });
        replies.flatten().map(|reply| prost::Message::decode(reply.bytes).expect("is a reply")).collect()
    }
}

pub(super) fn done() -> Response {
    Response {
        status: ResponseStatus::Done,
        body: Bytes::from_static(b"\"out\""),
        no_retry: false,
        retry_after: None,
        request_version: 2,
    }
}

fn ready() -> Bytes {
    let intervals = GatewayConnectionReadyData {
        heartbeat_interval: "10s".to_owned(),
        extend_lease_interval: "5s".to_owned(),
        status_interval: "0s".to_owned(),
    };
    message(GatewayMessageType::GatewayConnectionReady, &intervals)
}

pub(super) fn reply_ack(id: &str) -> Bytes {
    message(GatewayMessageType::WorkerReplyAck, &WorkerReplyAckData { request_id: id.to_owned() })
}

fn lease_ack(id: &str, lease: Option<&str>) -> Bytes {
    let ack = WorkerRequestExtendLeaseAckData {
        request_id: id.to_owned(),
        new_lease_id: lease.map(str::to_owned),
        ..WorkerRequestExtendLeaseAckData::default()
    };
    message(GatewayMessageType::WorkerRequestExtendLeaseAck, &ack)
}

#[track_caller]
fn kinds(frames: &[Bytes]) -> Vec<GatewayMessageType> {
    frames.iter().map(|frame| sent(frame).0).collect()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_handshake_registers_the_worker() {
    let mut world = World::new();
    let link = world.dialed();
    assert_eq!(world.state(), State::Connecting);
    world.open(link, "group-1");
    assert!(world.effects().is_empty(), "the gateway speaks first");
    world.receive(link, bare(GatewayMessageType::GatewayHello));
    let registration: WorkerConnectRequestData = payload(&world.only_frame(link), GatewayMessageType::WorkerConnect);
    assert_eq!(registration.connection_id, format!("connection-{}", link.0));
    assert_eq!(registration.instance_id, "worker-1");
    let auth = registration.auth_data.expect("is there");
    assert_eq!((auth.session_token.as_str(), auth.sync_token.as_str()), ("session", "sync"));
    assert_eq!(registration.capabilities, r#"{"trust_probe":"v1","connect":"v1"}"#);
    assert_eq!(registration.apps.len(), 1);
    assert_eq!(registration.apps[0].app_version.as_deref(), Some("v7"));
    assert_eq!(registration.max_worker_concurrency, Some(2));
    assert_eq!(registration.started_at, Some(Timestamp { seconds: 7, nanos: 0 }));
    assert_eq!((registration.sdk_language.as_str(), registration.sdk_version.as_str()), ("system-bus", "v1.2.3"));
    assert_eq!(world.state(), State::Connecting);
    world.receive(link, ready());
    assert_eq!(world.state(), State::Active);
    assert_eq!(world.machine.status().gateway_group.as_deref(), Some("group-1"));
}

#[test]
fn a_gateway_that_does_not_greet_in_five_seconds_is_given_up() {
    let mut world = World::new();
    let link = world.dialed();
    world.open(link, "slow");
    world.pass(Duration::from_millis(4_999));
    assert!(world.effects().is_empty());
    world.pass(Duration::from_millis(1));
    assert_eq!(world.effects(), [Effect::Abort { link }]);
    assert!(world.machine.status().error.expect("is told").contains("greet"));
    world.pass(2 * SECOND);
    assert_eq!(world.dialed_without().1, ["slow"]);
}

#[test]
fn a_gateway_that_does_not_confirm_in_twenty_seconds_is_given_up() {
    let mut world = World::new();
    let link = world.dialed();
    world.open(link, "slow");
    world.receive(link, bare(GatewayMessageType::GatewayHello));
    world.effects();
    world.pass(Duration::from_millis(19_999));
    assert!(world.effects().is_empty());
    world.pass(Duration::from_millis(1));
    assert_eq!(world.effects(), [Effect::Abort { link }]);
}

#[test]
fn a_wrong_first_message_ends_the_attempt() {
    let mut world = World::new();
    let link = world.dialed();
    world.open(link, "odd");
    world.receive(link, ready());
    assert!(matches!(world.effects()[..], [Effect::Close { code: 1002, .. }]));
    let error = world.machine.status().error.expect("is told");
    assert!(error.contains("GATEWAY_CONNECTION_READY where GATEWAY_HELLO"), "{error}");
}

#[test]
fn a_refused_registration_is_tried_again_after_five_minutes_or_when_it_changes() {
    let mut world = World::new();
    let link = world.dialed();
    world.open(link, "group-1");
    world.receive(link, bare(GatewayMessageType::GatewayHello));
    let error = SystemError { code: "c".to_owned(), data: None, message: "bad trigger".to_owned() };
    world.receive(link, message(GatewayMessageType::SyncFailed, &error));
    assert!(world.machine.status().error.expect("is told").contains("bad trigger (c)"));
    world.effects();
    world.pass(Duration::from_secs(299));
    assert!(world.effects().is_empty());
    let app = App { name: "app".to_owned(), version: None, functions: Bytes::from_static(b"[]") };
    world.handle(Input::Reconnect { apps: Some(vec![app]) });
    let link = world.dialed();
    world.open(link, "group-1");
    world.receive(link, bare(GatewayMessageType::GatewayHello));
    let registration: WorkerConnectRequestData = payload(&world.only_frame(link), GatewayMessageType::WorkerConnect);
    assert_eq!(registration.apps[0].functions, "[]");
}

#[test]
fn attempts_have_no_upper_bound() {
    let mut world = World::new();
    for _ in 0..50 {
        let link = world.dialed();
        world.lose(link);
        world.pass(Duration::from_secs(331));
    }
    assert_eq!(world.state(), State::Connecting);
    let link = world.dialed();
    world.handshake(link, "group-1");
    assert_eq!((world.state(), world.machine.status().failed_attempts), (State::Active, 0));
}

#[test]
fn two_unanswered_heartbeats_lead_to_another_connection() {
    let (mut world, link) = World::active();
    for _ in 0..3 {
        world.pass(10 * SECOND);
        assert_eq!(kinds(&world.frames(link)), [GatewayMessageType::WorkerHeartbeat]);
        world.receive(link, bare(GatewayMessageType::GatewayHeartbeat));
    }
    world.pass(20 * SECOND);
    assert_eq!(world.frames(link).len(), 2);
    world.pass(10 * SECOND);
    assert_eq!(world.effects(), [Effect::Abort { link }]);
    assert_eq!(world.state(), State::Reconnecting);
    world.pass(2 * SECOND);
    assert_ne!(world.dialed(), link);
}

#[test]
fn a_request_is_acknowledged_executed_and_answered() {
    let (mut world, link) = World::active();
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &request("a")));
    let effects = world.effects();
    let [Effect::Send { frame, .. }, Effect::Call { call, request: executed }] = &effects[..] else {
        panic!("{effects:?}");
    };
    let ack: WorkerRequestAckData = payload(frame, GatewayMessageType::WorkerRequestAck);
    assert_eq!((ack.request_id.as_str(), ack.function_slug.as_str(), ack.run_id.as_str()), ("a", "app-f", "run-of-a"));
    assert_eq!((ack.account_id.as_str(), ack.env_id.as_str(), ack.app_id.as_str()), ("account", "env", "app-uuid"));
    assert_eq!((ack.step_id.as_deref(), &ack.system_trace_ctx[..]), (Some("step"), &b"{\"s\":1}"[..]));
    assert_eq!((executed.function.as_str(), executed.step.as_deref()), ("app-f", Some("step")));
    assert_eq!((&executed.body[..], executed.job_id.as_str()), (&b"{}"[..], "job"));
    world.finish(*call);
    let reply: SdkResponse = payload(&world.only_frame(link), GatewayMessageType::WorkerReply);
    assert_eq!((reply.request_id.as_str(), reply.status, &reply.body[..]), ("a", 1, &b"\"out\""[..]));
    assert_eq!((reply.sdk_version.as_str(), reply.request_version), ("system-bus:v1.2.3", 2));
    assert_eq!((&reply.system_trace_ctx[..], reply.run_id.as_str()), (&b"{\"s\":1}"[..], "run-of-a"));
    world.receive(link, reply_ack("a"));
    assert_eq!(world.machine.status().unconfirmed_replies, 0);
    world.pass(9 * SECOND);
    assert!(world.effects().is_empty());
}

#[test]
fn a_lease_is_extended_until_the_call_is_over() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    world.pass(5 * SECOND);
    let extension: WorkerRequestExtendLeaseData =
        payload(&world.only_frame(link), GatewayMessageType::WorkerRequestExtendLease);
    assert_eq!((extension.request_id.as_str(), extension.lease_id.as_str()), ("a", "lease-of-a"));
    assert_eq!((extension.run_id.as_str(), extension.step_id.as_deref()), ("run-of-a", Some("step")));
    world.receive(link, lease_ack("a", Some("lease-2")));
    world.pass(4 * SECOND);
    assert!(world.effects().is_empty());
    world.pass(SECOND);
    let frames = world.frames(link);
    assert_eq!(frames.len(), 2, "a heartbeat is due too");
    let extension: WorkerRequestExtendLeaseData = payload(&frames[1], GatewayMessageType::WorkerRequestExtendLease);
    assert_eq!(extension.lease_id, "lease-2");
    world.finish(call);
    world.receive(link, reply_ack("a"));
    world.effects();
    world.receive(link, bare(GatewayMessageType::GatewayHeartbeat));
    world.pass(9 * SECOND);
    assert!(world.effects().is_empty());
}

#[test]
fn a_call_whose_lease_is_lost_goes_on_without_extensions_and_is_answered() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    world.receive(link, lease_ack("a", None));
    world.pass(9 * SECOND);
    assert!(world.effects().is_empty());
    world.finish(call);
    assert_eq!(kinds(&world.frames(link)), [GatewayMessageType::WorkerReply]);
}

#[test]
fn a_request_that_arrives_again_is_not_executed_twice() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    world.receive(link, lease_ack("a", None));
    let again = GatewayExecutorRequestData { lease_id: "lease-9".to_owned(), ..request("a") };
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &again));
    assert_eq!(kinds(&world.frames(link)), [GatewayMessageType::WorkerRequestAck]);
    world.pass(5 * SECOND);
    let extension: WorkerRequestExtendLeaseData =
        payload(&world.only_frame(link), GatewayMessageType::WorkerRequestExtendLease);
    assert_eq!(extension.lease_id, "lease-9");
    world.finish(call);
    world.effects();
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &again));
    let expected = [GatewayMessageType::WorkerRequestAck, GatewayMessageType::WorkerReply];
    assert_eq!(kinds(&world.frames(link)), expected, "an answered one is answered again");
}

#[test]
fn a_request_beyond_the_pool_waits_unacknowledged() {
    let (mut world, link) = World::active();
    let first = world.request(link, "a");
    world.request(link, "b");
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &request("c")));
    assert!(world.effects().is_empty());
    assert_eq!((world.machine.status().running, world.machine.status().waiting), (2, 1));
    world.pass(SECOND);
    world.finish(first);
    let expected = [
        GatewayMessageType::WorkerReply,
        GatewayMessageType::WorkerRequestAck,
        GatewayMessageType::WorkerRequestExtendLease,
    ];
    assert_eq!(kinds(&world.frames(link)), expected, "its lease is not fresh");
    assert_eq!((world.machine.status().running, world.machine.status().waiting), (2, 0));
}

#[test]
fn a_request_that_has_waited_too_long_is_left_to_another_worker() {
    let (mut world, link) = World::active();
    let first = world.request(link, "a");
    world.request(link, "b");
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &request("c")));
    for _ in 0..11 {
        world.pass(10 * SECOND);
        world.receive(link, bare(GatewayMessageType::GatewayHeartbeat));
    }
    world.effects();
    world.finish(first);
    assert_eq!(kinds(&world.frames(link)), [GatewayMessageType::WorkerReply]);
}

#[test]
fn requests_beyond_the_waiting_room_are_passed_over() {
    let (mut world, link) = World::active();
    for number in 0..200 {
        world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &request(&number.to_string())));
    }
    assert_eq!((world.machine.status().running, world.machine.status().waiting), (2, 100));
}

#[test]
fn a_request_for_another_app_is_not_acknowledged() {
    let (mut world, link) = World::active();
    let other = GatewayExecutorRequestData { app_name: "other".to_owned(), ..request("a") };
    world.receive(link, message(GatewayMessageType::GatewayExecutorRequest, &other));
    assert!(world.effects().is_empty());
}

#[test]
fn an_unconfirmed_reply_is_flushed_after_five_seconds_until_the_server_has_it() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    world.finish(call);
    world.effects();
    world.pass(Duration::from_millis(4_999));
    assert!(world.flushed().is_empty());
    world.pass(Duration::from_millis(1));
    let flushed = world.flushed();
    assert_eq!((flushed.len(), flushed[0].request_id.as_str(), &flushed[0].body[..]), (1, "a", &b"\"out\""[..]));
    let failed = FlushOutcome::Failed("down".to_owned());
    world.handle(Input::Flushed { outcomes: vec![("a".to_owned(), failed)] });
    world.receive(link, bare(GatewayMessageType::GatewayHeartbeat));
    world.pass(20 * SECOND);
    assert!(world.flushed().is_empty());
    world.receive(link, bare(GatewayMessageType::GatewayHeartbeat));
    world.pass(10 * SECOND);
    assert_eq!(world.flushed().len(), 1);
    world.handle(Input::Flushed { outcomes: vec![("a".to_owned(), FlushOutcome::Delivered)] });
    assert_eq!((world.machine.status().unconfirmed_replies, world.machine.status().lost_replies), (0, 0));
}

#[test]
fn a_reply_without_a_connection_is_flushed_and_the_call_survives_the_loss() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    world.lose(link);
    assert_eq!(world.state(), State::Reconnecting);
    world.effects();
    world.finish(call);
    assert_eq!(world.flushed().len(), 1);
    world.handle(Input::Flushed { outcomes: vec![("a".to_owned(), FlushOutcome::Failed("down".to_owned()))] });
    assert!(world.flushed().is_empty());
    world.pass(2 * SECOND);
    let link = world.dialed();
    world.handshake(link, "group-1");
    assert_eq!(world.flushed().len(), 1, "a new connection flushes at once");
}

#[test]
fn a_reply_too_large_for_the_gateway_goes_through_the_flush_api() {
    let (mut world, link) = World::active();
    let call = world.request(link, "a");
    let response = Response { body: vec![b'1'; 8 * 1024 * 1024].into(), ..done() };
    world.handle(Input::CallFinished { call, response: Some(response) });
    assert_eq!(world.flushed().len(), 1);
}

#[test]
fn leases_that_fell_due_without_a_connection_are_extended_over_the_next_one() {
    let (mut world, link) = World::active();
    world.request(link, "a");
    world.lose(link);
    world.pass(8 * SECOND);
    let link = world.dialed();
    world.open(link, "group-2");
    world.receive(link, bare(GatewayMessageType::GatewayHello));
    world.effects();
    world.receive(link, ready());
    assert_eq!(kinds(&world.frames(link)), [GatewayMessageType::WorkerRequestExtendLease]);
}

#[test]
fn a_draining_gateway_is_replaced_before_it_is_left() {
    let (mut world, old) = World::active();
    let call = world.request(old, "a");
    let other = world.request(old, "b");
    world.receive(old, bare(GatewayMessageType::GatewayClosing));
    assert_eq!(world.state(), State::Active);
    let (new, exclude) = world.dialed_without();
    assert_eq!(exclude, ["group-1"]);

    world.receive(old, message(GatewayMessageType::GatewayExecutorRequest, &request("c")));
    assert!(world.effects().is_empty(), "a draining gateway's requests are not taken");
    world.pass(5 * SECOND);
    assert_eq!(kinds(&world.frames(old)), [GatewayMessageType::WorkerRequestExtendLease; 2]);
    world.finish(call);
    assert_eq!(kinds(&world.frames(old)), [GatewayMessageType::WorkerReply], "the old one carries what it can");

    world.handshake(new, "group-2");
    let effects = world.effects();
    let close = Effect::Close { link: old, code: 1000, reason: "WORKER_SHUTDOWN" };
    assert!(effects.contains(&close), "{effects:?}");
    world.receive(old, reply_ack("a"));
    assert_eq!(world.machine.status().unconfirmed_replies, 0, "a late confirmation counts");
    world.pass(5 * SECOND);
    assert!(kinds(&world.frames(new)).contains(&GatewayMessageType::WorkerRequestExtendLease));
    world.finish(other);
    assert_eq!(kinds(&world.frames(new)), [GatewayMessageType::WorkerReply]);
    world.lose(old);
    assert_eq!(world.state(), State::Active);
}

#[test]
fn a_draining_gateway_that_goes_too_early_leaves_the_worker_reconnecting() {
    let (mut world, old) = World::active();
    world.receive(old, bare(GatewayMessageType::GatewayClosing));
    let new = world.dialed();
    world.lose(old);
    assert_eq!(world.state(), State::Reconnecting);
    world.handshake(new, "group-2");
    assert_eq!(world.state(), State::Active);
}

#[test]
fn a_gateway_that_closes_during_the_handshake_is_replaced_soon() {
    let mut world = World::new();
    let link = world.dialed();
    world.open(link, "group-1");
    world.handle(Input::Lost { link, failure: Failure::closed(1001, "connect_gateway_closing") });
    world.pass(Duration::from_millis(1_500));
    assert_eq!(world.dialed_without().1, ["group-1"]);
}

#[test]
fn registering_again_keeps_the_old_connection_until_the_new_one_is_ready() {
    let (mut world, old) = World::active();
    world.handle(Input::Reconnect { apps: None });
    assert_eq!(world.state(), State::Active);
    let new = world.dialed();
    world.request(old, "a");
    world.handshake(new, "group-1");
    assert!(world.effects().contains(&Effect::Close { link: old, code: 1000, reason: "WORKER_SHUTDOWN" }));
    assert_eq!(world.state(), State::Active);
    world.pass(5 * SECOND);
    assert!(world.effects().contains(&Effect::Abort { link: old }), "a close that is not confirmed ends by itself");
}

#[test]
fn the_status_is_reported_when_the_gateway_asks_for_it() {
    let mut world = World::new();
    let link = world.dialed();
    world.open(link, "group-1");
    world.receive(link, bare(GatewayMessageType::GatewayHello));
    let intervals = GatewayConnectionReadyData { status_interval: "3s".to_owned(), ..Default::default() };
    world.receive(link, message(GatewayMessageType::GatewayConnectionReady, &intervals));
    world.request(link, "a");
    world.pass(3 * SECOND);
    let status: WorkerStatusData = payload(&world.only_frame(link), GatewayMessageType::WorkerStatus);
    assert_eq!((status.in_flight_request_ids, status.shutdown_requested), (vec!["a".to_owned()], false));
}

#[test]
fn bytes_that_are_no_message_change_nothing() {
    let (mut world, link) = World::active();
    world.receive(link, Bytes::from_static(&[0xff]));
    assert_eq!((world.state(), world.effects()), (State::Active, Vec::new()));
}
