//! The worker as a whole, against a gateway on loopback.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bytes::Bytes;

use super::super::proto::{
    GatewayExecutorRequestData, GatewayMessageType, SdkResponse, WorkerRequestAckData, WorkerRequestExtendLeaseData,
};
use super::super::{Handle, Handler, Request, Response, State, start};
use super::gateway::{Connection, Gateway, Start, patiently};
use super::machine::{done, reply_ack};
use super::{bare, config, message, payload, request, sent};
use crate::server::{SigningKey, SigningKeys};

/// Answers at once; a body of `block` keeps its thread until the test lets go, `panic` panics.
#[derive(Clone)]
struct Blocking(Arc<Mutex<mpsc::Receiver<()>>>);

impl Handler for Blocking {
    async fn call(&self, request: Request) -> Response {
        match &request.body[..] {
            b"block" => self.0.lock().expect("is not poisoned").recv().expect("the test lets go"),
            b"panic" => panic!("on purpose"),
            b"for ever" => std::future::pending().await,
            _ => {}
        }
        done()
    }
}

/// A gateway, a worker, and what lets a blocking function go.
async fn worker() -> (Gateway, Handle, mpsc::Sender<()>) {
    let gateway = Gateway::start().await;
    let (release, blocked) = mpsc::channel();
    let handler = Blocking(Arc::new(Mutex::new(blocked)));
    let handle = start(config(&gateway.origin), handler, tokio::runtime::Handle::current()).expect("starts");
    (gateway, handle, release)
}

async fn ask(connection: &mut Connection, id: &str, body: &'static str) {
    let request = GatewayExecutorRequestData { request_payload: Bytes::from_static(body.as_bytes()), ..request(id) };
    connection.send(message(GatewayMessageType::GatewayExecutorRequest, &request)).await;
    let ack: WorkerRequestAckData = payload(&connection.next_special().await, GatewayMessageType::WorkerRequestAck);
    assert_eq!(ack.request_id, id);
}

async fn answer(connection: &mut Connection) -> SdkResponse {
    payload(&connection.next_special().await, GatewayMessageType::WorkerReply)
}

async fn reaches(handle: &Handle, state: State) {
    patiently(handle.status().wait_for(|status| status.state == state)).await.expect("the worker runs");
}

#[tokio::test]
async fn a_worker_registers_and_answers() {
    let (mut gateway, handle, _release) = worker().await;
    let expected = Start { bearer: None, env: Some("branch".to_owned()), exclude: Vec::new() };
    assert_eq!(gateway.started().await, expected);
    let mut connection = gateway.connection().await;
    let registration = connection.handshake("10s", "5s").await;
    assert_eq!(registration.connection_id, "connection-1");
    assert_eq!(
        (registration.environment.as_deref(), registration.platform.as_deref()),
        (Some("branch"), Some("kubernetes"))
    );
    assert_eq!((registration.framework.as_str(), registration.worker_manual_readiness_ack), ("axum", false));
    assert!(registration.system_attributes.expect("is there").cpu_cores > 0);
    assert!(registration.started_at.expect("is there").seconds > 1_700_000_000);
    reaches(&handle, State::Active).await;
    ask(&mut connection, "a", "{}").await;
    let reply = answer(&mut connection).await;
    assert_eq!((reply.request_id.as_str(), &reply.body[..], reply.status), ("a", &b"\"out\""[..], 1));
    connection.send(reply_ack("a")).await;
    let confirmed = |status: &super::super::Status| status.running == 0 && status.unconfirmed_replies == 0;
    patiently(handle.status().wait_for(confirmed)).await.expect("the worker runs");
}

#[tokio::test]
async fn a_function_that_panics_is_an_error_that_may_be_retried() {
    let (mut gateway, _handle, _release) = worker().await;
    let mut connection = gateway.connected("10s", "5s").await;
    ask(&mut connection, "a", "panic").await;
    let reply = answer(&mut connection).await;
    assert_eq!((reply.status, reply.no_retry), (2, false));
    assert!(String::from_utf8_lossy(&reply.body).contains("panicked"));
}

#[tokio::test]
async fn the_fallback_key_is_used_when_the_current_one_is_refused() {
    let mut gateway = Gateway::start().await;
    let key = |text: &str| SigningKey::parse(text).expect("is a key");
    let (current, fallback) = (key("signkey-test-00"), key("signkey-test-01"));
    gateway.behaviour.lock().expect("is not poisoned").bearer = Some(fallback.bearer());
    let mut config = config(&gateway.origin);
    config.keys = SigningKeys { current: Some(current.clone()), fallback: Some(fallback.clone()) };
    let (_release, blocked) = mpsc::channel();
    let handler = Blocking(Arc::new(Mutex::new(blocked)));
    let handle = start(config, handler, tokio::runtime::Handle::current()).expect("starts");
    assert_eq!(gateway.started().await.bearer, Some(current.bearer()));
    assert_eq!(gateway.started().await.bearer, Some(fallback.bearer()));
    let _connection = gateway.connected("10s", "5s").await;
    reaches(&handle, State::Active).await;
    handle.reconnect(None);
    assert_eq!(gateway.started().await.bearer, Some(fallback.bearer()), "the key that works comes first");
}

#[tokio::test]
async fn keys_that_are_refused_are_an_error_that_the_operator_sees() {
    let gateway = Gateway::start().await;
    gateway.behaviour.lock().expect("is not poisoned").bearer = Some("Bearer another".to_owned());
    let mut config = config(&gateway.origin);
    config.keys.current = Some(SigningKey::parse("signkey-test-00").expect("is a key"));
    let (_release, blocked) = mpsc::channel();
    let handler = Blocking(Arc::new(Mutex::new(blocked)));
    let handle = start(config, handler, tokio::runtime::Handle::current()).expect("starts");
    let mut status = handle.status();
    let status = patiently(status.wait_for(|status| status.error.is_some())).await.expect("the worker runs").clone();
    let error = status.error.expect("is there");
    assert!(error.contains("INNGEST_SIGNING_KEY"), "{error}");
    assert_eq!((status.state, status.failed_attempts), (State::Connecting, 1));
}

#[tokio::test]
async fn something_that_is_no_gateway_is_an_error_that_the_operator_sees() {
    let mut gateway = Gateway::start().await;
    gateway.behaviour.lock().expect("is not poisoned").is_no_gateway = true;
    let (_release, blocked) = mpsc::channel();
    let handler = Blocking(Arc::new(Mutex::new(blocked)));
    let handle = start(config(&gateway.origin), handler, tokio::runtime::Handle::current()).expect("starts");
    let mut status = handle.status();
    let status = patiently(status.wait_for(|status| status.error.is_some())).await.expect("the worker runs").clone();
    assert!(status.error.as_deref().is_some_and(|error| error.contains("SubProtocol")), "{status:?}");
    gateway.started().await;
    gateway.behaviour.lock().expect("is not poisoned").is_no_gateway = false;
    assert_eq!(gateway.started().await.exclude, ["group-1"], "another gateway is asked for");
}

#[tokio::test]
async fn an_unconfirmed_reply_of_a_lost_connection_is_flushed_with_repetitions() {
    let (mut gateway, handle, _release) = worker().await;
    gateway.behaviour.lock().expect("is not poisoned").failing_flushes = 2;
    let mut connection = gateway.connected("10s", "5s").await;
    ask(&mut connection, "a", "{}").await;
    let reply = answer(&mut connection).await;
    drop(connection);
    assert_eq!(gateway.flushed().await, reply, "the same reply, now over HTTP");
    let confirmed = |status: &super::super::Status| status.unconfirmed_replies == 0;
    patiently(handle.status().wait_for(confirmed)).await.expect("the worker runs");
    let mut connection = gateway.connected("10s", "5s").await;
    reaches(&handle, State::Active).await;
    ask(&mut connection, "b", "{}").await;
    assert_eq!(answer(&mut connection).await.request_id, "b");
}

#[tokio::test]
async fn heartbeats_without_an_answer_lead_to_another_gateway() {
    let (mut gateway, handle, _release) = worker().await;
    let mut connection = gateway.connected("50ms", "5s").await;
    for _ in 0..2 {
        let frame = connection.next().await.expect("is a message");
        assert_eq!(sent(&frame).0, GatewayMessageType::WorkerHeartbeat);
    }
    connection.dropped().await;
    gateway.started().await;
    assert_eq!(gateway.started().await.exclude, ["group-1"]);
    let _connection = gateway.connected("10s", "5s").await;
    reaches(&handle, State::Active).await;
}

#[test]
fn busy_functions_starve_neither_heartbeats_nor_leases() {
    let application = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("starts");
    let tests = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    let (release, blocked) = mpsc::channel();
    tests.block_on(async {
        let mut gateway = Gateway::start().await;
        let handler = Blocking(Arc::new(Mutex::new(blocked)));
        let _handle = start(config(&gateway.origin), handler, application.handle().clone()).expect("starts");
        let mut connection = gateway.connected("40ms", "20ms").await;
        ask(&mut connection, "a", "block").await;
        let (mut heartbeats, mut extensions) = (0, 0);
        while heartbeats < 5 || extensions < 5 {
            let frame = connection.next().await.expect("is a message");
            match sent(&frame).0 {
                GatewayMessageType::WorkerHeartbeat => {
                    heartbeats += 1;
                    connection.send(bare(GatewayMessageType::GatewayHeartbeat)).await;
                }
                kind => {
                    let extension: WorkerRequestExtendLeaseData =
                        payload(&frame, GatewayMessageType::WorkerRequestExtendLease);
                    assert_eq!(extension.lease_id, "lease-of-a", "{kind:?}");
                    extensions += 1;
                }
            }
        }
        release.send(()).expect("it waits");
        assert_eq!(answer(&mut connection).await.request_id, "a");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_gateway_is_replaced_while_calls_run() {
    let (mut gateway, handle, release) = worker().await;
    gateway.started().await;
    let mut old = gateway.connected("10s", "5s").await;
    ask(&mut old, "a", "block").await;
    old.send(bare(GatewayMessageType::GatewayClosing)).await;
    assert_eq!(gateway.started().await.exclude, ["group-1"]);
    let mut new = gateway.connected("10s", "20ms").await;
    assert_eq!(old.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    reaches(&handle, State::Active).await;
    let frame = new.next().await.expect("is a message");
    let extension: WorkerRequestExtendLeaseData = payload(&frame, GatewayMessageType::WorkerRequestExtendLease);
    assert_eq!(extension.lease_id, "lease-of-a");
    release.send(()).expect("it waits");
    assert_eq!(answer(&mut new).await.request_id, "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_finishes_what_runs_and_closes() {
    let (mut gateway, handle, release) = worker().await;
    let mut connection = gateway.connected("10s", "5s").await;
    ask(&mut connection, "a", "block").await;
    let end = tokio::spawn({
        let handle = handle.clone();
        async move { handle.shutdown(Duration::from_secs(60)).await }
    });
    assert_eq!(sent(&connection.next_special().await).0, GatewayMessageType::WorkerPause);
    release.send(()).expect("it waits");
    assert_eq!(answer(&mut connection).await.request_id, "a");
    connection.send(reply_ack("a")).await;
    assert_eq!(connection.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    drop(connection);
    patiently(end).await.expect("ends");
    let status = handle.status().borrow().clone();
    assert_eq!((status.state, status.lost_replies), (State::Closed, 0));
    patiently(handle.shutdown(Duration::ZERO)).await;
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_period_is_dropped() {
    let (mut gateway, handle, _release) = worker().await;
    let mut connection = gateway.connected("10s", "5s").await;
    ask(&mut connection, "a", "for ever").await;
    let end = tokio::spawn(async move { handle.shutdown(Duration::ZERO).await });
    assert_eq!(connection.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    drop(connection);
    patiently(end).await.expect("ends");
}

#[tokio::test]
async fn a_worker_without_handle_ends() {
    let (mut gateway, handle, _release) = worker().await;
    let mut connection = gateway.connected("10s", "5s").await;
    reaches(&handle, State::Active).await;
    let mut status = handle.status();
    drop(handle);
    assert_eq!(connection.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    drop(connection);
    patiently(status.wait_for(|status| status.state == State::Closed)).await.expect("it is told");
}
