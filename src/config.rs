//! What the environment says, checked before anything starts. Secrets go in and are never shown.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use system_bus_engine::api::Keys;
use system_bus_runtime::middleware::{Encryption, EncryptionKey, KeyError, MiddlewareStack, Tracing};
use system_bus_runtime::server::settings::check_variable;
use system_bus_runtime::server::{ServerSettings, SettingsError};
use system_bus_runtime::service::Redis;
use system_bus_runtime::service::redis::RedisUrlError;
use system_bus_runtime::webhook::TrustedHops;

const PORT_DEFAULT: u16 = 3111;
const DIRECTORY_DEFAULT: &str = ".system-bus";
const EVENT_KEY: &str = "INNGEST_EVENT_KEY";
const SIGNING_KEY: &str = "INNGEST_SIGNING_KEY";
const REDIS_URL: &str = "REDIS_URL";
const ENCRYPTION_KEY: &str = "SYSTEM_BUS_ENCRYPTION_KEY";
const ENCRYPTION_FALLBACKS: &str = "SYSTEM_BUS_ENCRYPTION_KEY_FALLBACKS";
const TRUSTED_HOPS: &str = "TRUSTED_PROXY_HOPS";
const DECRYPT_ONLY: &str = "SYSTEM_BUS_ENCRYPTION_DECRYPT_ONLY";

/// Why the environment cannot be used. Each text is one line that names the variable and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `HOST` is no address.
    #[error("`HOST` is `{0}`, which is not an IP address: use `127.0.0.1`, `::1` or `0.0.0.0`")]
    Host(String),
    /// `PORT` is no port.
    #[error("`PORT` is `{0}`, which is not a port: use a number from 0 to 65535, where 0 means any free one")]
    Port(String),
    /// `WORKER_ROLE` is no role.
    #[error("`WORKER_ROLE` is `{0}`: use `host` or `cluster`, or leave it unset to run all functions")]
    Role(String),
    /// `TRUSTED_PROXY_HOPS` is no number.
    #[error("`TRUSTED_PROXY_HOPS` is `{0}`: use the number of proxies before the worker, 0 to 255")]
    TrustedHops(String),
    /// `REDIS_URL` names no server; what it says is not repeated, as it may hold a password.
    #[error("`{REDIS_URL}` is {0}")]
    Redis(#[from] RedisUrlError),
    /// A variable is about encryption, and there is no key.
    #[error("`{0}` is set, but `{ENCRYPTION_KEY}` is not: set the key that values are encrypted with")]
    EncryptionKeyMissing(&'static str),
    /// A secret is no key.
    #[error("`{name}`: {error}")]
    EncryptionKey {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        error: KeyError,
    },
    /// A switch is neither on nor off.
    #[error("`{name}` is `{value}`: use `true` or `false`")]
    Switch {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
    /// The variables of the server do not fit together.
    #[error(transparent)]
    Server(#[from] SettingsError),
    /// A variable of the protocol that means nothing here, so that its setting would be lost.
    #[error(
        "`{name}` is set, but there is no such variable{}: unset it",
        nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The known one that is most like it.
        nearest: Option<&'static str>,
    },
    /// Other machines could use the engine without a key.
    #[error("`{address}` can be reached from other machines: set {missing}, or listen on `HOST=127.0.0.1`")]
    Exposed {
        /// The address asked for.
        address: IpAddr,
        /// The missing variables.
        missing: String,
    },
}

/// The environment's variables; a blank one counts as not set.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        Self::of(std::env::vars_os())
    }

    /// These variables.
    pub fn of<K: Into<OsString>, V: Into<OsString>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(variables.filter(|(_, value)| !value.to_string_lossy().trim().is_empty()).collect())
    }

    /// The variable as the system has it.
    pub fn raw(&self, name: &str) -> Option<&OsString> {
        self.0.get(&OsString::from(name))
    }

    /// The variable as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// The address that a worker listens on.
    pub fn address(&self) -> Result<SocketAddr, ConfigError> {
        let host = match self.text("HOST").as_deref().map(str::trim) {
            None | Some("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(text) => {
                let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
                bare.parse().map_err(|_| ConfigError::Host(text.to_owned()))?
            }
        };
        let port = match self.text("PORT") {
            None => PORT_DEFAULT,
            Some(text) => text.trim().parse().map_err(|_| ConfigError::Port(text))?,
        };
        Ok(SocketAddr::new(host, port))
    }

    /// Which functions a worker runs; all when unset.
    pub fn role(&self) -> Result<Option<WorkerRole>, ConfigError> {
        match self.text("WORKER_ROLE").as_deref().map(str::trim) {
            None => Ok(None),
            Some("host") => Ok(Some(WorkerRole::Host)),
            Some("cluster") => Ok(Some(WorkerRole::Cluster)),
            Some(other) => Err(ConfigError::Role(other.to_owned())),
        }
    }

    /// The keys that guard the engine's API.
    pub fn keys(&self) -> Keys {
        Keys { event: self.text(EVENT_KEY), signing: self.text(SIGNING_KEY) }
    }

    /// Where the state of functions is kept; in the embedded store when unset.
    pub fn redis(&self) -> Result<Option<Redis>, ConfigError> {
        Ok(self.text(REDIS_URL).map(|url| Redis::open(&url)).transpose()?)
    }

    /// How values are encrypted; without a key not at all.
    pub fn encryption(&self) -> Result<Option<Encryption>, ConfigError> {
        let derive = |name, secret: &str| {
            EncryptionKey::derive(secret).map_err(|error| ConfigError::EncryptionKey { name, error })
        };
        let Some(secret) = self.text(ENCRYPTION_KEY) else {
            let alone = [ENCRYPTION_FALLBACKS, DECRYPT_ONLY].into_iter().find(|name| self.raw(name).is_some());
            return alone.map_or(Ok(None), |name| Err(ConfigError::EncryptionKeyMissing(name)));
        };
        let mut encryption = Encryption::new(derive(ENCRYPTION_KEY, &secret)?);
        let fallbacks = self.text(ENCRYPTION_FALLBACKS).unwrap_or_default();
        for secret in fallbacks.split(',').filter(|secret| !secret.trim().is_empty()) {
            encryption = encryption.fallback(derive(ENCRYPTION_FALLBACKS, secret)?);
        }
        match self.text(DECRYPT_ONLY).as_deref().map(str::trim) {
            None | Some("false" | "0") => Ok(Some(encryption)),
            Some("true" | "1") => Ok(Some(encryption.decrypt_only())),
            Some(other) => Err(ConfigError::Switch { name: DECRYPT_ONLY, value: other.to_owned() }),
        }
    }

    /// What stands around the functions of every application: tracing, and encryption when there is a key. The
    /// application's own belongs inside, so that it sees plain values.
    pub fn middleware(&self) -> Result<MiddlewareStack, ConfigError> {
        let tracing = MiddlewareStack::default().with(Tracing);
        Ok(match self.encryption()? {
            Some(encryption) => tracing.with(encryption),
            None => tracing,
        })
    }

    /// How many proxies stand before a worker and say in `X-Forwarded-For` who the client is.
    pub fn trusted_hops(&self) -> Result<TrustedHops, ConfigError> {
        match self.text(TRUSTED_HOPS) {
            None => Ok(TrustedHops::default()),
            Some(text) => text.trim().parse().map(TrustedHops).map_err(|_| ConfigError::TrustedHops(text)),
        }
    }

    /// The server that a worker works for and that commands talk to; `None` when nothing names one.
    ///
    /// `app_id` is the app's id unless `INNGEST_APP_ID` says otherwise.
    pub fn server(&self, app_id: &str) -> Result<Option<ServerSettings>, ConfigError> {
        self.check_variables()?;
        Ok(ServerSettings::read(|name| self.text(name), app_id)?)
    }

    /// A misspelt variable would silently be a setting that is not made.
    fn check_variables(&self) -> Result<(), ConfigError> {
        let names = self.0.keys().map(|name| name.to_string_lossy()).filter(|name| name.starts_with("INNGEST_"));
        for name in names {
            check_variable(&name)
                .map_err(|nearest| ConfigError::UnknownVariable { name: name.clone().into_owned(), nearest })?;
        }
        Ok(())
    }

    /// All that a worker needs to start.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        self.check_variables()?;
        let address = self.address()?;
        let keys = self.keys();
        if !address.ip().to_canonical().is_loopback() {
            let missing = [(EVENT_KEY, &keys.event), (SIGNING_KEY, &keys.signing)];
            let missing: Vec<_> =
                missing.into_iter().filter(|(_, key)| key.is_none()).map(|(name, _)| format!("`{name}`")).collect();
            if !missing.is_empty() {
                return Err(ConfigError::Exposed { address: address.ip(), missing: missing.join(" and ") });
            }
        }
        let directory = self.raw("SYSTEM_BUS_DATA").map_or_else(|| DIRECTORY_DEFAULT.into(), PathBuf::from);
        let (role, middleware, redis) = (self.role()?, self.middleware()?, self.redis()?);
        let trusted_hops = self.trusted_hops()?;
        Ok(Settings { address, directory, role, keys, trusted_hops, middleware, redis })
    }
}

/// What a worker starts with.
pub struct Settings {
    /// Where it listens; port 0 means any free one.
    pub address: SocketAddr,
    /// Where it keeps its state.
    pub directory: PathBuf,
    /// Which functions it runs; all when `None`.
    pub role: Option<WorkerRole>,
    /// Who may use the engine's API.
    pub keys: Keys,
    /// How many proxies stand before it.
    pub trusted_hops: TrustedHops,
    /// What stands around all functions, outside the application's own middleware.
    pub middleware: MiddlewareStack,
    /// Where the state of functions is kept; in the embedded store when `None`.
    pub redis: Option<Redis>,
}

/// The deployment that a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerRole {
    /// The machine with the operator's files and programs.
    Host,
    /// The cluster.
    Cluster,
}

impl WorkerRole {
    /// The name, as `WORKER_ROLE` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Cluster => "cluster",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(variables: &[(&str, &str)]) -> String {
        Environment::of(variables.iter().copied()).settings().err().expect("is refused").to_string()
    }

    #[test]
    fn nothing_set_means_loopback_and_all_functions() {
        let settings = Environment::default().settings().expect("is fine");
        assert_eq!(settings.address.to_string(), "127.0.0.1:3111");
        assert_eq!(settings.directory, PathBuf::from(".system-bus"));
        assert_eq!(settings.role, None);
        assert!(settings.keys.event.is_none() && settings.keys.signing.is_none());
    }

    #[test]
    fn listening_beyond_loopback_needs_both_keys() {
        assert!(refusal(&[("HOST", "0.0.0.0")]).contains("set `INNGEST_EVENT_KEY` and `INNGEST_SIGNING_KEY`,"));
        assert!(refusal(&[("HOST", "::"), (EVENT_KEY, "k")]).contains("set `INNGEST_SIGNING_KEY`,"));
        assert!(refusal(&[("HOST", "10.0.0.1"), (SIGNING_KEY, "k")]).contains("set `INNGEST_EVENT_KEY`,"));
        let both = Environment::of([("HOST", "0.0.0.0"), (EVENT_KEY, "a"), (SIGNING_KEY, "b")]);
        assert!(both.settings().is_ok());
        assert!(Environment::of([("HOST", "[::1]")]).settings().is_ok());
        assert!(Environment::of([("HOST", "::ffff:127.0.0.1")]).settings().is_ok());
    }

    #[test]
    fn a_server_is_named_by_its_variables() {
        assert!(Environment::of([(SIGNING_KEY, "any")]).server("app").expect("is fine").is_none());
        let server = Environment::of([("INNGEST_DEV", "http://127.0.0.1:8288")]).server("app");
        assert_eq!(server.expect("is fine").expect("is named").app_id, "app");
        let error = Environment::of([("INNGEST_DEV", "0")]).server("app").expect_err("has no key");
        assert!(error.to_string().starts_with("`INNGEST_SIGNING_KEY` is not set"), "{error}");
    }

    #[test]
    fn an_unknown_variable_of_the_protocol_is_refused_with_the_nearest_one() {
        assert!(refusal(&[("INNGEST_DEVV", "1")]).contains("did you mean `INNGEST_DEV`?"));
        assert!(
            refusal(&[("INNGEST_BANANA", "1")]).starts_with("`INNGEST_BANANA` is set, but there is no such variable: ")
        );
        assert!(Environment::of([("INNGEST_DEVV", "1")]).server("app").is_err());
        assert!(Environment::of([("INNGEST_DEVV", "")]).settings().is_ok());
    }

    #[test]
    fn what_does_not_parse_is_named() {
        assert!(refusal(&[("HOST", "nowhere")]).starts_with("`HOST` is `nowhere`"));
        assert!(refusal(&[("PORT", "70000")]).starts_with("`PORT` is `70000`"));
        assert!(refusal(&[("TRUSTED_PROXY_HOPS", "-1")]).starts_with("`TRUSTED_PROXY_HOPS` is `-1`"));
        assert!(refusal(&[("WORKER_ROLE", "both")]).starts_with("`WORKER_ROLE` is `both`"));
        let switch = [(ENCRYPTION_KEY, "k"), (DECRYPT_ONLY, "perhaps")];
        assert!(refusal(&switch).starts_with("`SYSTEM_BUS_ENCRYPTION_DECRYPT_ONLY` is `perhaps`"));
    }

    #[test]
    fn redis_is_named_by_its_url_and_a_wrong_one_is_not_repeated() {
        let redis = |url: &str| Environment::of([(REDIS_URL, url)]).settings().map(|settings| settings.redis);
        assert!(redis(" ").expect("is unset").is_none());
        let server = redis("rediss://user:secret-word@example.com/1").expect("is fine").expect("is set");
        assert_eq!(server.address(), "example.com:6379");
        for url in ["secret-word", "http://:secret-word@example.com", "redis://:secret-word@example.com/first"] {
            let error = redis(url).expect_err("is no URL of Redis").to_string();
            assert!(error.starts_with("`REDIS_URL` is not the URL of a Redis server"), "{error}");
            assert!(!error.contains("secret-word"), "{error}");
        }
    }

    #[test]
    fn encryption_needs_its_key() {
        let layers = |variables: &[(&str, &str)]| {
            let stack = Environment::of(variables.iter().copied()).middleware().expect("is fine");
            format!("{stack:?}")
        };
        assert_eq!(layers(&[]), r#"["tracing"]"#);
        let fallbacks = [(ENCRYPTION_KEY, "k"), (ENCRYPTION_FALLBACKS, "a, ,b"), (DECRYPT_ONLY, "true")];
        assert_eq!(layers(&fallbacks), r#"["tracing", "encryption"]"#);
        for name in [ENCRYPTION_FALLBACKS, DECRYPT_ONLY] {
            let refusal = refusal(&[(name, "secret-word")]);
            assert!(refusal.contains("`SYSTEM_BUS_ENCRYPTION_KEY` is not") && !refusal.contains("secret-word"));
        }
    }

    #[test]
    fn older_keys_still_open_values() {
        use system_bus_runtime::event::NewEvent;
        let stack =
            |variables: &[(&str, &str)]| Environment::of(variables.iter().copied()).middleware().expect("is fine");
        let data = serde_json::value::to_raw_value(&serde_json::json!({"encrypted": 1})).expect("JSON");
        let mut events = vec![NewEvent::named("a/b", data)];
        stack(&[(ENCRYPTION_KEY, "old")]).before_send(&mut events).expect("is encrypted");
        let new = stack(&[(ENCRYPTION_KEY, "new"), (ENCRYPTION_FALLBACKS, "older, old")]);
        new.reveal_event(&mut events[0]).expect("is decrypted");
        assert_eq!(events[0].data.get(), r#"{"encrypted":1}"#);
    }
}
