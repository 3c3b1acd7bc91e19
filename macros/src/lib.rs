//! The attribute macros of system-bus: [`macro@inngest_fn`], [`macro@failure_handler`], [`macro@event`],
//! [`macro@webhook_provider`] and [`macro@EventUnion`].
//!
//! The documentation and the compile-fail tests live with the crates that re-export these macros. Each macro goes
//! through the same stages: `args` and `item` hold what the author wrote, `steps` and `body` what the function does,
//! `validate` collects every mistake, `expand` turns what is valid into tokens and `fallback` what is not.
//!
//! With `SYSTEM_BUS_EXPAND` set in the environment, the expansions are printed.

mod args;
mod body;
mod checks;
mod cron;
mod derive;
mod errors;
mod event;
mod expand;
mod fallback;
mod flow_control;
mod handler;
mod item;
mod past_tense;
mod peel;
mod provider;
mod scope;
mod sends;
mod signature;
mod steps;
mod tokens;
mod unstable;
mod validate;
mod values;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes an async function durable and registers it.
///
/// The attribute names the function, its triggers and its flow control; the parameters are extractors. The function
/// itself stays as it is, so that a test can call it with doubles; a type of the same name lets `step.invoke` know it.
///
/// | word | value |
/// | --- | --- |
/// | `id` | kebab-case words that `/` and `.` may join; required |
/// | `event` | `event = Type` or `event(Type, if = "…")`; repeatable |
/// | `cron` | `"TZ=Europe/Berlin 0 9 * * 1"`; repeatable, with `event` one to ten |
/// | `role` | `host`, `cluster` or `any` |
/// | `name` | a name for people |
/// | `retries` | 1 to 20 |
/// | `concurrency` | `2` or `(limit = 2, key = "…", scope = fn)`, `scope` also `env` or `account`; at most two |
/// | `throttle` | `(limit = 10, period = "1m", burst = 2, key = "…")`; late starts wait |
/// | `rate_limit` | `(limit = 10, period = "1h", key = "…")`; late starts are dropped |
/// | `debounce` | `(period = "45s", key = "…", timeout = "3m")` |
/// | `batch` | `(max_size = 10, timeout = "5s", key = "…", if = "…")`, with a parameter `Events<Type>` |
/// | `priority` | `"…"` or `(run = "…")` |
/// | `singleton` | alone or `(key = "…", mode = skip)`, `mode` also `cancel` |
/// | `idempotency` | `"…"`; one run in 24 hours for each value |
/// | `cancel_on` | `(event = Type, if = "…", timeout = "1h")`; at most five |
/// | `timeouts` | `(start = "10m", finish = "1h")` |
/// | `on_failure` | the path of a function with `#[failure_handler]` |
/// | `checkpoint` | alone or `safe` (each step), `blended` (3 steps or 3 s), `performant` (1,000 steps), `off`, `(buffered_steps = 10, max_interval = "1s", max_runtime = "1m")`; the worker's default when absent |
/// | `allow` | `(unjournaled)`: the body may await and read what is not the same at every replay |
/// | `crate` | the path of the runtime, when it is not `::system_bus_runtime` |
///
/// Durations are texts of numbers and the units `ms`, `s`, `m`, `h`, `d` and `w`; expressions are in the server's
/// dialect and are checked by the build script.
///
/// The body runs anew at every replay, so it may only await steps, and what runs steps: no step name twice, none that
/// is literal in a loop or a closure, no step inside another one's future, no clock, randomness or environment outside
/// a step, no assignment from inside a step to a variable outside of it.
#[proc_macro_attribute]
pub fn inngest_fn(args: TokenStream, item: TokenStream) -> TokenStream {
    printed(expand::function(args.into(), item.into()))
}

/// Makes an async function the handler of failures, for `on_failure = its_name` in the attribute of others.
///
/// It is a durable function without an id and triggers of its own: what names it gives it both. It takes a `Failure<…>`
/// of the failed function's event, any other extractors, and follows the same rules. Several functions may name it.
///
/// | word | value |
/// | --- | --- |
/// | `retries` | 1 to 20; 1 when not given |
/// | `allow` | `(unjournaled)`, as in [`macro@inngest_fn`] |
/// | `crate` | the path of the runtime, when it is not `::system_bus_runtime` |
#[proc_macro_attribute]
pub fn failure_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    printed(handler::expand(args.into(), item.into()))
}

/// Makes a struct, or an enum, the data of the event of that name and registers it.
///
/// `#[event("family/thing.happened")]`; then, as needed, `allow_command_name` for a name that is no fact in the past
/// tense and cannot change, `sent_by = "cli"` or `sent_by("cli", "gateway")` for senders outside the functions and the
/// webhook providers, `queued(priority = 2, dedup = "60s", name = "family/queued.name")` for an event that is also
/// admitted through the queue, and `crate = path`. `Clone`, `Debug`, `Serialize`, `Deserialize` and `JsonSchema` are
/// derived unless a
/// `#[derive(…)]` below the attribute names them.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    printed(event::expand(args.into(), item.into()))
}

/// Makes a function the provider of a webhook: it turns a vendor's deliveries into events at `POST /webhooks/{id}`.
///
/// The function takes `&Delivery<'_>` and returns `Result<Vec<NewEvent>>`; none for a delivery of no interest. It is
/// called with deliveries whose signature is right, possibly more than once with the same one, and must then give the
/// same events: no clock, no randomness, nothing but the delivery.
///
/// | word | value |
/// | --- | --- |
/// | `id` | the last part of the path, in kebab case; required |
/// | `signature` | `(hmac_sha256, header = "x-signature", secret = "ACME_WEBHOOK_SECRET")`; repeatable, one must hold |
/// | `delivery_id` | `(header = "x-delivery", body = "/data/id")`, tried in turn, with `prefix = "evt_"` in the body only what starts so; else the body's hash |
/// | `headers` | `("x-event")`: the headers that the function reads; they are kept with the delivery |
/// | `emits` | `(OrderPlaced, "acme/*")`: the events that may be sent; `*` stands for all declared ones of a family |
/// | `body_mib_max` | the largest body in MiB, 1 to 64; 1 when absent |
/// | `challenge` | `(echo = "x-challenge")`, or `(query = "crc_token", answer = path)` for `GET` |
/// | `crate` | the path of the runtime, when it is not `::system_bus_runtime` |
///
/// In `signature`: an algorithm (`hmac_sha1`, `hmac_sha256`, `ed25519`, whose secret is a public key) or
/// `verify = path`; `header`; `prefix = "sha256="`; `encoding = base64`, else `hex`;
/// `timestamp(header = "x-timestamp", join = ".", unit = ms, tolerance = "5m")` when time and body are signed, or
/// `timestamp(list, tolerance = "5m")` for a header `t=…,v1=…`; `also = path` for another form of the body that may
/// have been signed; `unless = "x-timestamp"` for a header with which another `signature` is meant; `secret`, the
/// environment variables, each of which counts; `lease`, the name at the `secrets` program.
#[proc_macro_attribute]
pub fn webhook_provider(args: TokenStream, item: TokenStream) -> TokenStream {
    printed(provider::expand(args.into(), item.into()))
}

/// Makes an enum stand for several events: each variant holds the data of one of them.
///
/// A function with several triggers takes `Event<TheEnum>`. `#[event_union(crate = path)]` names the runtime.
#[proc_macro_derive(EventUnion, attributes(event_union))]
pub fn event_union(item: TokenStream) -> TokenStream {
    printed(derive::expand(item.into()))
}

fn printed(tokens: proc_macro2::TokenStream) -> TokenStream {
    if std::env::var_os("SYSTEM_BUS_EXPAND").is_some() {
        eprintln!("{tokens}");
    }
    tokens.into()
}
