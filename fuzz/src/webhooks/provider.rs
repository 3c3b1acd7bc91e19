//! The targets of the providers: see `../../README.md`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use functions as _;
use serde_json::Value;
use serde_json::value::RawValue;
use system_bus_runtime::event::{EVENT_ID_BYTES_MAX, NewEvent};
use system_bus_runtime::registry::Registry;
use system_bus_runtime::service::{SecretSource, Secrets};
use system_bus_runtime::testing::WebhookHarness;
use system_bus_runtime::webhook::{
    Algorithm, Challenge, Delivery, Outcome, ProviderRegistration, Received, Refusal, Scheme, Signature, Signed,
    SignedRequest, limits, receive,
};

use super::reference::{SEED, accepts, public_key, sign};
use super::request::{header_map, request, value};

/// When deliveries come in, in milliseconds since 1970.
const NOW: i64 = 1_735_787_045_123;

/// Takes every delivery for signed.
static OPEN: [Signature; 1] =
    [Signature { scheme: Scheme::Custom(|_, _| true), secret: SecretSource { variables: &["ANY"], lease: None } }];

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::linked);

static KITS: LazyLock<BTreeMap<&'static str, Kit>> =
    LazyLock::new(|| REGISTRY.providers().iter().map(|provider| (provider.id, Kit::of(provider))).collect());

/// A provider with a secret for each of its signatures.
struct Kit {
    provider: &'static ProviderRegistration,
    harness: WebhookHarness,
    signatures: Vec<(&'static Signed, String)>,
    /// The same provider, to which every delivery is signed.
    open: ProviderRegistration,
    /// The headers that have to do with signatures.
    signing: Vec<&'static str>,
}

impl Kit {
    fn of(provider: &'static ProviderRegistration) -> Self {
        let mut harness = WebhookHarness::of(provider.id).at(NOW);
        let mut signatures = Vec::new();
        for signature in provider.signatures {
            let (Scheme::Signed(signed), [variable, ..]) = (&signature.scheme, signature.secret.variables) else {
                panic!("`{}` has a signature that no reference knows", provider.id)
            };
            let secret = match signed.algorithm {
                Algorithm::Ed25519 => public_key(),
                Algorithm::HmacSha1 | Algorithm::HmacSha256 => format!("the secret {variable}"),
            };
            harness = match signed.algorithm {
                Algorithm::Ed25519 => harness.key_pair(variable, SEED),
                Algorithm::HmacSha1 | Algorithm::HmacSha256 => harness.secret(variable, &secret),
            };
            signatures.push((signed, secret));
        }
        let names = |(signed, secret): &(&'static Signed, String)| sign(signed, secret, b"", NOW);
        let signing = signatures.iter().flat_map(names).map(|(name, _)| name).collect();
        let open = ProviderRegistration { signatures: &OPEN, ..*provider };
        Self { provider, harness, signatures, open, signing }
    }

    fn let_in(&self, headers: &[(&str, &str)], body: &[u8]) -> Result<Received, Refusal> {
        let secrets = Secrets::new(|_| Some("any".to_owned()));
        let request = SignedRequest { headers: &header_map(headers), body, now: NOW };
        receive(&self.open, &REGISTRY, |source| secrets.current(source), &request)
    }
}

/// Reads the input as a request to the provider of this id.
///
/// As it is, it is accepted if and only if a plain reference accepts it. Signed in each way of the vendor's, it is
/// accepted, and becomes the same events each time: declared ones that the provider may send, whose data fits their type
/// and whose ids are short.
pub fn provider(id: &str, data: &[u8]) {
    let kit = KITS.get(id).unwrap_or_else(|| panic!("no provider `{id}` is linked"));
    let (headers, body) = request(data);
    let signed = kit.signatures.iter();
    let accepted = signed.clone().any(|(signed, secret)| accepts(signed, secret, &headers, body, NOW));
    let refusal = kit.harness.deliver(&headers, body).err();
    assert_eq!(refusal != Some(Refusal::Signature), accepted, "the reference decides otherwise: {refusal:?}");

    let is_json = serde_json::from_slice::<&RawValue>(body).is_ok();
    assert_challenge(kit.provider, body, is_json);
    let is_signing = |name: &str| kit.signing.iter().any(|other| other.eq_ignore_ascii_case(name));
    let others: Vec<_> = headers.into_iter().filter(|(name, _)| !is_signing(name)).collect();
    for (signed, secret) in signed {
        // A signature on a curve takes as long as a hundred others: most deliveries are let in without.
        let received = if signed.algorithm == Algorithm::Ed25519 && body.len() % 32 != 0 {
            kit.let_in(&others, body)
        } else {
            let signature = sign(signed, secret, body, NOW);
            let signature = signature.iter().map(|(name, value)| (*name, value.as_str()));
            kit.harness.deliver(&others.iter().copied().chain(signature).collect::<Vec<_>>(), body)
        };
        match received {
            Err(refusal) => assert!(refusal == Refusal::NotJson && !is_json, "a signed delivery is refused: {refusal}"),
            Ok(Received::Challenge(text)) => {
                let Some(Challenge::Echo { header }) = kit.provider.challenge else {
                    panic!("no challenge is declared")
                };
                assert_eq!(value(&others, header), Some(text.as_str()), "the challenge's answer is another text");
            }
            Ok(Received::Delivery { id, headers, outcome }) => {
                assert!(is_json, "what is no JSON becomes a delivery");
                assert_outcome(kit.provider, &Delivery { id: &id, headers: &headers, body }, outcome);
            }
        }
    }
}

/// No answer to a challenge is a signature for a delivery.
fn assert_challenge(provider: &ProviderRegistration, body: &[u8], is_json: bool) {
    if let (Some(Challenge::Query { answer, .. }), Ok(token)) = (provider.challenge, std::str::from_utf8(body)) {
        assert!(!(is_json && answer(token, b"secret").is_ok()), "a delivery could be signed by a challenge");
    }
}

fn assert_outcome(provider: &ProviderRegistration, delivery: &Delivery<'_>, outcome: Outcome) {
    let id = delivery.id;
    assert!((1..=limits::DELIVERY_ID_BYTES_MAX).contains(&id.len()), "the id of the delivery is `{id}`");
    let normalized = || (provider.normalize)(delivery).map_err(|error| error.message().to_owned());
    let (once, again) = (normalized(), normalized());
    assert_eq!(format!("{once:?}"), format!("{again:?}"), "the same delivery becomes something else");
    match outcome {
        Outcome::Problem(problem) => {
            assert!((1..=limits::PROBLEM_BYTES_MAX).contains(&problem.len()), "the problem is `{problem}`");
        }
        Outcome::Events(events) => {
            let all = once.unwrap_or_default();
            for event in events {
                let same = |other: &NewEvent| other.name == event.name && other.data.get() == event.data.get();
                assert!(all.iter().any(same), "the event is none of the provider's");
                assert_event(provider, &event);
            }
        }
    }
}

fn assert_event(provider: &ProviderRegistration, event: &NewEvent) {
    let name = &event.name;
    assert!(provider.may_emit(name), "`{name}` may not be sent");
    let id = event.id.as_deref().unwrap_or_default();
    assert!((1..=EVENT_ID_BYTES_MAX).contains(&id.len()), "the id of `{name}` is `{id}`");
    let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
    assert!(data.is_object(), "the data of `{name}` is no object");
    let Some(registration) = REGISTRY.event(name) else { panic!("no type declares `{name}`") };
    let fits = (registration.check)(&event.data);
    assert!(fits.is_ok(), "the data of `{name}` does not fit: {fits:?}");
}
