//! Connect as a whole: the machine in virtual time, and the worker against a gateway made for the purpose.

mod gateway;
mod machine;
mod properties;
mod recorded;
mod shutdown;
mod wire;
mod worker;

use bytes::Bytes;
use prost::Message;

use super::proto::{ConnectMessage, GatewayExecutorRequestData, GatewayMessageType};
use super::{App, Config};
use crate::server::SigningKeys;

/// The configuration of a worker with one app, `app`.
fn config(api_origin: &str) -> Config {
    Config {
        api_origin: reqwest::Url::parse(api_origin).expect("is a URL"),
        gateway: None,
        keys: SigningKeys::default(),
        env: Some("branch".to_owned()),
        instance_id: "worker-1".to_owned(),
        apps: vec![App {
            name: "app".to_owned(),
            version: Some("v7".to_owned()),
            functions: Bytes::from_static(br#"[{"id":"app-f"}]"#),
        }],
        sdk_language: "system-bus".to_owned(),
        sdk_version: "1.2.3".to_owned(),
        framework: "axum".to_owned(),
        platform: Some("kubernetes".to_owned()),
        max_worker_concurrency: 2,
    }
}

/// A request with every field set.
fn request(id: &str) -> GatewayExecutorRequestData {
    GatewayExecutorRequestData {
        request_id: id.to_owned(),
        account_id: "account".to_owned(),
        env_id: "env".to_owned(),
        app_id: "app-uuid".to_owned(),
        app_name: "app".to_owned(),
        function_id: "function-uuid".to_owned(),
        function_slug: "app-f".to_owned(),
        step_id: Some("step".to_owned()),
        request_payload: Bytes::from_static(b"{}"),
        system_trace_ctx: Bytes::from_static(b"{\"s\":1}"),
        user_trace_ctx: Bytes::from_static(b"{\"u\":1}"),
        run_id: format!("run-of-{id}"),
        lease_id: format!("lease-of-{id}"),
        job_id: "job".to_owned(),
    }
}

/// A message of a gateway.
fn message(kind: GatewayMessageType, payload: &impl Message) -> Bytes {
    ConnectMessage { kind: kind.into(), payload: payload.encode_to_vec().into() }.encode_to_vec().into()
}

/// A message without payload.
fn bare(kind: GatewayMessageType) -> Bytes {
    message(kind, &())
}

/// What a worker sent: its kind and payload.
#[track_caller]
fn sent(frame: &Bytes) -> (GatewayMessageType, Bytes) {
    let message = ConnectMessage::decode(frame.clone()).expect("is a message");
    (GatewayMessageType::try_from(message.kind).expect("is a known kind"), message.payload)
}

/// The payload of a message of this kind.
#[track_caller]
fn payload<T: Message + Default>(frame: &Bytes, kind: GatewayMessageType) -> T {
    let (is, payload) = sent(frame);
    assert_eq!(is, kind);
    T::decode(payload).expect("is such a payload")
}
