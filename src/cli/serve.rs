//! `system-bus serve`: the worker with the embedded engine.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use system_bus_engine::{Config, Engine};
use system_bus_runtime::registry::Registry;
use system_bus_runtime::server::connect::StartError;
use system_bus_runtime::server::{ServerSettings, Serving, Transport};
use system_bus_runtime::webhook::{Provider, providers};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::context::Context;
use super::failure::Failure;
use crate::config::{Settings, WebhookSecrets, WorkerRole};
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
    let middleware = settings.middleware.around(context.application.middleware());
    // For a server the engine runs nothing: it keeps state and notifications.
    let executed = if server.is_some() { Registry::default() } else { registry.clone() };
    let engine = Engine::open_with(&config, &executed, provided.services.clone(), middleware.clone())
        .map_err(|error| Failure::failed(error.to_string()))?;
    let server = server.map(|server| {
        let app_ids = context.application.app_ids(settings.role, &server.app_id);
        Serving::new(server, app_ids, registry.clone(), engine.services().clone(), middleware, address)
    });
    let providers = providers();
    let secrets = context.environment.webhook_secrets(&providers);
    let start = Start {
        context,
        address,
        directory: &settings.directory,
        registry: &registry,
        role: settings.role,
        server: server.as_ref(),
    };
    start.announce(&providers, &secrets)?;
    let worker = Worker::new(Served {
        engine: engine.clone(),
        server: server.clone(),
        registry,
        keys: settings.keys,
        providers,
        secrets,
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
    // It ends with the runtime.
    tokio::spawn(provided.secrets.clone().keep_renewed());
    tokio::select! {
        signal = signals.next() => tracing::info!(signal, "stopping"),
        () = engine.ended() => return Err(Failure::failed("the engine has ended by itself: see the log above")),
        error = start_of(keeping) => return Err(error),
    }
    // The port stays open until the engine has stopped: what comes in until then is durable, and `/readyz` can tell
    // whoever spreads the load to go elsewhere.
    worker.drain();
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
}

impl Start<'_> {
    fn announce(&self, providers: &[&'static Provider], secrets: &WebhookSecrets) -> Result<(), Failure> {
        for provider in providers.iter().filter(|provider| secrets.of(provider).is_none()) {
            let variables = provider.secrets.join("` or `");
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
                "server": self.server.map(|server| server.worker().settings().api_origin.to_string()),
            });
            return self.context.print(&document.to_string());
        }
        let program = self.context.program();
        let webhooks: Vec<_> = providers
            .iter()
            .map(|provider| match secrets.of(provider) {
                Some(_) => provider.id.to_owned(),
                None => format!("{} (closed)", provider.id),
            })
            .collect();
        let role = self.role.map_or("all roles", WorkerRole::name);
        let mut text = format!(
            "system-bus {} runs at {url}\n\n  \
             functions  {functions} ({role}; `{program} functions`)\n  \
             events     {events} (`{program} events`), sent to {}\n  \
             webhooks   {}{}\n  \
             {}data       {}\n\n",
            env!("CARGO_PKG_VERSION"),
            self.server.map_or_else(|| format!("{url}/e/KEY"), |_| "the server".to_owned()),
            if webhooks.is_empty() { "none".to_owned() } else { webhooks.join(", ") },
            if webhooks.is_empty() { String::new() } else { format!(", at {url}/webhooks/NAME") },
            self.server.map(server_line).unwrap_or_default(),
            directory.display(),
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
