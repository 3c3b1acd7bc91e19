//! The routes of a worker. [`app`] builds without a socket, [`serve`] gives it one.

mod guard;
mod health;
mod page;
mod status;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::ServiceExt;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{any, get};
use axum::serve::ListenerExt as _;
use jiff::Timestamp;
use system_bus_engine::Engine;
use system_bus_engine::api::{self, Keys};
use system_bus_runtime::queue::{self, Admission};
use system_bus_runtime::registry::Registry;
use system_bus_runtime::rejection::Rejection;
use system_bus_runtime::server::Serving;
use system_bus_runtime::service::Redis;
use system_bus_runtime::webhook::WebhookGateway;
use tokio::net::TcpListener;

pub use guard::Guarded;

use crate::config::WorkerRole;

/// How long requests that are under way may take once a worker stops.
const DRAIN: Duration = Duration::from_secs(3);

/// What a worker's routes show and use.
pub struct Served {
    /// The engine that takes events in; with a server it only keeps state and notifications.
    pub engine: Engine,
    /// The server that runs the functions in place of the engine.
    pub server: Option<Serving>,
    /// Where the state of functions is kept; in the engine's store when `None`.
    pub redis: Option<Redis>,
    /// The functions and events of this worker.
    pub registry: Registry,
    /// Who may use the engine's routes.
    pub keys: Keys,
    /// The webhooks.
    pub webhooks: WebhookGateway,
    /// What comes through the queue.
    pub admission: Admission,
    /// Which functions run here; all when `None`.
    pub role: Option<WorkerRole>,
    /// How many functions a worker of each role would run: host, cluster.
    pub role_counts: (usize, usize),
    /// The address that the worker listens on.
    pub address: IpAddr,
}

/// A worker behind its routes; clones are the same one.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    served: Served,
    started_at: Timestamp,
    draining: AtomicBool,
}

impl Worker {
    /// A worker that starts now.
    pub fn new(served: Served) -> Self {
        Self(Arc::new(Inner { served, started_at: Timestamp::now(), draining: AtomicBool::new(false) }))
    }

    /// From now on the worker says that it is not ready.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// The functions and events of this worker.
    pub fn registry(&self) -> &Registry {
        &self.served().registry
    }

    fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    fn served(&self) -> &Served {
        &self.0.served
    }
}

/// All routes of a worker, behind the guard against other web pages.
pub fn app(worker: Worker) -> Guarded<Router> {
    let Served { engine, keys, address, server, webhooks, admission, .. } = worker.served();
    let (engine, keys, address) = (engine.clone(), keys.clone(), *address);
    let inbox = api::guarded(webhooks.admin_router(), keys.clone());
    let webhooks = webhooks.router();
    let queue = queue::router(admission.clone());
    let routes = match server {
        None => api::router(engine, keys),
        Some(server) => api::keeping_router(engine, keys).merge(server.router()),
    };
    let elsewhere = match server {
        None => Router::new(),
        Some(_) => Router::new().route("/e/{*rest}", any(at_the_server)).route("/v1/{*rest}", any(at_the_server)),
    };
    let router = elsewhere
        .route("/", get(status::show))
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::ready))
        .with_state(worker)
        .merge(webhooks)
        .merge(inbox)
        .merge(queue)
        .merge(routes)
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here);
    Guarded::new(router, address)
}

/// Serves until `shutdown` resolves, then lets requests that are under way end within a grace period.
pub async fn serve(
    listener: TcpListener,
    worker: Worker,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = Arc::new(tokio::sync::Notify::new());
    let stopped = stopping.clone();
    let listener = listener.tap_io(|stream| {
        // Without it a small answer may wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let service = app(worker.clone());
    let server =
        axum::serve(listener, ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(service))
            .with_graceful_shutdown(async move {
                shutdown.await;
                worker.drain();
                stopping.notify_one();
            })
            .into_future();
    let too_long = async {
        stopped.notified().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        outcome = server => outcome,
        () = too_long => Ok(()),
    }
}

/// What an embedded engine would serve, and a server serves instead.
async fn at_the_server(State(worker): State<Worker>, uri: Uri) -> Rejection {
    let origin = worker.served().server.as_ref().map(|server| server.worker().settings().event_origin.to_string());
    Rejection::not_found(format!(
        "`{}` is served by the Inngest server that this worker works for: {}",
        uri.path(),
        origin.unwrap_or_default()
    ))
}

async fn nothing_here(method: Method, uri: Uri) -> Rejection {
    Rejection::not_found(format!("nothing is served at `{method} {}`: see `/`", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Rejection {
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, format!("`{}` does not take `{method}`", uri.path()))
}

#[cfg(test)]
mod tests;
