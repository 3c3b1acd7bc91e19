//! The words about when and how often a function runs, with the limits and contradictions of an Inngest server.

use syn::Type;

use crate::args::{self, Element, Value};
use crate::errors::{Errors, listed};
use crate::values::{self, FROM_SECOND, ONE_DAY, POSITIVE, WEEK};

/// The flow control of one function; expressions are texts, durations milliseconds.
#[derive(Default)]
pub(crate) struct FlowControl {
    pub(crate) concurrency: Vec<Concurrency>,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) debounce: Option<Debounce>,
    pub(crate) batch: Option<Batch>,
    pub(crate) priority: Option<String>,
    pub(crate) singleton: Option<Singleton>,
    pub(crate) idempotency: Option<String>,
    pub(crate) timeouts: Option<Timeouts>,
}

/// `concurrency(limit, key, scope)`.
pub(crate) struct Concurrency {
    pub(crate) limit: u32,
    pub(crate) key: Option<String>,
    /// The variant of `Scope`.
    pub(crate) scope: &'static str,
}

/// `throttle(limit, period, burst, key)`.
pub(crate) struct Throttle {
    pub(crate) limit: u32,
    pub(crate) period_ms: u64,
    pub(crate) burst: Option<u32>,
    pub(crate) key: Option<String>,
}

/// `rate_limit(limit, period, key)`.
pub(crate) struct RateLimit {
    pub(crate) limit: u32,
    pub(crate) period_ms: u64,
    pub(crate) key: Option<String>,
}

/// `debounce(period, key, timeout)`.
pub(crate) struct Debounce {
    pub(crate) period_ms: u64,
    pub(crate) key: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
}

/// `batch(max_size, timeout, key, if)`.
pub(crate) struct Batch {
    pub(crate) max_size: u32,
    pub(crate) timeout_ms: u64,
    pub(crate) key: Option<String>,
    pub(crate) expression: Option<String>,
}

/// `singleton(key, mode)`.
pub(crate) struct Singleton {
    pub(crate) key: Option<String>,
    /// The variant of `SingletonMode`.
    pub(crate) mode: &'static str,
}

/// `timeouts(start, finish)`.
pub(crate) struct Timeouts {
    pub(crate) start_ms: Option<u64>,
    pub(crate) finish_ms: Option<u64>,
}

/// `cancel_on(event, if, timeout)`.
pub(crate) struct CancelOn {
    pub(crate) event: Type,
    pub(crate) expression: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
}

/// `checkpoint`.
pub(crate) enum Checkpoint {
    /// The constant of `Checkpoint`.
    Preset(&'static str),
    /// `checkpoint(buffered_steps, max_interval, max_runtime)`.
    List { buffered_steps: u32, max_interval_ms: Option<u64>, max_runtime_ms: Option<u64> },
}

/// An Inngest server's `MaxConcurrencyLimits`.
const CONCURRENCY_MAX: usize = 2;
/// An Inngest server's `MaxCancellations`.
const CANCEL_ON_MAX: usize = 5;
/// An Inngest server's `DefaultBatchSizeLimit`.
const BATCH_SIZE_MAX: u32 = 100;

/// Reads all flow control.
pub(crate) fn read(words: &[&Element], errors: &mut Errors) -> FlowControl {
    let mut flow = FlowControl { concurrency: concurrency(words, errors), ..FlowControl::default() };
    if let Some(element) = args::find(words, "throttle") {
        flow.throttle = throttle(element, errors);
    }
    if let Some(element) = args::find(words, "rate_limit") {
        flow.rate_limit = rate_limit(element, errors);
    }
    if let Some(element) = args::find(words, "debounce") {
        flow.debounce = debounce(element, errors);
    }
    if let Some(element) = args::find(words, "batch") {
        flow.batch = batch(element, errors);
    }
    if let Some(element) = args::find(words, "priority") {
        flow.priority = priority(element, errors);
    }
    if let Some(element) = args::find(words, "singleton") {
        flow.singleton = singleton(element, errors);
    }
    if let Some(element) = args::find(words, "idempotency") {
        flow.idempotency = values::expression(element, errors);
    }
    if let Some(element) = args::find(words, "timeouts") {
        flow.timeouts = timeouts(element, errors);
    }
    flow
}

/// Words that an Inngest server refuses, or silently drops, beside another one.
pub(crate) fn check_combinations(words: &[&Element], errors: &mut Errors) {
    const CONTRADICTIONS: [(&str, &str, &str); 7] = [
        ("batch", "cancel_on", "an Inngest server refuses cancellation of a batch"),
        ("batch", "debounce", "both collect events; keep the one you mean"),
        ("batch", "singleton", "an Inngest server refuses a batch of one run at a time"),
        ("batch", "priority", "a batch has no single event that the expression could read"),
        ("batch", "rate_limit", "an Inngest server does not apply a rate limit to a batch"),
        ("batch", "idempotency", "a batch has no single event that the expression could read"),
        (
            "rate_limit",
            "idempotency",
            "an Inngest server turns `idempotency` into the rate limit and drops the other one",
        ),
    ];
    for (one, other, reason) in CONTRADICTIONS {
        if let (Some(one), Some(other)) = (args::find(words, one), args::find(words, other)) {
            errors.add(other.word_span(), format!("`{}` contradicts `{}`: {reason}", other.name(), one.name()));
        }
    }
}

/// The words of one parenthesised element.
struct Group<'a> {
    element: &'a Element,
    words: Vec<&'a Element>,
}

impl<'a> Group<'a> {
    fn read(element: &'a Element, usage: &str, words: &[&str], errors: &mut Errors) -> Option<Self> {
        let list = values::list(element, usage, errors)?;
        let words = args::known(list, &format!("`{}(…)`", element.name()), words, &[], errors);
        Some(Self { element, words })
    }

    fn find(&self, word: &str) -> Option<&'a Element> {
        args::find(&self.words, word)
    }

    /// The element with this word, which must be there.
    fn require(&self, word: &str, usage: &str, errors: &mut Errors) -> Option<&'a Element> {
        let found = self.find(word);
        if found.is_none() {
            errors.add(self.element.word_span(), format!("`{}(…)` needs `{word}`: `{usage}`", self.element.name()));
        }
        found
    }

    fn count(&self, word: &str, usage: &str, errors: &mut Errors) -> Option<u32> {
        self.require(word, usage, errors).and_then(|element| values::number(element, 1..=u32::MAX, errors))
    }

    fn period(&self, word: &str, usage: &str, bounds: &values::Bounds, errors: &mut Errors) -> Option<u64> {
        self.require(word, usage, errors).and_then(|element| values::duration(element, bounds, errors))
    }

    fn expression(&self, word: &str, errors: &mut Errors) -> Option<String> {
        self.find(word).and_then(|element| values::expression(element, errors))
    }

    fn duration(&self, word: &str, bounds: &values::Bounds, errors: &mut Errors) -> Option<u64> {
        self.find(word).and_then(|element| values::duration(element, bounds, errors))
    }
}

fn concurrency(words: &[&Element], errors: &mut Errors) -> Vec<Concurrency> {
    let elements: Vec<&&Element> = words.iter().filter(|element| element.name() == "concurrency").collect();
    if let Some(third) = elements.get(CONCURRENCY_MAX) {
        errors.add(third.word_span(), format!("a function has at most {CONCURRENCY_MAX} concurrency limits"));
    }
    elements.into_iter().filter_map(|element| one_concurrency(element, errors)).collect()
}

fn one_concurrency(element: &Element, errors: &mut Errors) -> Option<Concurrency> {
    const USAGE: &str = "concurrency(limit = 2, key = \"event.data.id\", scope = fn)";
    if !matches!(element.value, Value::List(..)) {
        return values::number(element, 1..=u32::MAX, errors).map(|limit| Concurrency {
            limit,
            key: None,
            scope: "Fn",
        });
    }
    let group = Group::read(element, USAGE, &["limit", "key", "scope"], errors)?;
    let limit = group.count("limit", USAGE, errors);
    let key = group.expression("key", errors);
    let scope = match group.find("scope") {
        None => "Fn",
        Some(scope) => {
            let word = values::word(scope, &["fn", "env", "account"], errors)?;
            if word != "fn" && group.find("key").is_none() {
                errors.add(
                    scope.value_span(),
                    format!("`scope = {word}` needs a `key` that says which functions share the limit"),
                );
            }
            match word {
                "env" => "Env",
                "account" => "Account",
                _ => "Fn",
            }
        }
    };
    limit.map(|limit| Concurrency { limit, key, scope })
}

fn throttle(element: &Element, errors: &mut Errors) -> Option<Throttle> {
    const USAGE: &str = "throttle(limit = 10, period = \"1m\")";
    let group = Group::read(element, USAGE, &["limit", "period", "burst", "key"], errors)?;
    let limit = group.count("limit", USAGE, errors);
    let period = group.period("period", USAGE, &WEEK, errors);
    let burst = group.find("burst").and_then(|element| values::number(element, 1..=u32::MAX, errors));
    let key = group.expression("key", errors);
    Some(Throttle { limit: limit?, period_ms: period?, burst, key })
}

fn rate_limit(element: &Element, errors: &mut Errors) -> Option<RateLimit> {
    const USAGE: &str = "rate_limit(limit = 10, period = \"1h\")";
    let group = Group::read(element, USAGE, &["limit", "period", "key"], errors)?;
    let limit = group.count("limit", USAGE, errors);
    let period = group.period("period", USAGE, &ONE_DAY, errors);
    let key = group.expression("key", errors);
    Some(RateLimit { limit: limit?, period_ms: period?, key })
}

fn debounce(element: &Element, errors: &mut Errors) -> Option<Debounce> {
    const USAGE: &str = "debounce(period = \"45s\")";
    let group = Group::read(element, USAGE, &["period", "key", "timeout"], errors)?;
    let period = group.period("period", USAGE, &WEEK, errors);
    let key = group.expression("key", errors);
    let timeout_ms = group.duration("timeout", &WEEK, errors);
    Some(Debounce { period_ms: period?, key, timeout_ms })
}

fn batch(element: &Element, errors: &mut Errors) -> Option<Batch> {
    const USAGE: &str = "batch(max_size = 10, timeout = \"5s\")";
    let group = Group::read(element, USAGE, &["max_size", "timeout", "key", "if"], errors)?;
    let max_size = group
        .require("max_size", USAGE, errors)
        .and_then(|element| values::number(element, 2..=BATCH_SIZE_MAX, errors));
    let timeout = group.period("timeout", USAGE, &FROM_SECOND, errors);
    let key = group.expression("key", errors);
    let expression = group.expression("if", errors);
    Some(Batch { max_size: max_size?, timeout_ms: timeout?, key, expression })
}

fn priority(element: &Element, errors: &mut Errors) -> Option<String> {
    const USAGE: &str = "priority(run = \"event.data.urgent ? 60 : 0\")";
    if !matches!(element.value, Value::List(..)) {
        return values::expression(element, errors);
    }
    let group = Group::read(element, USAGE, &["run"], errors)?;
    group.require("run", USAGE, errors).and_then(|element| values::expression(element, errors))
}

fn singleton(element: &Element, errors: &mut Errors) -> Option<Singleton> {
    const USAGE: &str = "singleton(key = \"event.data.id\", mode = skip)";
    if matches!(element.value, Value::Flag) {
        return Some(Singleton { key: None, mode: "Skip" });
    }
    let group = Group::read(element, USAGE, &["key", "mode"], errors)?;
    let key = group.expression("key", errors);
    let mode = match group.find("mode").map(|element| values::word(element, &["skip", "cancel"], errors)) {
        Some(Some("cancel")) => "Cancel",
        _ => "Skip",
    };
    Some(Singleton { key, mode })
}

fn timeouts(element: &Element, errors: &mut Errors) -> Option<Timeouts> {
    const WORDS: [&str; 2] = ["start", "finish"];
    let group = Group::read(element, "timeouts(start = \"10m\", finish = \"1h\")", &WORDS, errors)?;
    if group.words.is_empty() {
        errors.add(element.word_span(), format!("`timeouts(…)` needs one of {}", listed(&WORDS)));
    }
    let start_ms = group.duration("start", &POSITIVE, errors);
    let finish_ms = group.duration("finish", &POSITIVE, errors);
    Some(Timeouts { start_ms, finish_ms })
}

/// The events that cancel a run.
pub(crate) fn cancel_on(words: &[&Element], errors: &mut Errors) -> Vec<CancelOn> {
    let elements: Vec<&&Element> = words.iter().filter(|element| element.name() == "cancel_on").collect();
    if let Some(sixth) = elements.get(CANCEL_ON_MAX) {
        errors.add(sixth.word_span(), format!("a function has at most {CANCEL_ON_MAX} events that cancel it"));
    }
    elements.into_iter().filter_map(|element| one_cancel_on(element, errors)).collect()
}

fn one_cancel_on(element: &Element, errors: &mut Errors) -> Option<CancelOn> {
    const USAGE: &str = "cancel_on(event = Type, if = \"event.data.id == async.data.id\", timeout = \"1h\")";
    let group = Group::read(element, USAGE, &["event", "if", "timeout"], errors)?;
    let event = group.require("event", USAGE, errors).and_then(|element| values::type_value(element, errors));
    let expression = group.expression("if", errors);
    let timeout_ms = group.duration("timeout", &POSITIVE, errors);
    Some(CancelOn { event: event?, expression, timeout_ms })
}

/// When step results are sent to a server while the function goes on.
pub(crate) fn checkpoint(element: &Element, errors: &mut Errors) -> Option<Checkpoint> {
    const USAGE: &str = "checkpoint(buffered_steps = 10, max_interval = \"1s\", max_runtime = \"1m\")";
    match &element.value {
        Value::Flag => return Some(Checkpoint::Preset("SAFE")),
        Value::List(..) => {}
        Value::Lit(_) | Value::Type(_) => {
            return values::word(element, &["safe", "blended", "performant", "off"], errors).map(|word| {
                Checkpoint::Preset(match word {
                    "blended" => "BLENDED",
                    "performant" => "PERFORMANT",
                    "off" => "OFF",
                    _ => "SAFE",
                })
            });
        }
    }
    let group = Group::read(element, USAGE, &["buffered_steps", "max_interval", "max_runtime"], errors)?;
    let buffered_steps = group.find("buffered_steps").and_then(|element| values::number(element, 1..=u32::MAX, errors));
    let max_interval_ms = group.duration("max_interval", &POSITIVE, errors);
    let max_runtime_ms = group.duration("max_runtime", &POSITIVE, errors);
    // Each step at once, as the SDKs have it (`SDK_SPEC.md` §10.1).
    Some(Checkpoint::List { buffered_steps: buffered_steps.unwrap_or(1), max_interval_ms, max_runtime_ms })
}
