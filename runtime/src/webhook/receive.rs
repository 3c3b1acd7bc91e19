//! One delivery from bytes to an outcome: signature, JSON, events. Does no IO and reads no clock.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::delivery::{Delivery, KeptHeaders, delivery_id, kept_headers};
use super::inbox::Outcome;
use super::limits;
use super::provider::{Challenge, ProviderRegistration};
use super::scheme::SignedRequest;
use crate::event::{NewEvent, check_event};
use crate::registry::Registry;
use crate::service::{Secret, SecretSource};

/// Why a delivery is refused. Nothing of its body was looked at before its signature was found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature is missing, wrong or too old.
    #[error("the signature is missing, wrong or too old")]
    Signature,
    /// It is signed in a way whose secret is not set.
    #[error("the secret of its signature is not set")]
    Closed,
    /// The body is not JSON.
    #[error("the body is not JSON: let the vendor send `application/json`")]
    NotJson,
}

/// A delivery that is to be kept, or answered at once.
#[derive(Debug)]
pub enum Received {
    /// The vendor tests the address: this text is the answer.
    Challenge(String),
    /// What is to be kept.
    Delivery {
        /// The vendor's id, or the body's hash.
        id: String,
        /// The declared headers.
        headers: KeptHeaders,
        /// What it becomes.
        outcome: Outcome,
    },
}

/// Verifies a delivery with the secrets that count now, and turns it into events that `registry` declares.
pub fn receive(
    provider: &ProviderRegistration,
    registry: &Registry,
    secrets: impl Fn(&SecretSource) -> Arc<[Secret]>,
    request: &SignedRequest<'_>,
) -> Result<Received, Refusal> {
    verify(provider, secrets, request)?;
    let body: &RawValue = serde_json::from_slice(request.body).map_err(|_| Refusal::NotJson)?;
    if let Some(Challenge::Echo { header }) = &provider.challenge
        && let Some(text) = request.header(header)
    {
        return Ok(Received::Challenge(text.to_owned()));
    }
    let headers = kept_headers(provider, request);
    let id = delivery_id(provider, request, body);
    let outcome = normalize(provider, registry, &Delivery { id: &id, headers: &headers, body: request.body });
    Ok(Received::Delivery { id, headers, outcome })
}

fn verify(
    provider: &ProviderRegistration,
    secrets: impl Fn(&SecretSource) -> Arc<[Secret]>,
    request: &SignedRequest<'_>,
) -> Result<(), Refusal> {
    let mut refusal = Refusal::Signature;
    for signature in provider.signatures {
        let secrets = secrets(&signature.secret);
        if secrets.is_empty() && signature.scheme.is_shown(request) {
            refusal = Refusal::Closed;
        }
        if secrets.iter().any(|secret| signature.scheme.verify(request, secret.as_bytes())) {
            return Ok(());
        }
    }
    Err(refusal)
}

/// What a kept delivery becomes; the same at every replay of the same program.
pub(super) fn normalize(provider: &ProviderRegistration, registry: &Registry, delivery: &Delivery<'_>) -> Outcome {
    let outcome = match (provider.normalize)(delivery) {
        Ok(events) => admit(provider, registry, delivery, events),
        Err(error) => Outcome::Problem(error.message().to_owned()),
    };
    match outcome {
        Outcome::Problem(mut problem) => {
            problem.truncate(problem.floor_char_boundary(limits::PROBLEM_BYTES_MAX));
            Outcome::Problem(problem)
        }
        outcome => outcome,
    }
}

/// Only events that the provider declares get through, each under an id that makes it idempotent.
fn admit(
    provider: &ProviderRegistration,
    registry: &Registry,
    delivery: &Delivery<'_>,
    events: Vec<NewEvent>,
) -> Outcome {
    if events.len() > limits::EVENTS_PER_DELIVERY_MAX {
        let count = events.len();
        return Outcome::Problem(format!("{count} events, the limit is {}", limits::EVENTS_PER_DELIVERY_MAX));
    }
    let mut admitted = Vec::with_capacity(events.len());
    for (number, mut event) in events.into_iter().enumerate() {
        if !provider.may_emit(&event.name) {
            // The sender may have chosen the name, and its length.
            let text = format!("`{}` may not send `{:.100}`: add it to `emits`", provider.id, event.name);
            return Outcome::Problem(text);
        }
        // Of a whole family only what somebody has declared is of interest.
        if !provider.names(&event.name) && registry.event(&event.name).is_none() {
            continue;
        }
        if event.id.as_ref().is_none_or(String::is_empty) {
            event.id = Some(format!("{}-{}-{number}", provider.id, delivery.id));
        }
        if let Err(problem) = check_event(registry, &mut event, false) {
            return Outcome::Problem(problem.to_string());
        }
        admitted.push(event);
    }
    Outcome::Events(admitted)
}
