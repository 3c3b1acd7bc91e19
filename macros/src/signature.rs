//! `signature(…)` of a webhook provider: algorithm, header, what is signed, and where the secret comes from.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Lit, Path};

use crate::args::{self, Element, Value};
use crate::errors::{Errors, listed};
use crate::provider;
use crate::values::{self, Bounds};

const ALGORITHMS: [&str; 3] = ["hmac_sha1", "hmac_sha256", "ed25519"];
const WORDS: [&str; 12] = [
    "hmac_sha1",
    "hmac_sha256",
    "ed25519",
    "verify",
    "header",
    "prefix",
    "encoding",
    "timestamp",
    "also",
    "unless",
    "secret",
    "lease",
];
const USAGE: &str = "signature(hmac_sha256, header = \"x-signature\", secret = \"ACME_WEBHOOK_SECRET\")";

/// 1 s to an hour: longer, and a captured delivery is good for too long.
const TOLERANCE: Bounds = Bounds { range: 1_000..=3_600_000, text: "`1s` to `1h`" };

/// A signature that can become tokens.
pub(crate) struct ValidatedSignature {
    scheme: TokenStream,
    variables: Vec<String>,
    lease: Option<String>,
}

impl ValidatedSignature {
    /// The signature as a constant; names the runtime as `__bus`.
    pub(crate) fn tokens(&self) -> TokenStream {
        let Self { scheme, variables, lease } = self;
        let lease = optional(lease.as_ref());
        quote! {
            __bus::webhook::Signature {
                scheme: #scheme,
                secret: __bus::SecretSource { variables: &[#(#variables),*], lease: #lease },
            }
        }
    }
}

fn optional(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// Reads one `signature(…)`.
pub(crate) fn validate(element: &Element, errors: &mut Errors) -> Option<ValidatedSignature> {
    let list = values::list(element, USAGE, errors)?;
    let words = args::known(list, "`signature(…)`", &WORDS, &["secret"], errors);
    let variables: Vec<String> = words
        .iter()
        .filter(|element| element.name() == "secret")
        .flat_map(|element| variables(element, errors))
        .collect();
    if args::find(&words, "secret").is_none() {
        errors.add(
            element.value_span(),
            format!("`signature(…)` names the environment variable of its secret: `{USAGE}`"),
        );
    }
    let lease = args::find(&words, "lease").and_then(|element| values::text(element, errors));
    let scheme = scheme(element, &words, errors)?;
    Some(ValidatedSignature { scheme, variables, lease: lease.map(|text| text.value()) })
}

fn variables(element: &Element, errors: &mut Errors) -> Vec<String> {
    let values: Vec<&Value> = match &element.value {
        Value::List(elements, _) => elements.iter().map(|element| &element.value).collect(),
        value => vec![value],
    };
    let names: Vec<String> = values
        .iter()
        .filter_map(|value| match value {
            Value::Lit(Lit::Str(text)) => Some(text.value()).filter(|name| is_variable(name)),
            _ => None,
        })
        .collect();
    if names.is_empty() || names.len() != values.len() {
        errors.add(
            element.value_span(),
            "`secret` takes names of environment variables: `secret = \"ACME_WEBHOOK_SECRET\"`",
        );
    }
    names
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && name.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == b'_')
}

fn scheme(element: &Element, words: &[&Element], errors: &mut Errors) -> Option<TokenStream> {
    let find = |word| args::find(words, word);
    if let Some(verify) = find("verify") {
        let declarative = words.iter().find(|word| !["verify", "secret", "lease"].contains(&word.name().as_str()));
        if let Some(word) = declarative {
            errors.add(word.word_span(), format!("`verify` decides alone: remove `{}`", word.name()));
        }
        let path = values::path(verify, errors)?;
        return Some(quote!(__bus::webhook::Scheme::Custom(#path)));
    }
    let algorithms: Vec<_> = words.iter().filter(|word| ALGORITHMS.contains(&word.name().as_str())).collect();
    let algorithm = match algorithms.as_slice() {
        [one] if matches!(one.value, Value::Flag) => match one.name().as_str() {
            "hmac_sha1" => quote!(HmacSha1),
            "hmac_sha256" => quote!(HmacSha256),
            _ => quote!(Ed25519),
        },
        _ => {
            errors.add(
                element.value_span(),
                format!("`signature(…)` has one algorithm, {}, or `verify = path`", listed(&ALGORITHMS)),
            );
            return None;
        }
    };
    let Some(header) = find("header") else {
        errors.add(element.value_span(), format!("`signature(…)` names the header of the signature: `{USAGE}`"));
        return None;
    };
    let header = values::text(header, errors).and_then(|text| provider::header(&text, errors))?;
    let prefix = find("prefix").and_then(|element| values::text(element, errors)).map(|text| text.value());
    let prefix = prefix.unwrap_or_default();
    let encoding = match find("encoding").map(|element| values::word(element, &["hex", "base64"], errors)) {
        None | Some(Some("hex")) => quote!(Hex),
        Some(Some(_)) => quote!(Base64),
        Some(None) => return None,
    };
    let timestamp = find("timestamp").map(|element| timestamp(element, find("prefix"), errors));
    let timestamp = optional(timestamp.map(|found| found.unwrap_or_default()));
    let also: Option<Path> = find("also").and_then(|element| values::path(element, errors));
    let also = optional(also);
    let unless = find("unless").and_then(|element| values::text(element, errors));
    let unless = optional(unless.and_then(|text| provider::header(&text, errors)));
    Some(quote! {
        __bus::webhook::Scheme::Signed(__bus::webhook::Signed {
            algorithm: __bus::webhook::Algorithm::#algorithm,
            header: #header,
            prefix: #prefix,
            encoding: __bus::webhook::Encoding::#encoding,
            timestamp: #timestamp,
            also: #also,
            unless: #unless,
        })
    })
}

fn timestamp(element: &Element, prefix: Option<&Element>, errors: &mut Errors) -> Option<TokenStream> {
    const USAGE: &str = "timestamp(header = \"x-timestamp\", join = \".\", tolerance = \"5m\")` or \
        `timestamp(list, tolerance = \"5m\")";
    let words = values::list(element, USAGE, errors)?;
    let words = args::known(words, "`timestamp(…)`", &["list", "header", "unit", "join", "tolerance"], &[], errors);
    let find = |word| args::find(&words, word);
    let Some(tolerance) = find("tolerance") else {
        errors.add(element.value_span(), format!("`timestamp(…)` says how old a delivery may be: `{USAGE}`"));
        return None;
    };
    let tolerance = values::duration(tolerance, &TOLERANCE, errors)?;
    let tolerance = i64::try_from(tolerance).unwrap_or(i64::MAX);
    let place = match (find("list"), find("header"), find("join")) {
        (Some(_), None, None) => {
            if let Some(prefix) = prefix {
                errors.add(prefix.word_span(), "a list of signatures has no prefix: remove `prefix`");
            }
            quote!(__bus::webhook::TimestampPlace::List)
        }
        (None, Some(header), Some(join)) => {
            let header = values::text(header, errors).and_then(|text| provider::header(&text, errors))?;
            let join = values::text(join, errors)?;
            quote!(__bus::webhook::TimestampPlace::Header { name: #header, join: #join })
        }
        _ => {
            errors.add(element.value_span(), format!("`timestamp` is written `{USAGE}`"));
            return None;
        }
    };
    let unit_ms: i64 = match find("unit").map(|element| values::word(element, &["s", "ms"], errors)) {
        None | Some(Some("s")) => 1_000,
        Some(Some(_)) => 1,
        Some(None) => return None,
    };
    Some(quote! {
        __bus::webhook::Timestamp { place: #place, unit_ms: #unit_ms, tolerance_ms: #tolerance }
    })
}
