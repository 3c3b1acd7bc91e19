//! `#[inngest_fn]`: from what is written to what is valid; every mistake is collected.

use proc_macro2::{Span, TokenStream};
use syn::{Ident, ItemFn, LitStr, Path, Type};

use crate::args::{self, Element, Value};
use crate::cron::{self, Cron};
use crate::errors::{Errors, listed};
use crate::flow_control::{self, CancelOn, Checkpoint, FlowControl};
use crate::item::{self, Function, ParameterRole};
use crate::steps::{self, Body};
use crate::values;

/// A function that can become tokens.
pub(crate) struct ValidatedFunction {
    /// The crate that macro output goes through.
    pub(crate) krate: Path,
    /// The function.
    pub(crate) function: Function,
    /// The id.
    pub(crate) id: LitStr,
    /// The name for people.
    pub(crate) name: Option<String>,
    /// The variant of `Role`.
    pub(crate) role: Option<&'static str>,
    /// One to ten.
    pub(crate) triggers: Vec<Trigger>,
    /// 1 to 20.
    pub(crate) retries: Option<u8>,
    /// Concurrency, throttle and the rest.
    pub(crate) flow_control: FlowControl,
    /// At most five.
    pub(crate) cancel_on: Vec<CancelOn>,
    /// The companion.
    pub(crate) on_failure: Option<Path>,
    /// Checkpointing.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The steps of the body.
    pub(crate) body: Body,
    /// The line of the attribute.
    pub(crate) line: u32,
}

/// What is left of a function with mistakes.
pub(crate) struct InvalidFunction {
    /// The crate that macro output goes through.
    pub(crate) krate: Path,
    /// The function, as written.
    pub(crate) item: ItemFn,
    /// The mistakes.
    pub(crate) errors: Errors,
}

/// What starts a function.
#[expect(clippy::large_enum_variant, reason = "there are a few of them, for one expansion")]
pub(crate) enum Trigger {
    /// An event.
    Event {
        /// The event's type.
        ty: Type,
        /// The condition.
        expression: Option<String>,
    },
    /// A time table.
    Cron {
        /// The zone and the fields.
        cron: Cron,
        /// The text in the attribute.
        span: Span,
    },
}

const WORDS: [&str; 20] = [
    "id",
    "event",
    "cron",
    "role",
    "name",
    "retries",
    "concurrency",
    "throttle",
    "rate_limit",
    "debounce",
    "batch",
    "priority",
    "singleton",
    "idempotency",
    "cancel_on",
    "timeouts",
    "on_failure",
    "checkpoint",
    "allow",
    "crate",
];

const REPEATABLE: [&str; 4] = ["event", "cron", "concurrency", "cancel_on"];

const TRIGGERS_MAX: usize = 10;

/// Checks the attribute, the signature and the body.
pub(crate) fn function(args: TokenStream, item: ItemFn) -> Result<ValidatedFunction, Box<InvalidFunction>> {
    let mut errors = Errors::default();
    let original = item.clone();
    let elements = args::parse(args, &mut errors);
    let complete = errors.is_empty();
    let words = args::known(&elements, "`#[inngest_fn(…)]`", &WORDS, &REPEATABLE, &mut errors);
    let krate = krate(&words, &mut errors);
    let function = item::read(item, &mut errors);

    let id = id(&words, complete, &mut errors);
    let triggers = triggers(&words, complete, &mut errors);
    let flow_control = flow_control::read(&words, &mut errors);
    flow_control::check_combinations(&words, &mut errors);
    check_event_parameter(&function, &words, &mut errors);
    let name = args::find(&words, "name").and_then(|element| values::text(element, &mut errors));
    let role = args::find(&words, "role").and_then(|element| role(element, &mut errors));
    let retries = args::find(&words, "retries").and_then(|element| retries(element, &mut errors));
    let cancel_on = flow_control::cancel_on(&words, &mut errors);
    let on_failure = args::find(&words, "on_failure").and_then(|element| values::path(element, &mut errors));
    let checkpoint =
        args::find(&words, "checkpoint").and_then(|element| flow_control::checkpoint(element, &mut errors));

    let unjournaled = unjournaled(&words, &mut errors);
    let body = steps::find(&function, unjournaled, &mut errors);

    match id {
        Some(id) if errors.is_empty() => Ok(ValidatedFunction {
            krate,
            function,
            id,
            name: name.map(|name| name.value()),
            role,
            triggers,
            retries,
            flow_control,
            cancel_on,
            on_failure,
            checkpoint,
            body,
            line: line(Span::call_site()),
        }),
        _ => Err(Box::new(InvalidFunction { krate, item: original, errors })),
    }
}

/// The line of a span in its file.
pub(crate) fn line(span: Span) -> u32 {
    u32::try_from(span.start().line).unwrap_or(u32::MAX)
}

/// The value of `crate = …`, or the runtime.
pub(crate) fn krate(words: &[&Element], errors: &mut Errors) -> Path {
    args::find(words, "crate").and_then(|element| values::path(element, errors)).unwrap_or_else(item::default_crate)
}

/// A missing id is only reported when the whole attribute could be read.
fn id(words: &[&Element], complete: bool, errors: &mut Errors) -> Option<LitStr> {
    match args::find(words, "id") {
        Some(element) => values::id(element, errors),
        None if complete => {
            errors.add(Span::call_site(), "a durable function needs an id: `id = \"family/what-it-does\"`");
            None
        }
        None => None,
    }
}

fn triggers(words: &[&Element], complete: bool, errors: &mut Errors) -> Vec<Trigger> {
    let elements: Vec<&Element> =
        words.iter().filter(|element| matches!(element.name().as_str(), "event" | "cron")).copied().collect();
    if elements.is_empty() && complete {
        errors.add(
            Span::call_site(),
            "a durable function needs a trigger: `event = Type` or `cron = \"TZ=Europe/Berlin 0 9 * * 1\"`",
        );
    }
    if let Some(eleventh) = elements.get(TRIGGERS_MAX) {
        errors.add(
            eleventh.word_span(),
            format!("a function has at most {TRIGGERS_MAX} triggers; split it, or let one event stand for several"),
        );
    }
    let mut seen: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for element in elements {
        let Some(trigger) = trigger(element, errors) else { continue };
        let key = match &trigger {
            Trigger::Event { ty, expression } => format!("{} {expression:?}", quote::quote!(#ty)),
            Trigger::Cron { cron, .. } => format!("{:?} {}", cron.time_zone, cron.expression),
        };
        if seen.contains(&key) {
            errors.add(element.value_span(), "the same trigger is given twice; keep one of them");
        }
        seen.push(key);
        found.push(trigger);
    }
    found
}

fn trigger(element: &Element, errors: &mut Errors) -> Option<Trigger> {
    if element.name() == "cron" {
        let text = values::text(element, errors)?;
        return cron::parse(&text, errors).map(|cron| Trigger::Cron { cron, span: text.span() });
    }
    let Value::List(elements, span) = &element.value else {
        return values::type_value(element, errors).map(|ty| Trigger::Event { ty, expression: None });
    };
    let (ty, rest) = match elements.split_first() {
        Some((first, rest)) => match positional_type(first) {
            Some(ty) => (Some(ty), rest),
            None => (None, elements.as_slice()),
        },
        None => (None, elements.as_slice()),
    };
    let words = args::known(rest.iter().as_slice(), "`event(…)`", &["if"], &[], errors);
    let expression = args::find(&words, "if").and_then(|element| values::expression(element, errors));
    if ty.is_none() {
        errors.add(*span, "the type of the event comes first: `event(Type, if = \"…\")`");
    }
    ty.map(|ty| Trigger::Event { ty, expression })
}

/// A type without a word before it; a single name was read as a word.
fn positional_type(element: &Element) -> Option<Type> {
    match (&element.word, &element.value) {
        (Some(word), Value::Flag) => Some(type_of(word)),
        (None, Value::Type(ty)) => Some(ty.clone()),
        _ => None,
    }
}

fn type_of(word: &Ident) -> Type {
    Type::Path(syn::TypePath { attrs: Vec::new(), qself: None, path: word.clone().into() })
}

fn role(element: &Element, errors: &mut Errors) -> Option<&'static str> {
    match values::word(element, &["host", "cluster", "any"], errors)? {
        "host" => Some("Host"),
        "cluster" => Some("Cluster"),
        _ => Some("Any"),
    }
}

pub(crate) fn retries(element: &Element, errors: &mut Errors) -> Option<u8> {
    if let Value::Lit(syn::Lit::Int(lit)) = &element.value
        && lit.base10_parse::<u32>().is_ok_and(|value| value == 0)
    {
        errors.add(
            lit.span(),
            "`retries = 0` would lose a run at the first hiccup; \
            write 1 to 20, and end the retries where they cannot help with `Error::terminal(…)`",
        );
        return None;
    }
    values::number(element, 1..=20, errors).and_then(|value| u8::try_from(value).ok())
}

pub(crate) fn unjournaled(words: &[&Element], errors: &mut Errors) -> bool {
    const KNOWN: [&str; 1] = ["unjournaled"];
    let Some(element) = args::find(words, "allow") else { return false };
    let Some(list) = values::list(element, "allow(unjournaled)", errors) else { return false };
    let allowed = args::known(list, "`allow(…)`", &KNOWN, &[], errors);
    for word in &allowed {
        if !matches!(word.value, Value::Flag) {
            errors.add(word.value_span(), format!("the words of `allow(…)` stand alone: {}", listed(&KNOWN)));
        }
    }
    !allowed.is_empty()
}

/// `Events<…>` and `batch` go together, and a function handles no failure.
fn check_event_parameter(function: &Function, words: &[&Element], errors: &mut Errors) {
    let batch = args::find(words, "batch");
    for parameter in &function.parameters {
        match (parameter.role, batch) {
            (ParameterRole::Events, None) => errors.add_on(
                &parameter.ty,
                "`Events<…>` holds a batch, but the attribute has no `batch(…)`; \
                take `Event<…>`, or add `batch(max_size = …, timeout = \"…\")`",
            ),
            (ParameterRole::Event, Some(_)) => {
                errors.add_on(&parameter.ty, "a function with `batch(…)` gets several events at once; take `Events<…>`")
            }
            (ParameterRole::Failure, _) => errors.add_on(
                &parameter.ty,
                "`Failure<…>` is what a function with `#[failure_handler]` takes; take `Event<…>`",
            ),
            _ => {}
        }
    }
}
