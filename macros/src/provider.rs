//! `#[webhook_provider]`: the function that turns a vendor's deliveries into events, and how they are signed.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemFn, Lit, LitStr, Path, Type};

use crate::args::{self, Element, Value};
use crate::errors::Errors;
use crate::fallback;
use crate::item;
use crate::signature::{self, ValidatedSignature};
use crate::validate;
use crate::values;

const WORDS: [&str; 8] = ["id", "signature", "delivery_id", "headers", "emits", "body_mib_max", "challenge", "crate"];

/// The largest body that a provider may ask for, in MiB; GitHub's 25 are the most that a known vendor sends.
const BODY_MIB_MAX: u32 = 64;

/// A provider that can become tokens.
struct ValidatedProvider {
    krate: Path,
    id: LitStr,
    signatures: Vec<ValidatedSignature>,
    delivery_id: Vec<IdSource>,
    headers: Vec<String>,
    emits: Vec<Emitted>,
    body_mib_max: Option<u32>,
    challenge: Option<Challenge>,
    line: u32,
}

/// Where the vendor's id of a delivery stands.
enum IdSource {
    Header(String),
    /// A JSON pointer, and what the id starts with.
    Body(LitStr, String),
}

/// What a provider may send.
enum Emitted {
    Event(Box<Type>),
    /// Every declared event whose name starts so.
    Family(String),
}

/// How the vendor tests the address.
enum Challenge {
    Echo(String),
    Query { parameter: String, answer: Path },
}

/// The whole story: parse, validate, expand, or fall back.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => return fallback::item("`#[webhook_provider(…)]` belongs on a free function", item, error),
    };
    let mut errors = Errors::default();
    let valid = validate(arguments, &function, &mut errors);
    match valid {
        Some(valid) if errors.is_empty() => registration(&valid, &function),
        _ => {
            let errors = errors.into_tokens();
            quote!(#[allow(dead_code)] #function #errors)
        }
    }
}

fn validate(arguments: TokenStream, function: &ItemFn, errors: &mut Errors) -> Option<ValidatedProvider> {
    check_signature(function, errors);
    let elements = args::parse(arguments, errors);
    let words = args::known(&elements, "`#[webhook_provider(…)]`", &WORDS, &["signature"], errors);
    let find = |word| args::find(&words, word);
    let krate = validate::krate(&words, errors);
    let id = match find("id") {
        Some(element) => id(element, errors),
        None => {
            errors.add(Span::call_site(), "a provider has an id, the last part of its path: `id = \"github\"`");
            None
        }
    };
    let signatures: Vec<_> = words
        .iter()
        .filter(|element| element.name() == "signature")
        .filter_map(|element| signature::validate(element, errors))
        .collect();
    if !words.iter().any(|element| element.name() == "signature") {
        errors.add(
            Span::call_site(),
            "a provider says how its deliveries are signed: \
            `signature(hmac_sha256, header = \"x-signature\", secret = \"ACME_WEBHOOK_SECRET\")`",
        );
    }
    let emits = find("emits").map(|element| emits(element, errors)).unwrap_or_default();
    if find("emits").is_none() {
        errors.add(
            Span::call_site(),
            "a provider says which events it sends: `emits(OrderPlaced)`, or `emits(\"acme/*\")`",
        );
    }
    Some(ValidatedProvider {
        krate,
        signatures,
        delivery_id: find("delivery_id").map(|element| delivery_id(element, errors)).unwrap_or_default(),
        headers: find("headers").map(|element| headers(element, errors)).unwrap_or_default(),
        emits,
        body_mib_max: find("body_mib_max").and_then(|element| values::number(element, 1..=BODY_MIB_MAX, errors)),
        challenge: find("challenge").and_then(|element| challenge(element, errors)),
        line: validate::line(Span::call_site()),
        id: id?,
    })
}

fn check_signature(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    if let Some(asyncness) = &signature.asyncness {
        errors.add_on(
            asyncness,
            "a delivery is turned into events without waiting for anything; what waits belongs into a function \
            that the event starts",
        );
    }
    if !signature.generics.params.is_empty() || signature.inputs.len() != 1 || signature.receiver().is_some() {
        errors.add_on(
            &signature.ident,
            "a provider takes the delivery and returns its events: \
            `fn acme(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>>`",
        );
    }
}

fn id(element: &Element, errors: &mut Errors) -> Option<LitStr> {
    let text = values::text(element, errors)?;
    let is_id = text.value().split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    });
    if is_id {
        return Some(text);
    }
    errors.add(
        text.span(),
        format!("`{}` is no provider id; write kebab-case words, such as `github`: they end the path", text.value()),
    );
    None
}

/// The name of a header, as HTTP/2 writes it.
pub(crate) fn header(text: &LitStr, errors: &mut Errors) -> Option<String> {
    let name = text.value();
    let is_name =
        name.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-_".contains(&letter));
    if is_name && !name.is_empty() {
        return Some(name);
    }
    errors.add(text.span(), format!("`{name}` is no header; write its name in lower case, such as `x-github-event`"));
    None
}

fn headers(element: &Element, errors: &mut Errors) -> Vec<String> {
    const USAGE: &str = "headers(\"x-github-event\")";
    let Some(list) = values::list(element, USAGE, errors) else { return Vec::new() };
    list.iter()
        .filter_map(|element| match (&element.word, &element.value) {
            (None, Value::Lit(Lit::Str(text))) => header(text, errors),
            _ => {
                errors.add(element.word_span(), format!("`headers` takes names of headers: `{USAGE}`"));
                None
            }
        })
        .collect()
}

fn delivery_id(element: &Element, errors: &mut Errors) -> Vec<IdSource> {
    const USAGE: &str = "delivery_id(header = \"x-github-delivery\")";
    let Some(list) = values::list(element, USAGE, errors) else { return Vec::new() };
    let known = ["header", "body", "prefix"];
    let words = args::known(list, "`delivery_id(…)`", &known, &["header", "body"], errors);
    if list.is_empty() {
        errors.add(element.value_span(), format!("`delivery_id` says where the vendor's id stands: `{USAGE}`"));
    }
    let prefix = args::find(&words, "prefix").and_then(|element| values::text(element, errors));
    let prefix = prefix.map(|text| text.value()).unwrap_or_default();
    words
        .iter()
        .filter(|element| element.name() != "prefix")
        .filter_map(|element| {
            let text = values::text(element, errors)?;
            if element.name() == "header" {
                return header(&text, errors).map(IdSource::Header);
            }
            if text.value().starts_with('/') {
                return Some(IdSource::Body(text, prefix.clone()));
            }
            errors.add(text.span(), "`body` takes a JSON pointer (RFC 6901): `body = \"/data/id\"`");
            None
        })
        .collect()
}

fn emits(element: &Element, errors: &mut Errors) -> Vec<Emitted> {
    const USAGE: &str = "emits(OrderPlaced, \"acme/*\")";
    let Some(list) = values::list(element, USAGE, errors) else { return Vec::new() };
    if list.is_empty() {
        errors.add(element.value_span(), format!("`emits` is empty; list the events: `{USAGE}`"));
    }
    list.iter()
        .filter_map(|element| match (&element.word, &element.value) {
            (Some(word), Value::Flag) => Some(Emitted::Event(Box::new(Type::Path(syn::TypePath {
                attrs: Vec::new(),
                qself: None,
                path: word.clone().into(),
            })))),
            (None, Value::Type(ty)) => Some(Emitted::Event(Box::new(ty.clone()))),
            (None, Value::Lit(Lit::Str(text))) => {
                let value = text.value();
                let family = value.strip_suffix('*').filter(|family| family.ends_with('/') && family.len() > 1);
                if family.is_none() {
                    errors.add(
                        text.span(),
                        "a text stands for all declared events of a family: `\"acme/*\"`; name one event by its type",
                    );
                }
                family.map(|family| Emitted::Family(family.to_owned()))
            }
            _ => {
                errors.add(element.word_span(), format!("`emits` takes the types of events: `{USAGE}`"));
                None
            }
        })
        .collect()
}

fn challenge(element: &Element, errors: &mut Errors) -> Option<Challenge> {
    const USAGE: &str = "challenge(echo = \"x-challenge\")` or `challenge(query = \"crc_token\", answer = path)";
    let list = values::list(element, USAGE, errors)?;
    let words = args::known(list, "`challenge(…)`", &["echo", "query", "answer"], &[], errors);
    let find = |word| args::find(&words, word);
    match (find("echo"), find("query"), find("answer")) {
        (Some(echo), None, None) => {
            let text = values::text(echo, errors)?;
            header(&text, errors).map(Challenge::Echo)
        }
        (None, Some(query), Some(answer)) => Some(Challenge::Query {
            parameter: values::text(query, errors)?.value(),
            answer: values::path(answer, errors)?,
        }),
        _ => {
            errors.add(element.value_span(), format!("`challenge` is written `{USAGE}`"));
            None
        }
    }
}

fn registration(valid: &ValidatedProvider, function: &ItemFn) -> TokenStream {
    let ValidatedProvider { krate, id, headers, line, .. } = valid;
    let (name, doc) = (&function.sig.ident, item::doc(&function.attrs));
    let signatures = valid.signatures.iter().map(ValidatedSignature::tokens);
    let delivery_id = valid.delivery_id.iter().map(|source| match source {
        IdSource::Header(name) => quote!(__bus::webhook::IdSource::Header(#name)),
        IdSource::Body(pointer, prefix) => {
            quote!(__bus::webhook::IdSource::Body { pointer: #pointer, prefix: #prefix })
        }
    });
    let emits = valid.emits.iter().map(|emitted| match emitted {
        Emitted::Event(ty) => {
            let name = quote_spanned!(ty.span()=> <#ty as __bus::EventData>::NAME);
            quote!(__bus::webhook::Emitted::Event(#name))
        }
        Emitted::Family(family) => quote!(__bus::webhook::Emitted::Family(#family)),
    });
    let challenge = match &valid.challenge {
        None => quote!(::core::option::Option::None),
        Some(Challenge::Echo(header)) => {
            quote!(::core::option::Option::Some(__bus::webhook::Challenge::Echo { header: #header }))
        }
        Some(Challenge::Query { parameter, answer }) => quote! {
            ::core::option::Option::Some(__bus::webhook::Challenge::Query { parameter: #parameter, answer: #answer })
        },
    };
    let body_bytes_max = match valid.body_mib_max {
        Some(mib) => {
            let mib = usize::try_from(mib).unwrap_or(usize::MAX);
            quote!(#mib * 1024 * 1024)
        }
        None => quote!(__bus::webhook::limits::BODY_BYTES_MAX),
    };
    let conditions: Vec<_> = function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    // The function's own span, so that a wrong signature is shown where it stands.
    let normalize = quote_spanned!(name.span()=> #name);
    quote! {
        #function

        #(#conditions)*
        const _: () = {
            use #krate::__private as __bus;

            __bus::inventory::submit! {
                __bus::webhook::ProviderRegistration {
                    id: #id,
                    sender: ::core::concat!("webhook:", #id),
                    doc: #doc,
                    signatures: &[#(#signatures),*],
                    delivery_id: &[#(#delivery_id),*],
                    headers: &[#(#headers),*],
                    emits: &[#(#emits),*],
                    body_bytes_max: #body_bytes_max,
                    challenge: #challenge,
                    normalize: #normalize,
                    site: __bus::Site {
                        file: ::core::file!(),
                        line: #line,
                        manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
                    },
                }
            }
        };
    }
}
