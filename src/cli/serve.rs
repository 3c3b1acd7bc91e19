//! `system-bus serve`: the worker with the embedded engine.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use system_bus_engine::{Config, Engine, HandOn};
use system_bus_runtime::Error;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::queue::{Admission, DirectQueue, Queue, RedisQueue};
use system_bus_runtime::registry::Registry;
use system_bus_runtime::server::connect::StartError;
use system_bus_runtime::server::{ServerSettings, Serving, Transport};
use system_bus_runtime::service::gateway::RedisSink;
use system_bus_runtime::service::redis::RedisState;
use system_bus_runtime::service::{NotificationSink, Redis, StateStore};
use system_bus_runtime::webhook::{WebhookConfig, WebhookGateway};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::context::Context;
use super::failure::Failure;
use crate::config::{Settings, WorkerRole};
use crate::http::{self, Served, Worker};
use crate::sample::sample;
use crate::services::Provided;

/// How long executing steps may take to end once the worker is told to stop; what is left goes on at the next start.
const GRACE: Duration = Duration::from_secs(10);

/// Start the worker (what happens without a command).
///
/// It takes events and webhooks in, runs the functions, and keeps everything in the data directory. SIGTERM and
/// Ctrl-C end it gently: executing steps may finish, everything else goes on at the next start.
#[derive(Args)]
#[command(after_help = "\
Examples:
  system-bus
  PORT=8080 SYSTEM_BUS_DATA=/var/lib/system-bus system-bus serve
  PORT=0 system-bus serve --json    any free port; the first line of stdout says which")]
pub(super) struct Serve {}

impl Serve {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let settings = context.environment.settings()?;
        let server = context.environment.server(&context.application.app_id(settings.role))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
        let provided = Provided::new(context.application.services().clone(), &context.environment, settings.role);
        let outcome = runtime.block_on(async {
            let outcome = serve(context, settings, server, &provided).await;
            provided.stop().await;
            outcome
        });
        // What still runs is not waited for: the engine has stopped, so nothing of it is lost.
        runtime.shutdown_background();
        outcome
    }
}

async fn serve(
    context: &Context,
    settings: Settings,
    server: Option<ServerSettings>,
    provided: &Provided,
) -> Result<(), Failure> {
    let mut signals =
        Signals::listen().map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let listener = listen(settings.address).await?;
    let address = listener.local_addr().map_err(|error| unbindable(settings.address, &error))?;
    let registry = context.application.registry_for(settings.role);
    let config = Config { directory: settings.directory.clone() };
    let mut services = provided.services.clone();
    // What is done at the start beside everything else; ends with this function.
    let mut beside = JoinSet::new();
    if let Some(redis) = settings.redis.clone() {
        services = with_redis(services, &redis);
        beside.spawn(async move { redis.first_contact().await });
    }
    let middleware = settings.middleware.around(context.application.middleware());
    // For a server the engine runs nothing: it keeps state and notifications.
    let executed = if server.is_some() { Registry::default() } else { registry.clone() };
    let engine = Engine::open_with(&config, &executed, services, middleware.clone())
        .map_err(|error| Failure::failed(error.to_string()))?;
    let server = server.map(|server| {
        let app_ids = context.application.app_ids(settings.role, &server.app_id);
        Serving::new(server, app_ids, registry.clone(), engine.services().clone(), middleware, address)
    });
    let secrets = provided.secrets.clone();
    let signatures = registry.providers().iter().flat_map(|provider| provider.signatures);
    secrets.prepare(signatures.map(|signature| signature.secret)).await;
    let admission = Admission {
        registry: registry.clone(),
        queue: queue(settings.redis.as_ref(), server.as_ref(), &engine),
        secrets: secrets.clone(),
    };
    let webhooks = WebhookGateway::new(WebhookConfig {
        registry: registry.clone(),
        secrets,
        inbox: engine.inbox(if server.is_some() { HandOn::Server } else { HandOn::Here }),
        trusted_hops: settings.trusted_hops,
    });
    let start = Start {
        context,
        address,
        directory: &settings.directory,
        registry: &registry,
        role: settings.role,
        server: server.as_ref(),
        redis: settings.redis.as_ref(),
    };
    start.announce(&webhooks, &admission)?;
    let worker = Worker::new(Served {
        engine: engine.clone(),
        server: server.clone(),
        redis: settings.redis,
        registry,
        keys: settings.keys,
        webhooks: webhooks.clone(),
        admission,
        role: settings.role,
        role_counts: (
            context.application.count_for(WorkerRole::Host),
            context.application.count_for(WorkerRole::Cluster),
        ),
        address: address.ip(),
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        // An error means that nobody will ever say it, so the worker ends as well.
        let _ = stopped.await;
    };
    let listening = tokio::spawn(http::serve(listener, worker.clone(), shutdown));
    // After the port is open, so that a server that calls back at once finds somebody.
    let keeping = server.clone().map(|server| tokio::spawn(server.run()));
    beside.spawn(send_start_events(
        context.application.start_events(worker.registry()),
        server.clone(),
        engine.clone(),
    ));
    let forwarding = server.clone().map(|server| tokio::spawn(webhooks.forward(server)));
    beside.spawn(provided.secrets.clone().keep_renewed());
    tokio::select! {
        signal = signals.next() => tracing::info!(signal, "stopping"),
        () = engine.ended() => return Err(Failure::failed("the engine has ended by itself: see the log above")),
        error = start_of(keeping) => return Err(error),
    }
    // The port stays open until the engine has stopped: what comes in until then is durable, and `/readyz` can tell
    // whoever spreads the load to go elsewhere.
    worker.drain();
    if let Some(forwarding) = forwarding {
        // What was not handed on rests in the inbox until the next start.
        forwarding.abort();
    }
    let stopping = async {
        if let Some(server) = &server {
            server.stop(GRACE).await;
        }
        engine.stop(GRACE).await;
    };
    tokio::select! {
        () = stopping => {}
        signal = signals.next() => {
            tracing::warn!(signal, "stopping at once");
            engine.stop(Duration::ZERO).await;
        }
    }
    drop(stop);
    if let Ok(Err(error)) = listening.await {
        tracing::warn!(%error, "the server did not end well");
    }
    tracing::info!("stopped");
    Ok(())
}

/// `services` with state, and the operator's channel, in Redis, unless the application has them elsewhere.
fn with_redis(services: Services, redis: &Redis) -> Services {
    let services = services.with(redis.clone());
    let services = match services.find::<Arc<dyn NotificationSink>>() {
        Some(_) => services,
        None => services.with::<Arc<dyn NotificationSink>>(Arc::new(RedisSink::new(redis.clone()))),
    };
    match services.find::<Arc<dyn StateStore>>() {
        Some(_) => services,
        None => services.with::<Arc<dyn StateStore>>(Arc::new(RedisState::new(redis.clone()))),
    }
}

/// How long a server that knew the functions is taken to know them still, and how often it is asked while it does not.
const KNOWN_MAX: Duration = Duration::from_secs(5);

/// Sends the events of a start. One that does not get through is no reason not to work.
async fn send_start_events(events: Vec<NewEvent>, server: Option<Serving>, engine: Engine) {
    if events.is_empty() {
        return;
    }
    let problem = match server {
        Some(server) => {
            // What a server is sent before it knows the functions starts none of them.
            while server.ensure_known(KNOWN_MAX).await.is_err() {
                tokio::time::sleep(KNOWN_MAX).await;
            }
            server.worker().send(events).await.err().map(|error| error.to_string())
        }
        None => engine.send(events).await.err().map(|error| error.to_string()),
    };
    if let Some(problem) = problem {
        tracing::warn!(%problem, "the events of the start could not be sent");
    }
}

/// Where queued messages go: to Redis, for the queue's drainer, or straight to whoever takes events.
fn queue(redis: Option<&Redis>, server: Option<&Serving>, engine: &Engine) -> Arc<dyn Queue> {
    if let Some(redis) = redis {
        return Arc::new(RedisQueue::new(redis.clone()));
    }
    let (server, engine) = (server.cloned(), engine.clone());
    Arc::new(DirectQueue::new(Arc::new(move |event| {
        let (server, engine) = (server.clone(), engine.clone());
        Box::pin(async move {
            match server {
                Some(server) => {
                    let ids = server.worker().send(vec![event]).await.map_err(Error::retryable)?;
                    // A server does not tell whether it knew the event.
                    Ok((ids.into_iter().next().unwrap_or_default(), false))
                }
                None => {
                    let accepted = engine.send(vec![event]).await.map_err(Error::retryable)?;
                    let first = accepted.first();
                    Ok(first.map(|event| (event.id.to_string(), event.repeated)).unwrap_or_default())
                }
            }
        })
    })))
}

/// Resolves only when the work for a server could not begin.
async fn start_of(keeping: Option<JoinHandle<Result<(), StartError>>>) -> Failure {
    match keeping {
        Some(keeping) => match keeping.await {
            Ok(Err(error)) => Failure::failed(error.to_string()),
            // It has been told to end.
            Ok(Ok(())) | Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| unbindable(address, &error))
}

fn unbindable(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::failed(match error.kind() {
        ErrorKind::AddrInUse => {
            format!("cannot listen on `{address}`: the port is in use; stop the program that has it or set `PORT`")
        }
        ErrorKind::AddrNotAvailable => {
            format!("cannot listen on `{address}`: not an address of this machine; set `HOST`")
        }
        ErrorKind::PermissionDenied => {
            format!("cannot listen on `{address}`: not permitted; set `PORT` to 1024 or more")
        }
        _ => format!("cannot listen on `{address}`: {error}; set `HOST` and `PORT`"),
    })
}

/// What a worker says about itself when it starts.
struct Start<'s> {
    context: &'s Context,
    address: SocketAddr,
    directory: &'s Path,
    registry: &'s Registry,
    role: Option<WorkerRole>,
    server: Option<&'s Serving>,
    redis: Option<&'s Redis>,
}

impl Start<'_> {
    fn announce(&self, webhooks: &WebhookGateway, admission: &Admission) -> Result<(), Failure> {
        if !admission.is_open() {
            tracing::warn!("the queue is closed: set `SYSTEM_BUS_INTERNAL_TOKEN` to open `/internal/queue/enqueue`");
        }
        let providers = webhooks.providers();
        for provider in providers.iter().filter(|provider| !webhooks.is_open(provider)) {
            let variables = provider.variables().join("` or `");
            tracing::warn!("the webhook `{}` is closed: set `{variables}` to open it", provider.id);
        }
        let url = format!("http://{}", self.address);
        let directory = std::path::absolute(self.directory).unwrap_or_else(|_| self.directory.to_owned());
        let (functions, events) = (self.registry.functions().len(), self.registry.events().len());
        if self.context.json {
            let ids: Vec<_> = providers.iter().map(|provider| provider.id).collect();
            let document = json!({
                "url": url, "data": directory, "role": self.role.map_or("all", WorkerRole::name),
                "functions": functions, "events": events, "webhooks": ids,
                "redis": self.redis.map(Redis::address),
                "server": self.server.map(|server| server.worker().settings().api_origin.to_string()),
            });
            return self.context.print(&document.to_string());
        }
        let program = self.context.program();
        let webhooks: Vec<_> = providers
            .iter()
            .map(|provider| match webhooks.is_open(provider) {
                true => provider.id.to_owned(),
                false => format!("{} (closed)", provider.id),
            })
            .collect();
        let role = self.role.map_or("all roles", WorkerRole::name);
        let mut text = format!(
            "system-bus {} runs at {url}\n\n  \
             functions  {functions} ({role}; `{program} functions`)\n  \
             events     {events} (`{program} events`), sent to {}\n  \
             webhooks   {}{}\n  \
             {}data       {}{}\n\n",
            env!("CARGO_PKG_VERSION"),
            self.server.map_or_else(|| format!("{url}/e/KEY"), |_| "the server".to_owned()),
            if webhooks.is_empty() { "none".to_owned() } else { webhooks.join(", ") },
            if webhooks.is_empty() { String::new() } else { format!(", at {url}/webhooks/NAME") },
            self.server.map(server_line).unwrap_or_default(),
            directory.display(),
            self.redis.map(|redis| format!(", state and messages in Redis at {}", redis.address())).unwrap_or_default(),
        );
        if let Some((event, data)) = self.first_event() {
            text += &format!(
                "Send a first event from another terminal:\n\n  {}{program} send {event} --data '{data}'\n",
                self.port()
            );
        }
        self.context.print(&text)
    }

    /// Another terminal has to be told a port that is not the usual one.
    fn port(&self) -> String {
        match self.context.environment.address() {
            Ok(asked) if self.context.environment.raw("PORT").is_none() && asked == self.address => String::new(),
            _ => format!("PORT={} ", self.address.port()),
        }
    }

    /// An event that starts something, with data that is short and fits.
    fn first_event(&self) -> Option<(&'static str, String)> {
        let candidates = self.registry.events().iter().filter(|event| {
            self.registry.functions().iter().any(|function| {
                let mut triggers = function.config.triggers.iter();
                triggers.any(|trigger| super::send::starts_on(trigger, event.name))
            })
        });
        let samples = candidates.filter_map(|event| Some((event.name, sample(event)?)));
        samples.filter(|(_, data)| !data.contains('\'')).min_by_key(|(_, data)| data.len())
    }
}

/// Which server the worker works for, and as what.
fn server_line(server: &Serving) -> String {
    let worker = server.worker();
    let way = match worker.settings().transport {
        Transport::Serve => format!("calls {}", server.keeper().url()),
        Transport::Connect(_) => "calls through a websocket".to_owned(),
    };
    format!(
        "server     {} ({}), {way} for the app `{}`\n  ",
        worker.settings().api_origin.origin().ascii_serialization(),
        worker.settings().mode.name(),
        worker.app_ids().app(),
    )
}

/// The signals that end a worker.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
