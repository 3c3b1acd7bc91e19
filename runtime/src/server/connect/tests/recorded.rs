//! A session recorded with a real server: its messages are understood, and the answers are those that it took.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::super::machine::{Effect, Input};
use super::super::proto::{GatewayMessageType, SdkResponse, SdkResponseStatus};
use super::super::{Response, ResponseStatus, State};
use super::machine::World;
use super::{config, payload, sent};

const SESSION: &str = include_str!("../../../../../tests/wire/connect/session.jsonl");

#[derive(Deserialize)]
struct Line {
    from: String,
    message: Option<String>,
    close: Option<String>,
}

fn bytes(hexadecimal: &str) -> Bytes {
    hex::decode(hexadecimal).expect("is hexadecimal").into()
}

/// The answer that a recorded reply carried.
fn answer(frame: &Bytes) -> Response {
    let reply: SdkResponse = payload(frame, GatewayMessageType::WorkerReply);
    let status = match reply.status() {
        SdkResponseStatus::NotCompleted => ResponseStatus::NotCompleted,
        SdkResponseStatus::Done => ResponseStatus::Done,
        SdkResponseStatus::Error => ResponseStatus::Error,
    };
    let SdkResponse { body, no_retry, retry_after, request_version, .. } = reply;
    Response { status, body, no_retry, retry_after, request_version }
}

#[test]
fn a_recorded_session_is_replayed_byte_by_byte() {
    let mut config = config("http://server");
    config.sdk_version = "0.1.0".to_owned();
    let mut world = World::with(config);
    let link = world.dialed();
    world.open(link, "gw-dev");
    let (mut frames, mut calls, mut closes) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
    let mut replies = 0;
    for line in SESSION.lines() {
        let line: Line = serde_json::from_str(line).expect("is a line of the recording");
        let is_gateway = line.from == "gateway";
        let message = line.message.as_deref().map(bytes);
        if let (true, Some(message)) = (is_gateway, &message) {
            world.receive(link, message.clone());
        }
        let expected = message.as_ref().filter(|_| !is_gateway).map(|message| (sent(message).0, message));
        match &expected {
            Some((GatewayMessageType::WorkerHeartbeat, _)) => world.pass(Duration::from_secs(10)),
            Some((GatewayMessageType::WorkerReply, message)) => {
                let call = calls.pop_front().expect("a call runs");
                world.handle(Input::CallFinished { call, response: Some(answer(message)) });
                replies += 1;
            }
            Some((GatewayMessageType::WorkerPause, _)) => {
                world.handle(Input::Shutdown { grace: Duration::from_secs(10) });
            }
            _ => {}
        }
        for effect in world.effects() {
            match effect {
                Effect::Send { frame, .. } => frames.push_back(frame),
                Effect::Call { call, request } => {
                    assert_eq!((request.app.as_str(), request.function.as_str()), ("app", "app-f"));
                    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("is JSON");
                    assert_eq!(body["ctx"]["run_id"], request.run_id);
                    calls.push_back(call);
                }
                Effect::Close { code, reason, .. } => closes.push_back((code, reason)),
                other => panic!("{other:?}"),
            }
        }
        if let Some((kind, message)) = expected {
            let frame = frames.pop_front().unwrap_or_else(|| panic!("no {}", kind.as_str_name()));
            if kind == GatewayMessageType::WorkerConnect {
                assert_eq!(sent(&frame).0, kind);
            } else {
                assert_eq!(&frame, message, "{}", kind.as_str_name());
            }
        }
        if let (false, Some(close)) = (is_gateway, line.close) {
            let (code, reason) = closes.pop_front().expect("the worker closes");
            assert_eq!([&code.to_be_bytes(), reason.as_bytes()].concat(), bytes(&close));
        }
    }
    assert_eq!((replies, frames.len(), world.state()), (3, 0, State::Closing));
    assert_eq!(world.machine.status().unconfirmed_replies, 0);
}
