//! The routes of webhooks: decode, call what decides, encode.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, RawQuery, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::body::Bodies;
use super::client::{Account, TrustedHops};
use super::delivery::Delivery;
use super::inbox::{DeliveryState, Inbox, KeptDelivery, NewDelivery, Outcome, Receipt};
use super::limits;
use super::provider::{Challenge, ProviderRegistration};
use super::receive::{Received, Refusal, normalize, receive};
use super::scheme::SignedRequest;
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::rejection::Rejection;
use crate::service::{Secret, Secrets};

/// What a gateway works with.
pub struct WebhookConfig {
    /// The providers, and the events that they may send.
    pub registry: Registry,
    /// Their secrets.
    pub secrets: Secrets,
    /// Where deliveries rest.
    pub inbox: Arc<dyn Inbox>,
    /// How many proxies stand before the worker.
    pub trusted_hops: TrustedHops,
}

/// Takes deliveries in. Clones are handles to the same one.
#[derive(Clone)]
pub struct WebhookGateway(Arc<Inner>);

struct Inner {
    config: WebhookConfig,
    bodies: Bodies,
    failures: Account,
    challenges: Account,
    arrived: Notify,
}

impl WebhookGateway {
    /// A gateway for the providers of the registry.
    pub fn new(config: WebhookConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            bodies: Bodies::default(),
            failures: Account::per_minute(limits::FAILURES_PER_MINUTE),
            challenges: Account::per_minute(limits::CHALLENGES_PER_MINUTE),
            arrived: Notify::new(),
        }))
    }

    /// The routes. The server should add the peer's address ([`ConnectInfo`]), by which clients are told apart.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/webhooks", get(list))
            .route("/webhooks/{provider}", get(challenge).post(deliver))
            .with_state(self.clone())
    }

    /// Where deliveries rest.
    pub fn inbox(&self) -> &Arc<dyn Inbox> {
        &self.0.config.inbox
    }

    /// The providers.
    pub fn providers(&self) -> &[&'static ProviderRegistration] {
        self.0.config.registry.providers()
    }

    /// Whether the provider has a secret, so that its webhook is open.
    pub fn is_open(&self, provider: &ProviderRegistration) -> bool {
        provider.signatures.iter().any(|signature| !self.0.config.secrets.current(&signature.secret).is_empty())
    }

    /// Turns a kept delivery into events again, with the program as it is now; `None` when there is no such delivery.
    pub async fn replay(&self, id: i64) -> Result<Option<Receipt>> {
        let Some(kept) = self.inbox().delivery(id).await? else { return Ok(None) };
        let Some(provider) = self.provider(&kept.summary.provider) else {
            let text = format!("this program has no provider `{}` any more", kept.summary.provider);
            return Err(Error::terminal(text));
        };
        let outcome = self.normalize_again(provider, &kept);
        let delivery = NewDelivery {
            provider: provider.id,
            key: kept.summary.key,
            headers: kept.headers,
            body: kept.body,
            outcome,
            again: true,
        };
        let receipt = self.inbox().take_in(delivery).await?;
        self.0.arrived.notify_one();
        Ok(Some(receipt))
    }

    /// What a kept delivery becomes now.
    pub(super) fn normalize_again(&self, provider: &ProviderRegistration, kept: &KeptDelivery) -> Outcome {
        let delivery = Delivery { id: &kept.summary.key, headers: &kept.headers, body: &kept.body };
        normalize(provider, &self.0.config.registry, &delivery)
    }

    /// The provider of this id.
    pub(super) fn provider(&self, id: &str) -> Option<&'static ProviderRegistration> {
        self.providers().iter().find(|provider| provider.id == id).copied()
    }

    /// Resolves when a delivery has come in that may have to be handed on.
    pub(super) async fn arrival(&self) {
        self.0.arrived.notified().await;
    }

    fn found(
        &self,
        id: std::result::Result<Path<String>, PathRejection>,
    ) -> Result<&'static ProviderRegistration, Rejection> {
        let id = id.map_or_else(|_| String::new(), |Path(id)| id);
        self.provider(&id)
            .ok_or_else(|| Rejection::not_found(format!("there is no webhook provider `{id}`: see `/webhooks`")))
    }

    fn client(&self, request: &Request) -> IpAddr {
        // Without a socket, as in a test of the router, everybody is one client.
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip());
        self.0.config.trusted_hops.client(peer, request.headers())
    }

    async fn take_in(
        &self,
        provider: &'static ProviderRegistration,
        client: IpAddr,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Response, Rejection> {
        let body = self.0.bodies.read(&headers, body, provider.body_bytes_max).await?;
        let received = match self.received(provider, headers, body.bytes.clone()).await? {
            Ok(received) => received,
            Err(refusal) => return Err(self.refusal(provider, client, refusal)),
        };
        let (id, headers, outcome) = match received {
            Received::Challenge(text) => {
                return Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response());
            }
            Received::Delivery { id, headers, outcome } => (id, headers, outcome),
        };
        let problem = match &outcome {
            Outcome::Events(_) => None,
            Outcome::Problem(problem) => Some(problem.clone()),
        };
        let delivery =
            NewDelivery { provider: provider.id, key: id, headers, body: body.bytes.clone(), outcome, again: false };
        let receipt = self.inbox().take_in(delivery).await.map_err(|error| {
            tracing::error!(provider = provider.id, %error, "a delivery could not be kept");
            Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "the delivery cannot be kept now: try again").retry_after(1)
        })?;
        match problem {
            Some(problem) => tracing::error!(
                provider = provider.id,
                delivery = receipt.id,
                %problem,
                "a delivery was kept that cannot be turned into events: `system-bus inbox show {}`",
                receipt.id
            ),
            None => {
                tracing::debug!(provider = provider.id, delivery = receipt.id, state = receipt.state.name(), "webhook")
            }
        }
        if receipt.state == DeliveryState::Waiting {
            self.0.arrived.notify_one();
        }
        Ok(Json(answer(&receipt)).into_response())
    }

    /// Verifies and normalizes, where a large body holds nobody else up.
    async fn received(
        &self,
        provider: &'static ProviderRegistration,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<std::result::Result<Received, Refusal>, Rejection> {
        let is_large = body.len() > limits::BODY_BYTES_INLINE;
        let gateway = self.clone();
        let receive = move || {
            let Inner { config, .. } = &*gateway.0;
            let now = jiff::Timestamp::now().as_millisecond();
            let request = SignedRequest { headers: &headers, body: &body, now };
            receive(provider, &config.registry, |source| config.secrets.current(source), &request)
        };
        if !is_large {
            return Ok(receive());
        }
        tokio::task::spawn_blocking(receive).await.map_err(|error| {
            tracing::error!(provider = provider.id, %error, "a delivery could not be handled");
            Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "the delivery could not be handled")
        })
    }

    /// A right delivery is never held up by wrong ones of the same client: only their answer changes.
    fn refusal(&self, provider: &ProviderRegistration, client: IpAddr, refusal: Refusal) -> Rejection {
        match refusal {
            Refusal::Signature if !self.0.failures.allows(client) => {
                Rejection::new(StatusCode::TOO_MANY_REQUESTS, "too many deliveries with a wrong signature")
                    .retry_after(60)
            }
            Refusal::Signature => {
                tracing::warn!(provider = provider.id, %client, "webhook refused: {refusal}");
                Rejection::unauthorized(refusal.to_string())
            }
            Refusal::Closed => closed(provider),
            Refusal::NotJson => {
                tracing::warn!(provider = provider.id, %client, "webhook refused: {refusal}");
                Rejection::bad_request(refusal.to_string())
            }
        }
    }

    fn answer_challenge(
        &self,
        provider: &ProviderRegistration,
        client: IpAddr,
        query: &str,
    ) -> Result<Value, Rejection> {
        let Some(Challenge::Query { parameter, answer }) = &provider.challenge else {
            let text = format!("the webhook `{}` answers no challenges by `GET`: deliver with `POST`", provider.id);
            return Err(Rejection::wrong_method(text, "POST"));
        };
        if !self.0.challenges.allows(client) {
            return Err(Rejection::new(StatusCode::TOO_MANY_REQUESTS, "too many challenges").retry_after(60));
        }
        let secret = self.secret(provider).ok_or_else(|| closed(provider))?;
        let mut tokens = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == parameter);
        let (Some((_, token)), None) = (tokens.next(), tokens.next()) else {
            return Err(Rejection::bad_request(format!("the parameter `{parameter}` must be there once")));
        };
        if token.is_empty() || token.chars().count() > limits::CHALLENGE_TOKEN_MAX {
            return Err(Rejection::bad_request(format!("`{parameter}` is empty or too long")));
        }
        answer(&token, secret.as_bytes()).map_err(|problem| Rejection::bad_request(format!("`{parameter}` {problem}")))
    }

    /// The newest secret of a provider.
    fn secret(&self, provider: &ProviderRegistration) -> Option<Secret> {
        let mut all = provider.signatures.iter();
        all.find_map(|signature| self.0.config.secrets.current(&signature.secret).first().cloned())
    }
}

fn answer(receipt: &Receipt) -> Value {
    let mut answer = json!({
        "ok": true,
        "delivery": receipt.id,
        "state": receipt.state.name(),
        "events": receipt.events.len(),
        "ids": receipt.events,
    });
    if receipt.duplicate {
        answer["duplicate"] = json!(true);
    }
    if receipt.state == DeliveryState::Ignored {
        answer["note"] = json!("no matching events");
    }
    answer
}

fn closed(provider: &ProviderRegistration) -> Rejection {
    let text = format!("the webhook `{}` is closed: its secret is not set", provider.id);
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

/// The providers and where they deliver to.
async fn list(State(gateway): State<WebhookGateway>) -> Json<Value> {
    let providers: Vec<_> = gateway.providers().iter().map(|provider| provider.id).collect();
    Json(json!({
        "service": "webhook-gateway",
        "status": "running",
        "providers": providers,
        "endpoint": "POST /webhooks/:provider",
    }))
}

async fn challenge(
    State(gateway): State<WebhookGateway>,
    id: std::result::Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Json<Value>, Rejection> {
    let provider = gateway.found(id)?;
    let client = gateway.client(&request);
    gateway.answer_challenge(provider, client, query.as_deref().unwrap_or_default()).map(Json)
}

async fn deliver(
    State(gateway): State<WebhookGateway>,
    id: std::result::Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Rejection> {
    let provider = gateway.found(id)?;
    if !gateway.is_open(provider) {
        return Err(closed(provider));
    }
    let client = gateway.client(&request);
    let (head, body) = request.into_parts();
    gateway.take_in(provider, client, head.headers, body).await
}
