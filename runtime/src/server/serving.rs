//! A process that works for a server: its functions, its endpoint, its registration.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use reqwest::Url;

use super::api::Api;
use super::app::AppIds;
use super::registration::Keeper;
use super::serve::Endpoint;
use super::settings::{ServerSettings, Transport};
use super::worker::Worker;
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
}

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
        Self { worker, keeper }
    }

    /// The functions.
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// The registration.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The endpoint, at [`PATH`].
    pub fn router(&self) -> Router {
        Endpoint::new(self.worker.clone(), self.keeper.clone()).router(PATH)
    }

    /// Keeps the server informed for as long as it is polled.
    pub async fn run(self) {
        match &self.worker.settings().transport {
            Transport::Serve | Transport::Connect(_) => self.keeper.run().await,
        }
    }
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
