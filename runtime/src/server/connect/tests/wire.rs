//! The wire format: field numbers against bytes written by hand, recorded messages, and bytes that are none.

use prost::Message;

use super::super::frame;
use super::super::proto::{
    AppConfiguration, AuthData, ConnectMessage, GatewayExecutorRequestData, GatewayMessageType, SdkResponse,
    StartRequest, StartResponse, Timestamp, WorkerConnectRequestData,
};
use super::{bare, message, request};

#[track_caller]
fn check(message: &impl Message, bytes: &[u8]) {
    assert_eq!(message.encode_to_vec(), bytes);
}

/// A field of type text or bytes, as Protocol Buffers write it.
fn field(number: u8, text: &str) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2, u8::try_from(text.len()).expect("is short")];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[test]
fn messages_have_the_field_numbers_of_the_protocol() {
    check(&ConnectMessage { kind: 14, payload: "x".into() }, &[0x08, 14, 0x12, 1, b'x']);
    check(&StartRequest { exclude_gateways: vec!["a".into(), "b".into()] }, &[0x0a, 1, b'a', 0x0a, 1, b'b']);
    let start = StartResponse {
        connection_id: "c".into(),
        gateway_endpoint: "e".into(),
        gateway_group: "g".into(),
        session_token: "s".into(),
        sync_token: "y".into(),
    };
    check(&start, &[field(1, "c"), field(2, "e"), field(3, "g"), field(4, "s"), field(5, "y")].concat());
    let app = AppConfiguration { app_name: "n".into(), app_version: Some("v".into()), functions: "f".into() };
    check(&app, &[field(1, "n"), field(2, "v"), field(4, "f")].concat());
}

#[test]
fn the_registration_has_the_field_numbers_of_the_protocol() {
    let registration = WorkerConnectRequestData {
        connection_id: "c".into(),
        instance_id: "i".into(),
        auth_data: Some(AuthData { session_token: "s".into(), sync_token: "y".into() }),
        capabilities: "p".into(),
        apps: Vec::new(),
        worker_manual_readiness_ack: true,
        system_attributes: None,
        environment: Some("e".into()),
        framework: "f".into(),
        platform: Some("l".into()),
        sdk_version: "v".into(),
        sdk_language: "g".into(),
        started_at: Some(Timestamp { seconds: 1, nanos: 2 }),
        max_worker_concurrency: Some(3),
    };
    let bytes = [
        field(1, "c"),
        field(2, "i"),
        vec![3 << 3 | 2, 6],
        field(1, "s"),
        field(2, "y"),
        field(4, "p"),
        vec![6 << 3, 1],
        field(8, "e"),
        field(9, "f"),
        field(10, "l"),
        field(11, "v"),
        field(12, "g"),
        vec![13 << 3 | 2, 4, 1 << 3, 1, 2 << 3, 2],
        vec![14 << 3, 3],
    ];
    check(&registration, &bytes.concat());
}

#[test]
fn requests_and_replies_have_the_field_numbers_of_the_protocol() {
    let text = |number: u8| char::from(b'a' + number).to_string();
    let mut request = GatewayExecutorRequestData::default();
    let bytes: Vec<u8> = (1..=14).flat_map(|number| field(number, &text(number))).collect();
    request.merge(&bytes[..]).expect("is a request");
    assert_eq!((request.request_id, request.function_slug, request.step_id), (text(1), text(7), Some(text(8))));
    assert_eq!((request.run_id, request.lease_id, request.job_id), (text(12), text(13), text(14)));
    assert_eq!((request.request_payload.to_vec(), request.user_trace_ctx.to_vec()), (b"j".to_vec(), b"l".to_vec()));

    let reply = SdkResponse {
        request_id: "r".into(),
        account_id: "a".into(),
        env_id: "e".into(),
        app_id: "p".into(),
        status: 2,
        body: "b".into(),
        no_retry: true,
        retry_after: Some("t".into()),
        sdk_version: "v".into(),
        request_version: 2,
        system_trace_ctx: "s".into(),
        user_trace_ctx: "u".into(),
        run_id: "n".into(),
    };
    let bytes = [
        field(1, "r"),
        field(2, "a"),
        field(3, "e"),
        field(4, "p"),
        vec![5 << 3, 2],
        field(6, "b"),
        vec![7 << 3, 1],
        field(8, "t"),
        field(9, "v"),
        vec![10 << 3, 2],
        field(11, "s"),
        field(12, "u"),
        field(13, "n"),
    ];
    check(&reply, &bytes.concat());
}

#[test]
fn message_kinds_have_the_numbers_of_the_protocol() {
    let kinds = [
        "GATEWAY_HELLO",
        "WORKER_CONNECT",
        "GATEWAY_CONNECTION_READY",
        "GATEWAY_EXECUTOR_REQUEST",
        "WORKER_READY",
        "WORKER_REQUEST_ACK",
        "WORKER_REPLY",
        "WORKER_REPLY_ACK",
        "WORKER_PAUSE",
        "WORKER_HEARTBEAT",
        "GATEWAY_HEARTBEAT",
        "GATEWAY_CLOSING",
        "WORKER_REQUEST_EXTEND_LEASE",
        "WORKER_REQUEST_EXTEND_LEASE_ACK",
        "SYNC_FAILED",
        "WORKER_STATUS",
    ];
    for (number, name) in (0..).zip(kinds) {
        assert_eq!(GatewayMessageType::try_from(number).expect("is known").as_str_name(), name);
    }
}

#[test]
fn a_message_of_an_unknown_kind_is_no_error() {
    let bytes = ConnectMessage { kind: 99, payload: "?".into() }.encode_to_vec();
    assert_eq!(format!("{:?}", frame::decode(&bytes).expect("is a message")), "Unknown(99)");
    assert_eq!(format!("{:?}", frame::decode(&[]).expect("is the greeting")), "Hello");
}

#[test]
fn no_bytes_make_the_decoder_panic() {
    let mut random = fastrand::Rng::with_seed(20_26);
    let good = [
        message(GatewayMessageType::GatewayExecutorRequest, &request("a")),
        message(GatewayMessageType::SyncFailed, &request("b")),
        bare(GatewayMessageType::GatewayHeartbeat),
    ];
    for round in 0..50_000 {
        let mut bytes = if round % 2 == 0 {
            let mut bytes = vec![0; random.usize(..64)];
            random.fill(&mut bytes);
            bytes
        } else {
            good[random.usize(..good.len())].to_vec()
        };
        for _ in 0..random.usize(..4) {
            match (random.u8(..3), bytes.len()) {
                (0, length @ 1..) => bytes[random.usize(..length)] = random.u8(..),
                (1, length @ 1..) => bytes.truncate(random.usize(..length)),
                _ => bytes.insert(random.usize(..=bytes.len()), random.u8(..)),
            }
        }
        drop(frame::decode(&bytes));
    }
}
