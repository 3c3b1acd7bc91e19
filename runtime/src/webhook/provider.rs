//! What a vendor's webhook is: how it is signed, what its deliveries become, how it tests the address.

use super::delivery::Delivery;
use super::scheme::Scheme;
use crate::error::Result;
use crate::event::NewEvent;
use crate::registry::Site;
use crate::service::SecretSource;

/// What `#[webhook_provider]` submits to the registry; `POST /webhooks/{id}` serves it.
pub struct ProviderRegistration {
    /// The last part of the path.
    pub id: &'static str,
    /// What its events are sent by: `webhook:` and the id.
    pub sender: &'static str,
    /// The doc comment of the function.
    pub doc: &'static str,
    /// How deliveries are signed; one of them must hold.
    pub signatures: &'static [Signature],
    /// Where the vendor's id of a delivery stands, in turn; the body's hash when it stands nowhere.
    pub delivery_id: &'static [IdSource],
    /// The headers that the function reads, in lower case; they are kept with the delivery.
    pub headers: &'static [&'static str],
    /// The events that may be sent.
    pub emits: &'static [Emitted],
    /// The largest body in bytes.
    pub body_bytes_max: usize,
    /// How the vendor tests the address.
    pub challenge: Option<Challenge>,
    /// The events that a delivery stands for; none for one of no interest. The same delivery gives the same events.
    pub normalize: fn(&Delivery<'_>) -> Result<Vec<NewEvent>>,
    /// Where the function is.
    pub site: Site,
}

inventory::collect!(ProviderRegistration);

impl ProviderRegistration {
    /// The environment variables that may hold its secrets, each once.
    pub fn variables(&self) -> Vec<&'static str> {
        let mut variables = Vec::new();
        for &name in self.signatures.iter().flat_map(|signature| signature.secret.variables) {
            if !variables.contains(&name) {
                variables.push(name);
            }
        }
        variables
    }

    /// Whether the provider may send an event of this name.
    pub fn may_emit(&self, event: &str) -> bool {
        self.emits.iter().any(|emitted| match emitted {
            Emitted::Event(name) => *name == event,
            Emitted::Family(family) => event.starts_with(family),
        })
    }

    /// Whether the provider names the event itself, and not only its family.
    pub(super) fn names(&self, event: &str) -> bool {
        self.emits.iter().any(|emitted| matches!(emitted, Emitted::Event(name) if *name == event))
    }
}

/// A way to sign deliveries, and the secret for it.
pub struct Signature {
    /// What is signed, and how.
    pub scheme: Scheme,
    /// Where the secret comes from.
    pub secret: SecretSource,
}

/// Where a vendor's id of a delivery may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdSource {
    /// In a header.
    Header(&'static str),
    /// In the body.
    Body {
        /// Where, as a JSON pointer (RFC 6901) through objects.
        pointer: &'static str,
        /// What it starts with; what starts otherwise is the id of something else.
        prefix: &'static str,
    },
}

/// What a provider may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// An event, by its name.
    Event(&'static str),
    /// Every declared event whose name starts so, such as `github/`; one that no type declares is of no interest.
    Family(&'static str),
}

/// How a vendor tests that the address is ours.
#[derive(Clone, Copy)]
pub enum Challenge {
    /// A signed delivery with this header is answered with the header's value as plain text.
    Echo {
        /// The header's name.
        header: &'static str,
    },
    /// `GET` with this query parameter is answered with JSON.
    Query {
        /// The parameter that holds the vendor's token.
        parameter: &'static str,
        /// The answer to a token under a secret. It signs a text that a stranger has chosen: what it accepts must not be
        /// a text that a delivery could be. An error's text is the answer to a token that is refused.
        answer: fn(token: &str, secret: &[u8]) -> std::result::Result<serde_json::Value, &'static str>,
    },
}
