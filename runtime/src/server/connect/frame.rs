//! The websocket messages of Connect: bytes to and from typed messages.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use super::proto::{
    ConnectMessage, GatewayConnectionReadyData, GatewayExecutorRequestData, GatewayMessageType, SdkResponse,
    SystemError, WorkerConnectRequestData, WorkerReplyAckData, WorkerRequestAckData, WorkerRequestExtendLeaseAckData,
    WorkerRequestExtendLeaseData, WorkerStatusData,
};
use super::{duration, limits};

/// A message of a gateway.
#[derive(Clone, PartialEq)]
pub struct Frame(pub(super) GatewayFrame);

/// What a gateway can say.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum GatewayFrame {
    /// The greeting, which comes first.
    Hello,
    /// The registration is accepted.
    Ready(Intervals),
    /// The registration is not accepted.
    SyncFailed(SystemError),
    /// A function is to be executed.
    Request(Box<GatewayExecutorRequestData>),
    /// A reply has arrived.
    ReplyAck { request_id: String },
    /// An answer to a lease extension; without a lease the request belongs to somebody else.
    LeaseAck { request_id: String, lease_id: Option<String> },
    /// The answer to a heartbeat.
    Heartbeat,
    /// The gateway will close; another one must be found.
    Closing,
    /// Of a kind that no gateway sends to workers today.
    Unknown(i32),
}

/// How often a gateway wants to hear of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intervals {
    pub(super) heartbeat: Duration,
    pub(super) extend_lease: Duration,
    /// `None`: never, which is what servers say by default.
    pub(super) status: Option<Duration>,
}

/// Bytes that are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {source}")]
pub struct FrameError {
    /// What was expected there.
    kind: &'static str,
    source: prost::DecodeError,
}

impl fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Reads a message of a gateway. Whatever the bytes are, it does not panic.
///
/// ```
/// use system_bus_runtime::server::connect::frame;
///
/// assert_eq!(format!("{:?}", frame::decode(&[0x08, 0x0a]).unwrap()), "Heartbeat");
/// assert!(frame::decode(&[0xff]).is_err());
/// ```
pub fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
    decode_shared(Bytes::copy_from_slice(bytes)).map(Frame)
}

/// As [`decode`], without copying what a message carries.
pub(super) fn decode_shared(bytes: Bytes) -> Result<GatewayFrame, FrameError> {
    let ConnectMessage { kind, payload } = read("a message", bytes)?;
    let Ok(known) = GatewayMessageType::try_from(kind) else { return Ok(GatewayFrame::Unknown(kind)) };
    Ok(match known {
        GatewayMessageType::GatewayHello => GatewayFrame::Hello,
        GatewayMessageType::GatewayConnectionReady => {
            let ready: GatewayConnectionReadyData = read("GATEWAY_CONNECTION_READY", payload)?;
            GatewayFrame::Ready(Intervals::read(&ready))
        }
        GatewayMessageType::SyncFailed => GatewayFrame::SyncFailed(read("SYNC_FAILED", payload)?),
        GatewayMessageType::GatewayExecutorRequest => {
            GatewayFrame::Request(Box::new(read("GATEWAY_EXECUTOR_REQUEST", payload)?))
        }
        GatewayMessageType::WorkerReplyAck => {
            let WorkerReplyAckData { request_id } = read("WORKER_REPLY_ACK", payload)?;
            GatewayFrame::ReplyAck { request_id }
        }
        GatewayMessageType::WorkerRequestExtendLeaseAck => {
            let ack: WorkerRequestExtendLeaseAckData = read("WORKER_REQUEST_EXTEND_LEASE_ACK", payload)?;
            let lease_id = ack.new_lease_id.filter(|id| !id.is_empty());
            GatewayFrame::LeaseAck { request_id: ack.request_id, lease_id }
        }
        GatewayMessageType::GatewayHeartbeat => GatewayFrame::Heartbeat,
        GatewayMessageType::GatewayClosing => GatewayFrame::Closing,
        GatewayMessageType::WorkerConnect
        | GatewayMessageType::WorkerReady
        | GatewayMessageType::WorkerRequestAck
        | GatewayMessageType::WorkerReply
        | GatewayMessageType::WorkerPause
        | GatewayMessageType::WorkerHeartbeat
        | GatewayMessageType::WorkerRequestExtendLease
        | GatewayMessageType::WorkerStatus => GatewayFrame::Unknown(kind),
    })
}

fn read<T: Message + Default>(kind: &'static str, bytes: Bytes) -> Result<T, FrameError> {
    T::decode(bytes).map_err(|source| FrameError { kind, source })
}

impl GatewayFrame {
    /// The message's name, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hello => "GATEWAY_HELLO",
            Self::Ready(_) => "GATEWAY_CONNECTION_READY",
            Self::SyncFailed(_) => "SYNC_FAILED",
            Self::Request(_) => "GATEWAY_EXECUTOR_REQUEST",
            Self::ReplyAck { .. } => "WORKER_REPLY_ACK",
            Self::LeaseAck { .. } => "WORKER_REQUEST_EXTEND_LEASE_ACK",
            Self::Heartbeat => "GATEWAY_HEARTBEAT",
            Self::Closing => "GATEWAY_CLOSING",
            Self::Unknown(_) => "a message of an unknown kind",
        }
    }
}

impl Intervals {
    fn read(ready: &GatewayConnectionReadyData) -> Self {
        let status = duration::parse(&ready.status_interval).filter(|interval| !interval.is_zero());
        Self {
            heartbeat: duration::interval(&ready.heartbeat_interval, limits::HEARTBEAT_INTERVAL_DEFAULT),
            extend_lease: duration::interval(&ready.extend_lease_interval, limits::EXTEND_LEASE_INTERVAL_DEFAULT),
            status: status.map(|interval| interval.clamp(limits::INTERVAL_MIN, limits::INTERVAL_MAX)),
        }
    }
}

pub(super) fn connect(registration: &WorkerConnectRequestData) -> Bytes {
    encode(GatewayMessageType::WorkerConnect, registration.encode_to_vec())
}

pub(super) fn heartbeat() -> Bytes {
    encode(GatewayMessageType::WorkerHeartbeat, Vec::new())
}

pub(super) fn pause() -> Bytes {
    encode(GatewayMessageType::WorkerPause, Vec::new())
}

pub(super) fn status(in_flight_request_ids: Vec<String>, shutdown_requested: bool) -> Bytes {
    let data = WorkerStatusData { in_flight_request_ids, shutdown_requested };
    encode(GatewayMessageType::WorkerStatus, data.encode_to_vec())
}

/// Takes the request over: from here on the gateway gives it to nobody else.
pub(super) fn request_ack(request: &GatewayExecutorRequestData) -> Bytes {
    let request = request.clone();
    let data = WorkerRequestAckData {
        request_id: request.request_id,
        account_id: request.account_id,
        env_id: request.env_id,
        app_id: request.app_id,
        function_slug: request.function_slug,
        step_id: request.step_id,
        system_trace_ctx: request.system_trace_ctx,
        user_trace_ctx: request.user_trace_ctx,
        run_id: request.run_id,
    };
    encode(GatewayMessageType::WorkerRequestAck, data.encode_to_vec())
}

/// Asks for more time for `request`, whose field `lease_id` is the newest lease.
pub(super) fn extend_lease(request: &GatewayExecutorRequestData) -> Bytes {
    let request = request.clone();
    let data = WorkerRequestExtendLeaseData {
        request_id: request.request_id,
        account_id: request.account_id,
        env_id: request.env_id,
        app_id: request.app_id,
        function_slug: request.function_slug,
        step_id: request.step_id,
        system_trace_ctx: request.system_trace_ctx,
        user_trace_ctx: request.user_trace_ctx,
        run_id: request.run_id,
        lease_id: request.lease_id,
    };
    encode(GatewayMessageType::WorkerRequestExtendLease, data.encode_to_vec())
}

/// `response` is an encoded [`SdkResponse`].
pub(super) fn reply(response: Bytes) -> Bytes {
    encode(GatewayMessageType::WorkerReply, response)
}

/// The answer to `request`, as both the websocket and the flush API take it.
pub(super) fn response(request: &GatewayExecutorRequestData, response: super::Response, sdk_version: String) -> Bytes {
    let request = request.clone();
    let status = super::proto::SdkResponseStatus::from(response.status);
    let data = SdkResponse {
        request_id: request.request_id,
        account_id: request.account_id,
        env_id: request.env_id,
        app_id: request.app_id,
        status: status.into(),
        body: response.body,
        no_retry: response.no_retry,
        retry_after: response.retry_after,
        sdk_version,
        request_version: response.request_version,
        system_trace_ctx: request.system_trace_ctx,
        user_trace_ctx: request.user_trace_ctx,
        run_id: request.run_id,
    };
    data.encode_to_vec().into()
}

fn encode(kind: GatewayMessageType, payload: impl Into<Bytes>) -> Bytes {
    ConnectMessage { kind: kind.into(), payload: payload.into() }.encode_to_vec().into()
}
