//! Runs [`Machine`] on a thread of its own: it alone reads the clock, and it performs the effects.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::calls::CallId;
use super::http::Http;
use super::link::LinkId;
use super::machine::{Effect, Input, Machine};
use super::registration::Registration;
use super::socket::{Attempt, Outgoing};
use super::{App, Config, Handler, Request, Response, State, Status, system};

/// Messages of gateways that have been read and not yet handled; then reading waits.
const RECEIVED_MAX: usize = 64;

/// Why a worker could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gave no thread or no event queue.
    #[error("the thread for the connection could not be started")]
    Thread(#[source] std::io::Error),
    /// The HTTP client could not be built.
    #[error("the HTTP client for the connection could not be built")]
    Http(#[source] reqwest::Error),
}

/// A running Connect worker. Clones are handles to the same one; when the last is dropped, the worker ends at once.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Owner>);

#[derive(Debug)]
struct Owner {
    inputs: mpsc::UnboundedSender<Input>,
    status: watch::Receiver<Status>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // It fails only when the worker has ended.
        let _ = self.inputs.send(Input::Shutdown { grace: Duration::ZERO });
    }
}

/// Connects to a server and executes its requests with `handler` on `runtime`. It returns at once; the connection is
/// tried until [`Handle::shutdown`].
pub fn start<H: Handler>(config: Config, handler: H, runtime: tokio::runtime::Handle) -> Result<Handle, StartError> {
    // One thread for the connection alone: heartbeats and leases go on while functions keep `runtime` busy.
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
    let http = Http::new(&config).map_err(StartError::Http)?;
    let (inputs, requests) = mpsc::unbounded_channel();
    let (status_sender, status) = watch::channel(Status::new());
    let handle = Handle(Arc::new(Owner { inputs: inputs.clone(), status }));
    let (received_sender, received) = mpsc::channel(RECEIVED_MAX);
    let gateway = config.gateway.clone();
    let registration = Registration::new(config, system::attributes());
    let driver = Driver {
        machine: Machine::new(registration, fastrand::u64(..), Instant::now()),
        handler,
        runtime,
        http: Arc::new(http),
        gateway,
        inputs,
        received: received_sender,
        sockets: HashMap::new(),
        calls: HashMap::new(),
        status: status_sender,
    };
    let run = move || own.block_on(driver.run(requests, received));
    std::thread::Builder::new().name("connect".to_owned()).spawn(run).map_err(StartError::Thread)?;
    Ok(handle)
}

impl Handle {
    /// What the worker is doing, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.0.status.clone()
    }

    /// Registers again over a new connection, with `apps` in place of those before; the old connection stays until the
    /// new one is ready. A pause between attempts ends.
    pub fn reconnect(&self, apps: Option<Vec<App>>) {
        // It fails only when the worker has ended.
        let _ = self.0.inputs.send(Input::Reconnect { apps });
    }

    /// Takes no more requests, finishes those that run, for at most `grace`, hands over their replies, and ends
    /// (`SDK_SPEC.md` §8.8). It returns when the worker has ended: at most some fifteen seconds after `grace`.
    pub async fn shutdown(&self, grace: Duration) {
        let _ = self.0.inputs.send(Input::Shutdown { grace });
        let mut status = self.status();
        // It fails when the worker has ended.
        let _ = status.wait_for(|status| status.state == State::Closed).await;
    }
}

struct Driver<H> {
    machine: Machine,
    handler: H,
    runtime: tokio::runtime::Handle,
    http: Arc<Http>,
    gateway: Option<reqwest::Url>,
    inputs: mpsc::UnboundedSender<Input>,
    received: mpsc::Sender<Input>,
    sockets: HashMap<LinkId, SocketTask>,
    calls: HashMap<CallId, AbortHandle>,
    status: watch::Sender<Status>,
}

struct SocketTask {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    task: AbortHandle,
}

impl<H: Handler> Driver<H> {
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Input>, mut received: mpsc::Receiver<Input>) {
        self.machine.tick(Instant::now());
        loop {
            let is_over = self.perform();
            self.publish();
            if is_over {
                return;
            }
            let deadline = self.machine.deadline();
            let input = tokio::select! {
                Some(input) = requests.recv() => Some(input),
                Some(input) = received.recv() => Some(input),
                () = sleep_until(deadline) => None,
            };
            let now = Instant::now();
            match input {
                Some(input) => {
                    self.forget(&input);
                    self.machine.handle(input, now);
                }
                None => self.machine.tick(now),
            }
        }
    }

    /// Lets go of what has ended by itself.
    fn forget(&mut self, input: &Input) {
        match input {
            Input::Lost { link, .. } | Input::Dialed { link, result: Err(_) } => drop(self.sockets.remove(link)),
            Input::CallFinished { call, .. } => drop(self.calls.remove(call)),
            _ => {}
        }
    }

    /// Performs what is to be done; whether that was all.
    fn perform(&mut self) -> bool {
        for effect in self.machine.take_effects() {
            match effect {
                Effect::Dial { link, exclude } => self.dial(link, exclude),
                Effect::Send { link, frame } => self.send(link, Outgoing::Frame(frame)),
                Effect::Close { link, code, reason } => self.send(link, Outgoing::Close { code, reason }),
                Effect::Abort { link } => {
                    if let Some(socket) = self.sockets.remove(&link) {
                        socket.task.abort();
                    }
                }
                Effect::Call { call, request } => self.call(call, request),
                Effect::AbortCall { call } => {
                    if let Some(task) = self.calls.remove(&call) {
                        task.abort();
                    }
                }
                Effect::Flush { replies } => {
                    let (http, inputs) = (self.http.clone(), self.inputs.clone());
                    tokio::spawn(async move {
                        let outcomes = http.flush(replies).await;
                        let _ = inputs.send(Input::Flushed { outcomes });
                    });
                }
                Effect::Stop => return true,
            }
        }
        false
    }

    fn publish(&self) {
        let status = self.machine.status();
        self.status.send_if_modified(|old| {
            let is_new = *old != status;
            *old = status;
            is_new
        });
    }

    fn dial(&mut self, link: LinkId, exclude: Vec<String>) {
        let (outgoing, receiver) = mpsc::unbounded_channel();
        let (gateway, inputs) = (self.gateway.clone(), self.received.clone());
        let attempt = Attempt { link, gateway, exclude, inputs, outgoing: receiver };
        let http = self.http.clone();
        let task = tokio::spawn(async move { attempt.run(&http).await }).abort_handle();
        self.sockets.insert(link, SocketTask { outgoing, task });
    }

    fn send(&self, link: LinkId, outgoing: Outgoing) {
        if let Some(socket) = self.sockets.get(&link) {
            // It fails when the websocket is gone, of which an input tells.
            let _ = socket.outgoing.send(outgoing);
        }
    }

    fn call(&mut self, call: CallId, request: Request) {
        let handler = self.handler.clone();
        let task = self.runtime.spawn(async move { handler.call(request).await });
        self.calls.insert(call, task.abort_handle());
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            let response = match task.await {
                Ok(response) => Some(response),
                Err(error) if error.is_panic() => {
                    Some(Response::broken("the worker panicked while it executed the request"))
                }
                Err(_) => None,
            };
            let _ = inputs.send(Input::CallFinished { call, response });
        });
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
