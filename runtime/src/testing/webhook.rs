//! A webhook provider without a socket: deliveries in, outcomes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::event::NewEvent;
use crate::registry::Registry;
use crate::service::Secrets;
use crate::webhook::{
    Algorithm, Encoding, Outcome, ProviderRegistration, Received, Refusal, Scheme, Signed, SignedRequest,
    TimestampPlace, receive,
};

/// A linked provider with secrets and a time of its own.
///
/// ```no_run
/// use system_bus_runtime::testing::WebhookHarness;
///
/// let acme = WebhookHarness::of("acme").secret("ACME_WEBHOOK_SECRET", "s");
/// let events = acme.events(&[("x-acme-event", "order")], r#"{"number":7}"#);
/// assert_eq!(events[0].name, "acme/order.placed");
/// ```
#[derive(Clone)]
pub struct WebhookHarness {
    pub(super) provider: &'static ProviderRegistration,
    registry: Registry,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) now: i64,
    signing_key: Option<SigningKey>,
}

impl WebhookHarness {
    /// The provider of this id, among those that are linked into the test.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn of(id: &str) -> Self {
        let registry = Registry::linked();
        let found = registry.providers().iter().copied().find(|provider| provider.id == id);
        let Some(provider) = found else { panic!("no provider `{id}` is linked into this test") };
        Self { provider, registry, variables: BTreeMap::new(), now: 0, signing_key: None }
    }

    /// The same with this secret.
    #[must_use]
    pub fn secret(mut self, variable: &str, value: &str) -> Self {
        self.variables.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// The same with the key pair of this seed (RFC 8032 §5.1.5); the variable gets the public key.
    #[must_use]
    pub fn key_pair(mut self, variable: &str, seed: [u8; 32]) -> Self {
        let key = SigningKey::from_bytes(&seed);
        self.variables.insert(variable.to_owned(), STANDARD.encode(key.verifying_key().as_bytes()));
        self.signing_key = Some(key);
        self
    }

    /// The same at this time, in milliseconds since 1970.
    #[must_use]
    pub fn at(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    /// The headers by which a body is signed now, with the first signature of the provider whose secret is set.
    ///
    /// # Panics
    ///
    /// When none is, or a function of the provider's decides.
    #[track_caller]
    pub fn signed(&self, body: impl AsRef<[u8]>) -> Vec<(String, String)> {
        let found = self.provider.signatures.iter().find_map(|signature| {
            let secret = signature.secret.variables.iter().find_map(|name| self.variables.get(*name))?;
            let Scheme::Signed(signed) = &signature.scheme else { return None };
            Some((signed, secret))
        });
        let Some((signed, secret)) = found else { panic!("no secret of `{}` is set", self.provider.id) };
        self.sign(signed, secret.as_bytes(), body.as_ref())
    }

    pub(super) fn sign(&self, signed: &Signed, secret: &[u8], body: &[u8]) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let time = signed.timestamp.map(|timestamp| (self.now / timestamp.unit_ms).to_string()).unwrap_or_default();
        let join = match signed.timestamp.map(|timestamp| timestamp.place) {
            None => "",
            Some(TimestampPlace::List) => ".",
            Some(TimestampPlace::Header { name, join }) => {
                headers.push((name.to_owned(), time.clone()));
                join
            }
        };
        let message = [time.as_bytes(), join.as_bytes(), body].concat();
        let signature = match signed.algorithm {
            Algorithm::HmacSha1 => hmac::<Hmac<sha1::Sha1>>(secret, &message),
            Algorithm::HmacSha256 => hmac::<Hmac<sha2::Sha256>>(secret, &message),
            Algorithm::Ed25519 => match &self.signing_key {
                Some(key) => key.sign(&message).to_bytes().to_vec(),
                None => panic!("`{}` verifies with a public key: give a `key_pair`", self.provider.id),
            },
        };
        let text = match signed.encoding {
            Encoding::Hex => hex::encode(signature),
            Encoding::Base64 => STANDARD.encode(signature),
        };
        let text = match signed.timestamp.map(|timestamp| timestamp.place) {
            Some(TimestampPlace::List) => format!("t={time},v1={text}"),
            _ => format!("{}{text}", signed.prefix),
        };
        headers.push((signed.header.to_owned(), text));
        headers
    }

    /// Delivers as it is, without a signature that is not among the headers; a header may be given more than once.
    ///
    /// # Panics
    ///
    /// When a header cannot be one.
    #[track_caller]
    pub fn deliver(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Result<Received, Refusal> {
        let map = header_map(headers);
        let variables = Arc::new(self.variables.clone());
        let secrets = Secrets::new(move |name| variables.get(name).cloned(), None);
        let request = SignedRequest { headers: &map, body: body.as_ref(), now: self.now };
        receive(self.provider, &self.registry, |source| secrets.current(source), &request)
    }

    /// Signs and delivers: the vendor's id of the delivery, and what it becomes.
    ///
    /// # Panics
    ///
    /// When it is refused, or a challenge.
    #[track_caller]
    pub fn outcome(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> (String, Outcome) {
        let signed = self.signed(body.as_ref());
        let signed = signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(signed).collect();
        match self.deliver(&headers, body) {
            Ok(Received::Delivery { id, outcome, .. }) => (id, outcome),
            other => panic!("the delivery is not accepted: {other:?}"),
        }
    }

    /// Signs and delivers: the events.
    ///
    /// # Panics
    ///
    /// When it is refused or has a problem.
    #[track_caller]
    pub fn events(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<NewEvent> {
        match self.outcome(headers, body) {
            (_, Outcome::Events(events)) => events,
            (_, Outcome::Problem(problem)) => panic!("the delivery has a problem: {problem}"),
        }
    }

    /// Signs and delivers: the name, id and data of the one event.
    ///
    /// # Panics
    ///
    /// When there is another number of them.
    #[track_caller]
    pub fn event(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> (String, String, Value) {
        let events = self.events(headers, body);
        let [event] = &events[..] else { panic!("{} events", events.len()) };
        let data = serde_json::from_str(event.data.get()).unwrap_or_default();
        (event.name.clone(), event.id.clone().unwrap_or_default(), data)
    }

    /// Signs and delivers: why there can be no events.
    ///
    /// # Panics
    ///
    /// When it is refused or can be.
    #[track_caller]
    pub fn problem(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> String {
        match self.outcome(headers, body) {
            (_, Outcome::Problem(problem)) => problem,
            (_, Outcome::Events(events)) => panic!("there is no problem: {events:?}"),
        }
    }
}

#[track_caller]
pub(super) fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        // Bytes, because a header may hold more than ASCII.
        match (HeaderName::try_from(*name), HeaderValue::from_bytes(value.as_bytes())) {
            (Ok(name), Ok(value)) => map.append(name, value),
            _ => panic!("`{name}: {value}` is no header"),
        };
    }
    map
}

fn hmac<M: Mac + KeyInit>(secret: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so that there always is one.
    let Ok(mac) = <M as KeyInit>::new_from_slice(secret) else { return Vec::new() };
    mac.chain_update(message).finalize().into_bytes().to_vec()
}
