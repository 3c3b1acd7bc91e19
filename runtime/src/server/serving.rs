//! A process that works for a server: its functions, its endpoint, its registration.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Url;
use tokio::runtime::Handle;

use super::api::Api;
use super::app::AppIds;
use super::connect;
use super::headers;
use super::registration::Keeper;
use super::registration::payload::{Runtime, functions};
use super::serve::Endpoint;
use super::settings::{ConnectSettings, ServerSettings, Transport};
use super::worker::{IncomingCall, Worker};
use crate::function::Services;
use crate::middleware::MiddlewareStack;
use crate::registry::Registry;

/// Where the endpoint is.
pub const PATH: &str = "/api/inngest";

/// A process that works for a server. Clones are handles to the same one.
#[derive(Clone)]
pub struct Serving {
    worker: Worker,
    keeper: Keeper,
    connection: Connection,
}

/// The websocket of a worker that connects; it is there once [`Serving::run`] has begun.
pub(super) type Connection = Arc<OnceLock<connect::Handle>>;

impl Serving {
    /// Makes the functions of `registry` available to the server that `settings` name. The process listens on `address`;
    /// nothing is sent yet.
    pub fn new(
        settings: ServerSettings,
        app_ids: AppIds,
        registry: Registry,
        services: Services,
        middleware: MiddlewareStack,
        address: SocketAddr,
    ) -> Self {
        let url = own_url(&settings, address);
        let worker = Worker::new(Api::new(Arc::new(settings)), app_ids, registry, services, middleware);
        let keeper = Keeper::new(worker.clone(), url);
        Self { worker, keeper, connection: Arc::default() }
    }

    /// The functions.
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// The registration, where the server calls this process.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The connection, where this process connects to the server.
    pub fn connection(&self) -> Option<connect::Status> {
        self.connection.get().map(|handle| handle.status().borrow().clone())
    }

    /// Why the server cannot make use of this process now; nothing when it can.
    pub fn problem(&self) -> Option<String> {
        match &self.worker.settings().transport {
            Transport::Serve => {
                let state = self.keeper.state();
                let pending = || "the functions are not registered yet".to_owned();
                (!state.is_good()).then(|| state.error.unwrap_or_else(pending))
            }
            Transport::Connect(_) => match self.connection() {
                Some(status) if status.state == connect::State::Active => None,
                Some(status) => {
                    Some(status.error.unwrap_or_else(|| format!("the connection is {}", status.state.name())))
                }
                None => Some("the connection is not open yet".to_owned()),
            },
        }
    }

    /// Makes sure that the server knows the functions now, so that events sent to it start them: a server that was started
    /// anew may have forgotten them. Registers unless that has succeeded within `fresh`; the error says why it does not
    /// know them.
    pub async fn ensure_known(&self, fresh: Duration) -> Result<(), String> {
        if let Transport::Connect(_) = &self.worker.settings().transport {
            // The connection is what the server knows the functions by.
            return self.problem().map_or(Ok(()), Err);
        }
        let state = self.keeper.state();
        let age = state.registered_at.map(|at| Timestamp::now().duration_since(at).unsigned_abs());
        if state.is_good() && age.is_some_and(|age| age < fresh) {
            return Ok(());
        }
        self.keeper.register(None, None).await.map(drop).map_err(|error| error.to_string())
    }

    /// The endpoint, at [`PATH`].
    pub fn router(&self) -> Router {
        Endpoint::new(self.worker.clone(), self.keeper.clone(), self.connection.clone()).router(PATH)
    }

    /// Keeps the server informed for as long as it is polled, and its calls coming. Must be called within the tokio
    /// runtime that is to execute the functions.
    pub async fn run(self) -> Result<(), connect::StartError> {
        let Transport::Connect(settings) = &self.worker.settings().transport else {
            self.keeper.run().await;
            return Ok(());
        };
        let handle = connect::start(self.connect_config(settings), self.worker.clone(), Handle::current())?;
        let mut status = handle.status();
        // There is one caller; a second one would let go of its connection at once.
        let _ = self.connection.set(handle);
        let _ = status.wait_for(|status| status.state == connect::State::Closed).await;
        Ok(())
    }

    /// Lets calls that are under way end, for at most `grace`. A worker that connects takes no new ones.
    pub async fn stop(&self, grace: Duration) {
        match self.connection.get() {
            Some(handle) => handle.shutdown(grace).await,
            None => drop(tokio::time::timeout(grace, self.worker.idle()).await),
        }
    }

    fn connect_config(&self, settings: &ConnectSettings) -> connect::Config {
        let (server, app_ids) = (self.worker.settings(), self.worker.app_ids());
        let functions = functions(app_ids, self.worker.registry(), Runtime::WebSocket);
        // Maps with text for keys can be written.
        let functions = Bytes::from(serde_json::to_vec(&functions).unwrap_or_default());
        connect::Config {
            api_origin: server.api_origin.clone(),
            gateway: settings.gateway.clone(),
            keys: server.keys.clone(),
            env: server.env.clone(),
            instance_id: settings.instance_id.clone().unwrap_or_else(|| format!("{}-{}", host_name(), app_ids.app())),
            apps: vec![connect::App { name: app_ids.app().to_owned(), version: None, functions }],
            sdk_language: headers::SDK_LANGUAGE.to_owned(),
            sdk_version: headers::SDK_VERSION.to_owned(),
            framework: headers::FRAMEWORK_NAME.to_owned(),
            platform: headers::platform().map(str::to_owned),
            max_worker_concurrency: settings.max_concurrency,
        }
    }
}

impl connect::Handler for Worker {
    async fn call(&self, request: connect::Request) -> connect::Response {
        let call = IncomingCall { function: request.function, step: request.step, body: request.body, request: None };
        let reply = Worker::call(self, call).await;
        connect::Response {
            status: reply.status.into(),
            body: reply.body,
            no_retry: reply.no_retry.unwrap_or_default(),
            retry_after: reply.retry_after,
            request_version: 2,
        }
    }
}

/// The name of this machine; a random one where the system does not tell.
fn host_name() -> String {
    let variable = std::env::var("HOSTNAME").ok();
    let name = variable.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| ulid::Ulid::generate().to_string())
}

/// The address under which the server reaches this process: what the operator says, else where it listens.
fn own_url(settings: &ServerSettings, address: SocketAddr) -> Url {
    let mut address = address;
    if address.ip().is_unspecified() {
        // Nobody can call "everywhere"; a server on this machine can call here.
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let mut url = settings.serve_origin.clone().unwrap_or_else(|| plain_url(address));
    url.set_path(settings.serve_path.as_deref().unwrap_or(PATH));
    url
}

#[expect(clippy::expect_used, reason = "every socket address makes a good URL")]
fn plain_url(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}")).expect("is an address")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(variables: &[(&str, &str)], address: &str) -> String {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let settings = ServerSettings::read(find, "app").expect("is fine").expect("names a server");
        own_url(&settings, address.parse().expect("is an address")).to_string()
    }

    #[test]
    fn the_operator_knows_the_address_best() {
        let dev = ("INNGEST_DEV", "1");
        assert_eq!(url(&[dev], "127.0.0.1:3111"), "http://127.0.0.1:3111/api/inngest");
        assert_eq!(url(&[dev], "[::]:80"), "http://[::1]/api/inngest");
        let known = [dev, ("INNGEST_SERVE_ORIGIN", "https://bus.example"), ("INNGEST_SERVE_PATH", "/x/api/inngest")];
        assert_eq!(url(&known, "0.0.0.0:3111"), "https://bus.example/x/api/inngest");
        assert_eq!(url(&[dev, ("INNGEST_SERVE_HOST", "http://bus:1")], "0.0.0.0:3111"), "http://bus:1/api/inngest");
    }
}
