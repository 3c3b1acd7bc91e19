//! `#[event("family/thing.happened")]`: gives a type its name, serialisation, schema and registration.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Lit, LitStr, Path, Token};

use crate::args::{self, Element, Value};
use crate::errors::Errors;
use crate::fallback;
use crate::item;
use crate::past_tense;
use crate::validate;
use crate::values;

const WORDS: [&str; 4] = ["allow_command_name", "sent_by", "queued", "crate"];

/// An event's name has at most this many bytes, as in a trigger on an Inngest server.
const NAME_LENGTH_MAX: usize = 255;

/// An event type that can become tokens.
struct ValidatedEvent {
    krate: Path,
    name: LitStr,
    sent_by: Vec<String>,
    queued: Option<Queued>,
    line: u32,
}

/// How the event is admitted through the queue.
struct Queued {
    name: Option<String>,
    priority: u8,
    dedup_ms: Option<u64>,
}

/// The whole story: parse, validate, expand, or fall back.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let input = match syn::parse2::<DeriveInput>(item.clone()) {
        Ok(input) => input,
        Err(error) => return fallback::item("`#[event(…)]` belongs on a struct or an enum", item, error),
    };
    let mut errors = Errors::default();
    let valid = validate(arguments, &input, &mut errors);
    let krate = valid.as_ref().map_or_else(item::default_crate, |valid| valid.krate.clone());
    let derives = derives(&krate, &input.attrs);
    match valid {
        Some(valid) if errors.is_empty() => {
            let registration = registration(&valid, &input);
            quote!(#derives #input #registration)
        }
        _ => {
            // A name, so that the uses of the type do not fail as well.
            let (errors, ident) = (errors.into_tokens(), &input.ident);
            let stub = input.generics.params.is_empty().then(|| {
                quote! {
                    impl #krate::__private::EventData for #ident {
                        const NAME: &'static str = "invalid/name.declared";
                    }
                }
            });
            quote!(#derives #input #stub #errors)
        }
    }
}

fn validate(arguments: TokenStream, input: &DeriveInput, errors: &mut Errors) -> Option<ValidatedEvent> {
    let elements = args::parse(arguments, errors);
    let complete = errors.is_empty();
    let (name, rest) = match elements.split_first() {
        Some((Element { word: None, value: Value::Lit(Lit::Str(name)) }, rest)) => (Some(name.clone()), rest),
        first => {
            if complete {
                let span = first.map_or_else(Span::call_site, |(first, _)| first.word_span());
                errors.add(span, "the event's name comes first: `#[event(\"family/thing.happened\")]`");
            }
            (None, elements.as_slice())
        }
    };
    let words = args::known(rest, "`#[event(…)]`", &WORDS, &["sent_by"], errors);
    let command = args::find(&words, "allow_command_name");
    if let Some(element) = command
        && !matches!(element.value, Value::Flag)
    {
        errors.add(element.value_span(), "`allow_command_name` stands alone");
    }
    let krate = validate::krate(&words, errors);
    let sent_by = words
        .iter()
        .filter(|element| element.name() == "sent_by")
        .flat_map(|element| senders(element, errors))
        .collect();
    let queued = args::find(&words, "queued").and_then(|element| queued(element, errors));
    if let Some(name) = &name {
        check_name(name, command.is_some(), errors);
    }
    if matches!(input.data, Data::Union(_)) {
        errors.add_on(&input.ident, "an event is a struct or an enum");
    }
    if !input.generics.params.is_empty() {
        errors.add_on(&input.generics, "an event cannot be generic: its name stands for one type");
    }
    name.map(|name| ValidatedEvent { krate, name, sent_by, queued, line: validate::line(Span::call_site()) })
}

/// `queued(priority = 2, dedup = "60s", name = "family/other.name")`.
fn queued(element: &Element, errors: &mut Errors) -> Option<Queued> {
    let list = values::list(element, "queued(priority = 2, dedup = \"60s\")", errors)?;
    let words = args::known(list, "`queued(…)`", &["priority", "dedup", "name"], &[], errors);
    let find = |word| args::find(&words, word);
    let Some(priority) = find("priority") else {
        errors.add(element.value_span(), "`queued(…)` has a priority, 0 (first) to 3: `queued(priority = 2)`");
        return None;
    };
    Some(Queued {
        priority: values::number(priority, 0..=3, errors).and_then(|value| u8::try_from(value).ok())?,
        dedup_ms: find("dedup").and_then(|element| values::duration(element, &values::ONE_DAY, errors)),
        name: find("name").and_then(|element| values::text(element, errors)).map(|text| text.value()),
    })
}

/// `sent_by = "webhook:github"` or `sent_by("webhook:github", "cli")`.
fn senders(element: &Element, errors: &mut Errors) -> Vec<String> {
    let values: Vec<&Value> = match &element.value {
        Value::List(elements, _) => elements.iter().map(|element| &element.value).collect(),
        value => vec![value],
    };
    let texts: Vec<String> = values
        .iter()
        .filter_map(|value| match value {
            Value::Lit(Lit::Str(text)) if !text.value().trim().is_empty() => Some(text.value()),
            _ => None,
        })
        .collect();
    if texts.len() != values.len() || texts.is_empty() {
        errors.add(
            element.value_span(),
            "`sent_by` takes texts: `sent_by = \"webhook:github\"` or `sent_by(\"cli\", \"gateway\")`",
        );
    }
    texts
}

fn check_name(name: &LitStr, command: bool, errors: &mut Errors) {
    let text = name.value();
    if text.len() > NAME_LENGTH_MAX {
        errors.add(name.span(), format!("the event name is longer than {NAME_LENGTH_MAX} bytes"));
    } else if text.starts_with("inngest/") {
        errors.add(name.span(), "event names that start with `inngest/` belong to the engine; use your own family");
    } else if !is_well_formed(&text) {
        errors.add(
            name.span(),
            format!(
                "`{text}` is no event name; write a family, `/`, and words of `a-z`, `0-9`, `_` and `-` \
                that `.` or `/` join, such as `github/workflow_run.completed`"
            ),
        );
    } else if !command && !past_tense::is_participle(text.rsplit(['.', '/', '_', '-']).next().unwrap_or_default()) {
        errors.add(
            name.span(),
            format!(
                "event names are facts in the past tense, such as `video/download.requested`, and `{text}` is none; \
                rename it, or add `allow_command_name` for a name that cannot change"
            ),
        );
    }
}

fn is_well_formed(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '-'))
    };
    text.contains('/') && text.split(['/', '.']).all(is_word)
}

/// The derives that an event needs and the author has not written.
fn derives(krate: &Path, attributes: &[Attribute]) -> TokenStream {
    let written = written_derives(attributes);
    let missing = |name: &str| !written.iter().any(|derive| derive == name);
    let private = quote!(#krate::__private);
    let all = [
        ("Clone", quote!(::core::clone::Clone)),
        ("Debug", quote!(::core::fmt::Debug)),
        ("Serialize", quote!(#private::serde::Serialize)),
        ("Deserialize", quote!(#private::serde::Deserialize)),
        ("JsonSchema", quote!(#private::schemars::JsonSchema)),
    ];
    let needed = all.iter().filter(|(name, _)| missing(name)).map(|(_, path)| path);
    let text = |name: &str| format!("{}::__private::{name}", quote!(#krate).to_string().replace(' ', ""));
    let serde = (missing("Serialize") || missing("Deserialize")).then(|| {
        let path = text("serde");
        quote!(#[serde(crate = #path)])
    });
    let schemars = missing("JsonSchema").then(|| {
        let path = text("schemars");
        quote!(#[schemars(crate = #path)])
    });
    quote!(#[derive(#(#needed),*)] #serde #schemars)
}

/// The last words of all `#[derive(…)]` below the attribute.
fn written_derives(attributes: &[Attribute]) -> Vec<String> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"))
        .filter_map(|attribute| {
            attribute.parse_args_with(syn::punctuated::Punctuated::<Path, Token![,]>::parse_terminated).ok()
        })
        .flatten()
        .filter_map(|path| path.segments.last().map(|segment| segment.ident.to_string()))
        .collect()
}

fn registration(valid: &ValidatedEvent, input: &DeriveInput) -> TokenStream {
    let ValidatedEvent { krate, name, sent_by, queued, line } = valid;
    let queued = queued.as_ref().map(|Queued { name: queue_name, priority, dedup_ms }| {
        let queue_name = queue_name.clone().unwrap_or_else(|| name.value());
        let dedup = match dedup_ms {
            Some(dedup) => quote!(::core::option::Option::Some(::core::time::Duration::from_millis(#dedup))),
            None => quote!(::core::option::Option::None),
        };
        quote!(.queued(__bus::QueueRule { name: #queue_name, priority: #priority, dedup: #dedup }))
    });
    let (ident, doc) = (&input.ident, item::doc(&input.attrs));
    let conditions: Vec<_> = input.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    quote! {
        #(#conditions)*
        const _: () = {
            use #krate::__private as __bus;

            impl __bus::EventData for #ident {
                const NAME: &'static str = #name;
            }

            __bus::inventory::submit! {
                __bus::EventRegistration::of::<#ident>(
                    #doc,
                    &[#(#sent_by),*],
                    __bus::Site {
                        file: ::core::file!(),
                        line: #line,
                        manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
                    },
                )
                #queued
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_families_and_words() {
        for name in ["github/workflow_run.completed", "discovery/captured", "agent/loop.code.committed", "a/b/c.done"] {
            assert!(is_well_formed(name), "{name}");
        }
        for name in ["", "completed", "A/b.done", "a/", "/a.done", "a/b..done", "a/b done"] {
            assert!(!is_well_formed(name), "{name}");
        }
    }

    #[test]
    fn facts_pass_and_commands_do_not() {
        for name in ["completed", "sent", "built", "written", "read", "cancelled", "set"] {
            assert!(past_tense::is_participle(name), "{name}");
        }
        for name in ["complete", "run", "start", "download", "embed", "ready", "message", "processing", "ed"] {
            assert!(!past_tense::is_participle(name), "{name}");
        }
    }
}
