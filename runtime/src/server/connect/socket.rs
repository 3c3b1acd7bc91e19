//! One websocket's IO: opens it, then carries messages both ways until it is gone.

use std::time::SystemTime;

use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::failure::Failure;
use super::http::Http;
use super::limits;
use super::link::LinkId;
use super::machine::{Input, Opened};
use super::proto::{StartResponse, Timestamp};

/// The websocket sub-protocol (`SDK_SPEC.md` §8.3).
pub(super) const SUB_PROTOCOL: HeaderValue = HeaderValue::from_static("v0.connect.inngest.com");

/// What to do with a websocket.
#[derive(Debug)]
pub(super) enum Outgoing {
    Frame(Bytes),
    Close { code: u16, reason: &'static str },
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One attempt to connect and what comes of it. Whatever happens goes to `inputs`, in order.
pub(super) struct Attempt {
    pub(super) link: LinkId,
    /// The gateway to dial in place of the one that the server names.
    pub(super) gateway: Option<Url>,
    pub(super) exclude: Vec<String>,
    pub(super) inputs: Sender<Input>,
    pub(super) outgoing: UnboundedReceiver<Outgoing>,
}

impl Attempt {
    pub(super) async fn run(self, http: &Http) {
        let Self { link, gateway, exclude, inputs, outgoing } = self;
        let (socket, result) = match open(http, gateway, exclude).await {
            Ok((socket, opened)) => (Some(socket), Ok(opened)),
            Err(failure) => (None, Err(failure)),
        };
        // The receiver is gone only when the worker has ended.
        let told = inputs.send(Input::Dialed { link, result }).await;
        if let (Some(socket), Ok(())) = (socket, told) {
            let failure = carry(socket, link, &inputs, outgoing).await;
            let _ = inputs.send(Input::Lost { link, failure }).await;
        }
    }
}

async fn open(http: &Http, gateway: Option<Url>, exclude: Vec<String>) -> Result<(Socket, Opened), Failure> {
    let started_at = timestamp(SystemTime::now());
    let start = http.start(exclude).await?;
    let endpoint = match gateway {
        Some(gateway) => gateway,
        None => Url::parse(&start.gateway_endpoint)
            .map_err(|_| Failure::transient("the server names a gateway whose address is no URL"))?,
    };
    let shown = shown(&endpoint);
    match timeout(limits::OPEN_TIME_MAX, connect(&endpoint)).await {
        Ok(Ok(socket)) => Ok((socket, Opened { start, started_at })),
        Ok(Err(error)) => Err(failed_start(start, format!("no websocket to the gateway {shown}: {error}"))),
        Err(_) => Err(failed_start(start, format!("no websocket to the gateway {shown} within 10 s"))),
    }
}

fn failed_start(start: StartResponse, message: String) -> Failure {
    Failure { group: start.gateway_group, ..Failure::transient(message) }
}

async fn connect(endpoint: &Url) -> Result<Socket, Error> {
    let mut request = endpoint.as_str().into_client_request()?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, SUB_PROTOCOL);
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::MESSAGE_BYTES_MAX))
        .max_frame_size(Some(limits::MESSAGE_BYTES_MAX));
    let (socket, _) = tokio_tungstenite::connect_async_with_config(request, Some(config), true).await?;
    Ok(socket)
}

/// Carries messages both ways, each way at its own pace, until the websocket is gone.
async fn carry(socket: Socket, link: LinkId, inputs: &Sender<Input>, outgoing: UnboundedReceiver<Outgoing>) -> Failure {
    let (sink, stream) = socket.split();
    tokio::select! {
        failure = read(stream, link, inputs) => failure,
        failure = write(sink, outgoing) => failure,
    }
}

async fn read(
    mut stream: impl Stream<Item = Result<Message, Error>> + Unpin,
    link: LinkId,
    inputs: &Sender<Input>,
) -> Failure {
    loop {
        match stream.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                if inputs.send(Input::Received { link, bytes }).await.is_err() {
                    return Failure::transient("the worker has ended");
                }
            }
            Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                return Failure::closed(code.into(), &reason);
            }
            Some(Ok(Message::Close(None))) | None => return Failure::transient("the gateway closed the connection"),
            Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(error)) => return Failure::transient(format!("the connection to the gateway broke: {error}")),
        }
    }
}

async fn write(
    mut sink: impl Sink<Message, Error = Error> + Unpin,
    mut outgoing: UnboundedReceiver<Outgoing>,
) -> Failure {
    while let Some(outgoing) = outgoing.recv().await {
        let (message, is_last) = match outgoing {
            Outgoing::Frame(frame) => (Message::Binary(frame), false),
            Outgoing::Close { code, reason } => {
                (Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() })), true)
            }
        };
        match timeout(limits::WRITE_TIME_MAX, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Failure::transient(format!("the connection to the gateway broke: {error}")),
            Err(_) => return Failure::transient("the gateway did not take a message within 30 s"),
        }
        if is_last {
            break;
        }
    }
    // The reading side sees the gateway's confirmation.
    tokio::time::sleep(limits::CLOSE_TIME_MAX).await;
    Failure::transient("the gateway did not confirm the close")
}

/// An address for people: without path and credentials.
fn shown(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    match endpoint.port_or_known_default() {
        Some(port) => format!("{}://{host}:{port}", endpoint.scheme()),
        None => format!("{}://{host}", endpoint.scheme()),
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or_default(),
    }
}
