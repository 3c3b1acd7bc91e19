//! A gateway with its start and flush API, on loopback, that does what a test tells it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use prost::Message as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::super::proto::{
    FlushResponse, GatewayConnectionReadyData, GatewayMessageType, SdkResponse, StartRequest, StartResponse,
    WorkerConnectRequestData,
};
use super::super::socket::SUB_PROTOCOL;
use super::{bare, message, payload, sent};

/// Far more than anything here takes; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway with its API.
pub(super) struct Gateway {
    pub(super) origin: String,
    pub(super) starts: UnboundedReceiver<Start>,
    pub(super) flushes: UnboundedReceiver<SdkResponse>,
    connections: UnboundedReceiver<Connection>,
    pub(super) behaviour: Arc<Mutex<Behaviour>>,
}

/// What the API answers.
#[derive(Default)]
pub(super) struct Behaviour {
    /// The only value of the `Authorization` header that is accepted; any when absent.
    pub(super) bearer: Option<String>,
    /// Flushes that fail before one succeeds.
    pub(super) failing_flushes: usize,
    /// The gateway does not speak the sub-protocol.
    pub(super) is_no_gateway: bool,
    count: usize,
}

/// A request of the start API.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) bearer: Option<String>,
    pub(super) env: Option<String>,
    pub(super) exclude: Vec<String>,
}

impl Gateway {
    pub(super) async fn start() -> Self {
        let api = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let websocket = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let origin = format!("http://{}", api.local_addr().expect("is bound"));
        let endpoint = format!("ws://{}/v0/connect", websocket.local_addr().expect("is bound"));
        let behaviour = Arc::new(Mutex::new(Behaviour::default()));
        let (start_sender, starts) = unbounded_channel();
        let (flush_sender, flushes) = unbounded_channel();
        let (connection_sender, connections) = unbounded_channel();
        let shared = behaviour.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = api.accept().await {
                let answer = Api { endpoint: endpoint.clone(), behaviour: shared.clone() };
                let (starts, flushes) = (start_sender.clone(), flush_sender.clone());
                tokio::spawn(async move { answer.answer(stream, starts, flushes).await });
            }
        });
        let shared = behaviour.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = websocket.accept().await {
                let is_no_gateway = shared.lock().expect("is not poisoned").is_no_gateway;
                if let Some(connection) = accept(stream, is_no_gateway).await {
                    let _ = connection_sender.send(connection);
                }
            }
        });
        Self { origin, starts, flushes, connections, behaviour }
    }

    /// The next websocket, before the handshake.
    pub(super) async fn connection(&mut self) -> Connection {
        patiently(self.connections.recv()).await.expect("the gateway runs")
    }

    /// The next websocket, after the handshake.
    pub(super) async fn connected(&mut self, heartbeat: &str, extend_lease: &str) -> Connection {
        let mut connection = self.connection().await;
        connection.handshake(heartbeat, extend_lease).await;
        connection
    }

    pub(super) async fn started(&mut self) -> Start {
        patiently(self.starts.recv()).await.expect("the gateway runs")
    }

    pub(super) async fn flushed(&mut self) -> SdkResponse {
        patiently(self.flushes.recv()).await.expect("the gateway runs")
    }
}

pub(super) async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens")
}

struct Api {
    endpoint: String,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Api {
    async fn answer(
        self,
        mut stream: TcpStream,
        starts: UnboundedSender<Start>,
        flushes: UnboundedSender<SdkResponse>,
    ) {
        let Some((head, body)) = read_request(&mut stream).await else { return };
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        assert_eq!(header("content-type").as_deref(), Some("application/protobuf"));
        let bearer = header("authorization");
        let (status, answer) = if head.starts_with("POST /v0/connect/start ") {
            let exclude = StartRequest::decode(body).expect("is a request").exclude_gateways;
            let _ = starts.send(Start { bearer: bearer.clone(), env: header("x-inngest-env"), exclude });
            self.start_answer(bearer)
        } else {
            assert!(head.starts_with("POST /v0/connect/flush "), "{head}");
            let reply = SdkResponse::decode(body).expect("is a reply");
            let request_id = reply.request_id.clone();
            let mut behaviour = self.behaviour.lock().expect("is not poisoned");
            if behaviour.failing_flushes > 0 {
                behaviour.failing_flushes -= 1;
                (500, Vec::new())
            } else {
                let _ = flushes.send(reply);
                (200, FlushResponse { request_id }.encode_to_vec())
            }
        };
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(&answer).await;
    }

    fn start_answer(&self, bearer: Option<String>) -> (u16, Vec<u8>) {
        let mut behaviour = self.behaviour.lock().expect("is not poisoned");
        if behaviour.bearer.is_some() && behaviour.bearer != bearer {
            return (401, b"{\"error\":\"authentication failed\"}".to_vec());
        }
        behaviour.count += 1;
        let answer = StartResponse {
            connection_id: format!("connection-{}", behaviour.count),
            gateway_endpoint: self.endpoint.clone(),
            gateway_group: format!("group-{}", behaviour.count),
            session_token: "session".to_owned(),
            sync_token: "sync".to_owned(),
        };
        (200, answer.encode_to_vec())
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, Bytes)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("is text");
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    let length: usize = length.map_or(0, |length| length.trim().parse().expect("is a number"));
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, bytes[end..].to_vec().into()))
}

async fn accept(stream: TcpStream, is_no_gateway: bool) -> Option<Connection> {
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let choose = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        assert_eq!(request.headers().get("sec-websocket-protocol"), Some(&SUB_PROTOCOL));
        if !is_no_gateway {
            response.headers_mut().insert("sec-websocket-protocol", SUB_PROTOCOL);
        }
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async(stream, choose).await.ok().map(Connection)
}

/// A websocket from the gateway's side.
pub(super) struct Connection(WebSocketStream<TcpStream>);

impl Connection {
    pub(super) async fn send(&mut self, frame: Bytes) {
        self.0.send(Message::Binary(frame)).await.expect("the worker listens");
    }

    /// The next message; a close frame gives its code and reason.
    pub(super) async fn next(&mut self) -> Result<Bytes, (u16, String)> {
        match patiently(self.0.next()).await {
            Some(Ok(Message::Binary(frame))) => Ok(frame),
            Some(Ok(Message::Close(Some(close)))) => Err((close.code.into(), close.reason.to_string())),
            other => panic!("neither a message nor a close: {other:?}"),
        }
    }

    /// The next message that is none of the regular ones.
    pub(super) async fn next_special(&mut self) -> Bytes {
        loop {
            let frame = self.next().await.expect("is a message");
            if !matches!(
                sent(&frame).0,
                GatewayMessageType::WorkerHeartbeat | GatewayMessageType::WorkerRequestExtendLease
            ) {
                return frame;
            }
        }
    }

    /// Reads until the worker closes: the close frame's code and reason.
    pub(super) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Err(close) = self.next().await {
                return close;
            }
        }
    }

    /// Reads until the websocket ends without a close frame.
    pub(super) async fn dropped(&mut self) {
        while let Some(Ok(message)) = patiently(self.0.next()).await {
            assert!(matches!(message, Message::Binary(_)), "{message:?}");
        }
    }

    /// The gateway's half of the handshake; what the worker registers.
    pub(super) async fn handshake(&mut self, heartbeat: &str, extend_lease: &str) -> WorkerConnectRequestData {
        self.send(bare(GatewayMessageType::GatewayHello)).await;
        let frame = self.next().await.expect("is a message");
        let registration = payload(&frame, GatewayMessageType::WorkerConnect);
        let intervals = GatewayConnectionReadyData {
            heartbeat_interval: heartbeat.to_owned(),
            extend_lease_interval: extend_lease.to_owned(),
            status_interval: "0s".to_owned(),
        };
        self.send(message(GatewayMessageType::GatewayConnectionReady, &intervals)).await;
        registration
    }
}
