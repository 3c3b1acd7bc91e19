//! What every command has: the application, the environment, the way to the worker, the way to the reader.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;
use std::sync::Arc;

use reqwest::Url;
use serde::Serialize;
use system_bus_runtime::server::{self, ServerSettings};

use super::failure::Failure;
use super::show::Style;
use crate::application::Application;
use crate::backend::{Backend, Server};
use crate::client::Client;
use crate::config::{ConfigError, Environment};
use crate::logging;

pub(super) struct Context {
    pub(super) application: Application,
    pub(super) environment: Environment,
    /// Whether the answer is one JSON document.
    pub(super) json: bool,
    url: Option<String>,
}

impl Context {
    pub(super) fn new(application: Application, json: bool, url: Option<String>) -> Self {
        let environment = Environment::of_process();
        logging::start(&environment);
        Self { application, environment, json, url }
    }

    /// Whom the user means: the server that the environment names, else a worker. `--url` says where it is.
    pub(super) fn backend(&self) -> Result<Backend, Failure> {
        let Some(mut settings) = self.server()? else { return Ok(Backend::Worker(self.client()?)) };
        if let Some(address) = &self.url {
            let url =
                Url::parse(address).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
            let url = url.ok_or_else(|| {
                Failure::misuse(format!(
                    "`{address}` is not the address of a server: write for instance `http://127.0.0.1:8288`"
                ))
            })?;
            settings.api_origin = url.clone();
            settings.event_origin = url;
        }
        let named = settings.app_id.clone();
        let client = server::Client::new(server::Api::new(Arc::new(settings)));
        Ok(Backend::Server(Server::new(client, self.application.possible_app_ids(named))))
    }

    /// The server that the environment names.
    pub(super) fn server(&self) -> Result<Option<ServerSettings>, Failure> {
        let app_id = self.application.app_id(self.environment.role()?);
        Ok(self.environment.server(&app_id)?)
    }

    /// The worker that the user means, whether or not it works for a server.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let address = match &self.url {
            Some(url) => url.clone(),
            None => self.default_url()?,
        };
        Ok(Client::new(&address, self.environment.keys())?)
    }

    fn default_url(&self) -> Result<String, ConfigError> {
        let mut address = self.environment.address()?;
        // A worker that listens everywhere is also here.
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(format!("http://{address}"))
    }

    /// Waits for a worker's answer.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| Failure::failed(format!("cannot start: {error}")))?.block_on(answer)
    }

    /// How text for people looks.
    pub(super) fn style(&self) -> Style {
        let colours = std::io::stdout().is_terminal() && self.environment.text("NO_COLOR").is_none();
        Style::new(colours)
    }

    /// How the user starts this program.
    pub(super) fn program(&self) -> &'static str {
        if self.environment.raw("CARGO").is_some() { "cargo run --" } else { "system-bus" }
    }

    /// The answer as text.
    pub(super) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    }

    /// The answer as a JSON document.
    pub(super) fn print_json(&self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document);
        self.print(&text.map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))?)
    }

    /// Says why the command failed.
    pub(super) fn fail(&self, failure: &Failure) -> ExitCode {
        if !failure.is_silent() {
            let message = failure.message.replace('\n', " ");
            // Nothing can be done when stderr has gone away.
            let _ = writeln!(std::io::stderr(), "error: {message}");
            if self.json {
                let _ = self.print_json(&serde_json::json!({ "error": message }));
            }
        }
        ExitCode::from(failure.status)
    }
}
