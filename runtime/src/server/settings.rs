//! Which Inngest server a worker works for, and how: the protocol's environment variables (`SDK_SPEC.md` §3, §7, §8.1).

use reqwest::Url;

use super::key::{KeyError, SigningKey, SigningKeys};
use crate::expression::nearest::nearest;
use crate::function::Checkpoint;

/// The API of Inngest Cloud.
const CLOUD_API: &str = "https://api.inngest.com";
/// Where Inngest Cloud takes events.
const CLOUD_EVENTS: &str = "https://inn.gs";
/// A Dev Server on this machine.
const DEV_SERVER: &str = "http://localhost:8288";
/// Calls that one Connect worker executes at the same time unless told otherwise, as in the Go SDK.
const CONNECT_CONCURRENCY_DEFAULT: usize = 1_000;

/// Variables that by themselves say that there is a server.
const CHOOSE_SERVER: [&str; 5] =
    ["INNGEST_DEV", "INNGEST_BASE_URL", "INNGEST_API_BASE_URL", "INNGEST_EVENT_API_BASE_URL", "INNGEST_CONNECT_MODE"];

/// Variables that mean nothing without a server.
const REFINE_SERVER: [&str; 12] = [
    "INNGEST_SIGNING_KEY_FALLBACK",
    "INNGEST_ENV",
    "INNGEST_APP_ID",
    "INNGEST_SERVE_ORIGIN",
    "INNGEST_SERVE_HOST",
    "INNGEST_SERVE_PATH",
    "INNGEST_STREAMING",
    "INNGEST_ALLOW_IN_BAND_SYNC",
    "INNGEST_CHECKPOINTING",
    "INNGEST_CONNECT_GATEWAY_URL",
    "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY",
    "INNGEST_CONNECT_INSTANCE_ID",
];

/// Variables that also mean something without a server: who may use the embedded engine.
const KEYS: [&str; 2] = ["INNGEST_SIGNING_KEY", "INNGEST_EVENT_KEY"];

/// Whether a variable means something, and else the one that its name is most like.
///
/// Only names that start with `INNGEST_` should be asked for.
pub fn check_variable(name: &str) -> Result<(), Option<&'static str>> {
    let known = || CHOOSE_SERVER.into_iter().chain(REFINE_SERVER).chain(KEYS);
    if known().any(|variable| variable == name) {
        return Ok(());
    }
    // What all names share would make them all alike.
    let stem = |name: &'static str| name.strip_prefix("INNGEST_").unwrap_or(name);
    let near = nearest(name.strip_prefix("INNGEST_").unwrap_or(name), known().map(stem));
    Err(near.and_then(|near| known().find(|name| stem(name) == near)))
}

/// Which kind of server a worker expects (`SDK_SPEC.md` §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Inngest Cloud, or a self-hosted server with keys: every request must be signed.
    Cloud,
    /// A Dev Server: requests are not signed.
    Dev,
}

impl Mode {
    /// The mode's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Dev => "dev",
        }
    }
}

/// How the worker and the server reach each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The server calls the worker.
    Serve,
    /// The worker keeps a websocket open.
    Connect(ConnectSettings),
}

/// The settings of a websocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSettings {
    /// Calls executed at the same time.
    pub max_concurrency: usize,
    /// The gateway to dial in place of the one that the server names.
    pub gateway: Option<Url>,
    /// A name of this worker that stays the same over restarts; the host's name when absent.
    pub instance_id: Option<String>,
}

/// Which server a worker works for, and how.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The id of the app that the worker registers.
    pub app_id: String,
    /// Which kind of server is expected.
    pub mode: Mode,
    /// How calls arrive.
    pub transport: Transport,
    /// Where the server's API is; the path is kept.
    pub api_origin: Url,
    /// Where events are sent.
    pub event_origin: Url,
    /// The keys that sign requests.
    pub keys: SigningKeys,
    /// The key under which events are sent.
    pub event_key: Option<String>,
    /// The branch environment.
    pub env: Option<String>,
    /// The origin under which the server reaches this worker.
    pub serve_origin: Option<Url>,
    /// The path under which the server reaches this worker.
    pub serve_path: Option<String>,
    /// Whether answers to calls are streamed.
    pub streaming: bool,
    /// Whether a server may take the functions from the answer to its own request.
    pub in_band_sync: bool,
    /// When results are sent while a function goes on, for functions that do not say; never when `None`.
    pub checkpoint: Option<Checkpoint>,
}

/// Why the environment's variables cannot be used; each text names the variable and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A value is no address.
    #[error("`{name}` is `{value}`, which is not an address: write it like `{example}`")]
    Url {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// A good one.
        example: &'static str,
    },
    /// A value is none of those that are known.
    #[error("`{name}` is `{value}`: use {known}")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        known: &'static str,
    },
    /// A key does not parse. The value is not shown.
    #[error("`{name}` cannot be used: {error}")]
    Key {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A server that is not a Dev Server needs a key.
    #[error(
        "`INNGEST_SIGNING_KEY` is not set: set it to the server's key, or set `INNGEST_DEV=1` to work for a Dev Server"
    )]
    MissingSigningKey,
    /// A variable refines a server that nothing names.
    #[error("`{0}` is set, but nothing says which server: set `INNGEST_DEV` or `INNGEST_BASE_URL`, or unset it")]
    NoServer(&'static str),
}

impl ServerSettings {
    /// Reads the environment through `variable`; `None` when nothing in it asks for a server.
    ///
    /// `app_id` is the app's id unless `INNGEST_APP_ID` says otherwise.
    pub fn read(variable: impl Fn(&str) -> Option<String>, app_id: &str) -> Result<Option<Self>, SettingsError> {
        let variable =
            |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if !CHOOSE_SERVER.iter().any(|name| variable(name).is_some()) {
            let stray = REFINE_SERVER.into_iter().find(|name| variable(name).is_some());
            return stray.map_or(Ok(None), |name| Err(SettingsError::NoServer(name)));
        }
        let (mode, dev_server) = match variable("INNGEST_DEV").as_deref() {
            None | Some("0" | "false") => (Mode::Cloud, None),
            Some("1" | "true") => (Mode::Dev, None),
            Some(origin) => (Mode::Dev, Some(url("INNGEST_DEV", origin)?)),
        };
        let origin = |name: &'static str| {
            let base = variable(name).map(|value| (name, value));
            let base = base.or_else(|| variable("INNGEST_BASE_URL").map(|value| ("INNGEST_BASE_URL", value)));
            base.map(|(name, value)| url(name, &value)).transpose()
        };
        let fallback = |cloud: &str| match (mode, &dev_server) {
            (Mode::Dev, Some(url)) => url.clone(),
            (Mode::Dev, None) => constant(DEV_SERVER),
            (Mode::Cloud, _) => constant(cloud),
        };
        let keys = SigningKeys {
            current: key(&variable, "INNGEST_SIGNING_KEY")?,
            fallback: key(&variable, "INNGEST_SIGNING_KEY_FALLBACK")?,
        };
        if mode == Mode::Cloud && keys.is_empty() {
            return Err(SettingsError::MissingSigningKey);
        }
        let serve_origin = ["INNGEST_SERVE_ORIGIN", "INNGEST_SERVE_HOST"]
            .into_iter()
            .find_map(|name| variable(name).map(|value| url(name, &value)))
            .transpose()?;
        Ok(Some(Self {
            app_id: variable("INNGEST_APP_ID").unwrap_or_else(|| app_id.to_owned()),
            mode,
            transport: transport(&variable)?,
            api_origin: origin("INNGEST_API_BASE_URL")?.unwrap_or_else(|| fallback(CLOUD_API)),
            event_origin: origin("INNGEST_EVENT_API_BASE_URL")?.unwrap_or_else(|| fallback(CLOUD_EVENTS)),
            keys,
            event_key: variable("INNGEST_EVENT_KEY"),
            env: variable("INNGEST_ENV"),
            serve_origin,
            serve_path: variable("INNGEST_SERVE_PATH"),
            streaming: flag(&variable, "INNGEST_STREAMING", false)?,
            in_band_sync: flag(&variable, "INNGEST_ALLOW_IN_BAND_SYNC", true)?,
            checkpoint: checkpoint(&variable)?,
        }))
    }

    /// Where `path` is at the server's API.
    pub(super) fn api(&self, path: &[&str]) -> Url {
        below(&self.api_origin, path)
    }

    /// Where events are sent; a Dev Server takes them under any key.
    pub(super) fn events(&self) -> Url {
        below(&self.event_origin, &["e", self.event_key.as_deref().unwrap_or("NO_EVENT_KEY_SET")])
    }
}

/// An address with these segments behind its path, each escaped.
fn below(origin: &Url, path: &[&str]) -> Url {
    let mut url = origin.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

fn url(name: &'static str, value: &str) -> Result<Url, SettingsError> {
    let wrong = || SettingsError::Url { name, value: value.to_owned(), example: "http://127.0.0.1:8288" };
    let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&text).map_err(|_| wrong())?;
    let fits = ["http", "https", "ws", "wss"].contains(&url.scheme()) && url.host().is_some();
    if fits { Ok(url) } else { Err(wrong()) }
}

#[expect(clippy::expect_used, reason = "only constants of this file are passed, and a test reads each")]
fn constant(text: &str) -> Url {
    Url::parse(text).expect("is an address")
}

fn key(variable: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<Option<SigningKey>, SettingsError> {
    let key = variable(name).map(|text| SigningKey::parse(&text));
    key.transpose().map_err(|error| SettingsError::Key { name, error })
}

fn flag(variable: &impl Fn(&str) -> Option<String>, name: &'static str, unset: bool) -> Result<bool, SettingsError> {
    match variable(name).as_deref() {
        None => Ok(unset),
        Some("1" | "true" | "allow" | "force") => Ok(true),
        Some("0" | "false") => Ok(false),
        Some(value) => Err(SettingsError::Value { name, value: value.to_owned(), known: "`1` or `0`" }),
    }
}

fn transport(variable: &impl Fn(&str) -> Option<String>) -> Result<Transport, SettingsError> {
    const CONCURRENCY: &str = "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY";
    const GATEWAY: &str = "INNGEST_CONNECT_GATEWAY_URL";
    if !flag(variable, "INNGEST_CONNECT_MODE", false)? {
        return Ok(Transport::Serve);
    }
    let max_concurrency = match variable(CONCURRENCY) {
        None => CONNECT_CONCURRENCY_DEFAULT,
        Some(text) => match text.parse() {
            Ok(limit) if limit > 0 => limit,
            _ => return Err(SettingsError::Value { name: CONCURRENCY, value: text, known: "a number from 1" }),
        },
    };
    let gateway = variable(GATEWAY).map(|value| url(GATEWAY, &value)).transpose()?;
    let instance_id = variable("INNGEST_CONNECT_INSTANCE_ID");
    Ok(Transport::Connect(ConnectSettings { max_concurrency, gateway, instance_id }))
}

fn checkpoint(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<Checkpoint>, SettingsError> {
    const NAME: &str = "INNGEST_CHECKPOINTING";
    match variable(NAME).as_deref() {
        None | Some("1" | "true" | "safe") => Ok(Some(Checkpoint::SAFE)),
        Some("blended") => Ok(Some(Checkpoint::BLENDED)),
        Some("performant") => Ok(Some(Checkpoint::PERFORMANT)),
        Some("0" | "false" | "off") => Ok(None),
        Some(value) => Err(SettingsError::Value {
            name: NAME,
            value: value.to_owned(),
            known: "`safe`, `blended`, `performant` or `off`",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<ServerSettings>, SettingsError> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        ServerSettings::read(find, "app")
    }

    #[track_caller]
    fn good(variables: &[(&str, &str)]) -> ServerSettings {
        read(variables).expect("is fine").expect("names a server")
    }

    #[track_caller]
    fn refusal(variables: &[(&str, &str)]) -> String {
        read(variables).expect_err("is refused").to_string()
    }

    #[test]
    fn nothing_and_keys_alone_mean_no_server() {
        assert!(read(&[]).expect("is fine").is_none());
        assert!(read(&[("INNGEST_SIGNING_KEY", "any"), ("INNGEST_EVENT_KEY", "any")]).expect("is fine").is_none());
        assert!(read(&[("INNGEST_DEV", " ")]).expect("is fine").is_none());
        assert!(refusal(&[("INNGEST_ENV", "branch")]).starts_with("`INNGEST_ENV` is set, but nothing says"));
    }

    #[test]
    fn a_dev_server_is_at_its_default_or_where_the_variable_says() {
        let local = good(&[("INNGEST_DEV", "1")]);
        assert_eq!((local.mode, local.api_origin.as_str()), (Mode::Dev, "http://localhost:8288/"));
        assert_eq!(local.events().as_str(), "http://localhost:8288/e/NO_EVENT_KEY_SET");
        let other = good(&[("INNGEST_DEV", "http://example.com"), ("INNGEST_EVENT_KEY", "k/1")]);
        assert_eq!(other.events().as_str(), "http://example.com/e/k%2F1");
        assert_eq!(good(&[("INNGEST_DEV", "example.com:99")]).api_origin.as_str(), "http://example.com:99/");
    }

    #[test]
    fn the_cloud_is_the_default_and_needs_a_key() {
        assert!(refusal(&[("INNGEST_DEV", "0")]).starts_with("`INNGEST_SIGNING_KEY` is not set"));
        let cloud = good(&[("INNGEST_DEV", "0"), ("INNGEST_SIGNING_KEY", "signkey-prod-aa")]);
        assert_eq!(cloud.mode, Mode::Cloud);
        assert_eq!(cloud.api(&["fn", "register"]).as_str(), "https://api.inngest.com/fn/register");
        assert!(cloud.events().as_str().starts_with("https://inn.gs/e/"));
    }

    #[test]
    fn the_more_specific_address_wins() {
        let settings = good(&[
            ("INNGEST_DEV", "1"),
            ("INNGEST_BASE_URL", "http://both:1/base/"),
            ("INNGEST_EVENT_API_BASE_URL", "http://events:2"),
        ]);
        assert_eq!(settings.api(&["v1", "a b"]).as_str(), "http://both:1/base/v1/a%20b");
        assert_eq!(settings.event_origin.as_str(), "http://events:2/");
    }

    #[test]
    fn what_does_not_parse_is_named_and_keys_are_not_shown() {
        assert!(
            refusal(&[("INNGEST_BASE_URL", "ftp://x"), ("INNGEST_DEV", "1")])
                .contains("`INNGEST_BASE_URL` is `ftp://x`")
        );
        let text = refusal(&[("INNGEST_DEV", "0"), ("INNGEST_SIGNING_KEY", "hunter2")]);
        assert!(text.starts_with("`INNGEST_SIGNING_KEY` cannot be used") && !text.contains("hunter2"));
        assert!(refusal(&[("INNGEST_DEV", "1"), ("INNGEST_STREAMING", "maybe")]).contains("use `1` or `0`"));
        assert!(refusal(&[("INNGEST_DEV", "1"), ("INNGEST_CHECKPOINTING", "fast")]).contains("`blended`"));
        let none =
            [("INNGEST_CONNECT_MODE", "1"), ("INNGEST_DEV", "1"), ("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "0")];
        assert!(refusal(&none).contains("a number from 1"));
    }

    #[test]
    fn a_misspelt_variable_has_a_neighbour() {
        assert_eq!(check_variable("INNGEST_DEV"), Ok(()));
        assert_eq!(check_variable("INNGEST_EVENT_KEY"), Ok(()));
        assert_eq!(check_variable("INNGEST_BASE_URI"), Err(Some("INNGEST_BASE_URL")));
        assert_eq!(check_variable("INNGEST_SIGNINGKEY"), Err(Some("INNGEST_SIGNING_KEY")));
        assert_eq!(check_variable("INNGEST_BANANA"), Err(None));
    }

    #[test]
    fn connect_is_asked_for_by_its_variable() {
        let settings = good(&[("INNGEST_DEV", "1"), ("INNGEST_CONNECT_MODE", "1")]);
        let Transport::Connect(connect) = settings.transport else { panic!("serves") };
        assert_eq!((connect.max_concurrency, connect.gateway), (1_000, None));
        assert_eq!(good(&[("INNGEST_DEV", "1"), ("INNGEST_CONNECT_MODE", "0")]).transport, Transport::Serve);
    }
}
