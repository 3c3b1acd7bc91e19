//! What the server is told of an app and its functions (`SDK_SPEC.md` §4.3.2).

use reqwest::Url;
use serde::Serialize;
use serde_json::{Value, json};

use crate::event::{EventData, FunctionFailed};
use crate::function::{Checkpoint, FunctionConfig, Scope, SingletonMode, Trigger};
use crate::protocol::wire::format_time_string as time;
use crate::registry::Registry;
use crate::server::app::AppIds;
use crate::server::headers::{FRAMEWORK_NAME, SDK_TEXT};

/// What carries calls to the functions of a registration.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runtime<'a> {
    /// The server calls this address.
    Http(&'a Url),
    /// Calls come through a websocket.
    WebSocket,
}

/// The body of a registration.
#[derive(Serialize)]
pub(crate) struct Payload<'a> {
    url: &'a str,
    #[serde(rename = "deployType")]
    deploy_type: &'static str,
    #[serde(rename = "appName")]
    app_name: &'a str,
    sdk: &'static str,
    v: &'static str,
    framework: &'static str,
    functions: Vec<Value>,
    capabilities: Value,
}

impl<'a> Payload<'a> {
    /// The registration of an app at this address.
    pub(crate) fn new(url: &'a Url, app_ids: &'a AppIds, registry: &Registry) -> Self {
        Self {
            url: url.as_str(),
            deploy_type: "ping",
            app_name: app_ids.app(),
            sdk: SDK_TEXT,
            v: "0.1",
            framework: FRAMEWORK_NAME,
            functions: functions(app_ids, registry, Runtime::Http(url)),
            capabilities: capabilities(),
        }
    }
}

/// What this SDK can do beyond the basics.
pub(crate) fn capabilities() -> Value {
    json!({ "trust_probe": "v1", "connect": "v1", "in_band_sync": "v1" })
}

/// The functions of an app, as the server is told of them.
pub(crate) fn functions(app_ids: &AppIds, registry: &Registry, runtime: Runtime<'_>) -> Vec<Value> {
    registry.functions().iter().map(|function| entry(app_ids, &function.config, runtime)).collect()
}

/// One function. What its attribute does not say is left out, so that the server's own default holds.
fn entry(app_ids: &AppIds, config: &FunctionConfig, runtime: Runtime<'_>) -> Value {
    let id = app_ids.own(config.id);
    let mut step = json!({
        "id": "step",
        "name": "step",
        "runtime": runtime_entry(&id, runtime),
    });
    // The wire's `attempts` are the retries: the server adds the first attempt. They are always said, because the
    // server's own default is one more than ours.
    step["retries"] = json!({ "attempts": config.attempts_max() - 1 });
    let mut entry = json!({
        "id": id,
        "name": config.name.unwrap_or(config.id),
        "triggers": config.triggers.iter().map(|it| trigger(app_ids, it)).collect::<Vec<_>>(),
        "steps": { "step": step },
    });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            entry[name] = value;
        }
    };
    set("idempotency", config.idempotency.map(Value::from));
    set(
        "batchEvents",
        config.batch.map(|batch| {
            compact(json!({
                "maxSize": batch.max_size,
                "timeout": time(batch.timeout),
                "key": batch.key,
                "if": batch.expression,
            }))
        }),
    );
    set(
        "rateLimit",
        config
            .rate_limit
            .map(|rate| compact(json!({ "limit": rate.limit, "period": time(rate.period), "key": rate.key }))),
    );
    set(
        "debounce",
        config.debounce.map(|debounce| {
            compact(
                json!({ "period": time(debounce.period), "key": debounce.key, "timeout": debounce.timeout.map(time) }),
            )
        }),
    );
    set("priority", config.priority.map(|priority| json!({ "run": priority.run })));
    set(
        "throttle",
        config.throttle.map(|throttle| {
            compact(json!({
                "limit": throttle.limit,
                "period": time(throttle.period),
                "burst": throttle.burst,
                "key": throttle.key,
            }))
        }),
    );
    set(
        "singleton",
        config.singleton.map(|singleton| {
            let mode = match singleton.mode {
                SingletonMode::Skip => "skip",
                SingletonMode::Cancel => "cancel",
            };
            compact(json!({ "mode": mode, "key": singleton.key }))
        }),
    );
    set(
        "timeouts",
        config
            .timeouts
            .map(|timeouts| compact(json!({ "start": timeouts.start.map(time), "finish": timeouts.finish.map(time) }))),
    );
    set("checkpoint", config.checkpoint.filter(|it| !it.is_off()).as_ref().map(checkpoint));
    let limits = config.concurrency.iter().map(|limit| {
        let scope = match limit.scope {
            Scope::Fn => "fn",
            Scope::Env => "env",
            Scope::Account => "account",
        };
        compact(json!({ "limit": limit.limit, "key": limit.key, "scope": scope }))
    });
    set("concurrency", some_list(limits.collect()));
    let cancels = config.cancel_on.iter().map(|cancel| {
        compact(json!({ "event": cancel.event, "if": cancel.expression, "timeout": cancel.timeout.map(time) }))
    });
    set("cancel", some_list(cancels.collect()));
    entry
}

fn runtime_entry(id: &str, runtime: Runtime<'_>) -> Value {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("fnId", id).append_pair("stepId", "step").finish();
    match runtime {
        Runtime::Http(url) => {
            let mut url = url.clone();
            let own = url.query().filter(|own| !own.is_empty()).map(|own| format!("{own}&{query}"));
            url.set_query(Some(&own.unwrap_or(query)));
            json!({ "type": "http", "url": url.as_str() })
        }
        // Nobody dials it, but the server finds the function's workers by it.
        Runtime::WebSocket => json!({ "type": "ws", "url": format!("ws://connect?{query}") }),
    }
}

fn trigger(app_ids: &AppIds, trigger: &Trigger) -> Value {
    match *trigger {
        Trigger::Event { name, expression } => compact(json!({ "event": name, "expression": expression })),
        Trigger::Cron { time_zone: Some(zone), expression } => json!({ "cron": format!("TZ={zone} {expression}") }),
        Trigger::Cron { time_zone: None, expression } => json!({ "cron": expression }),
        Trigger::Failure { function } => {
            json!({ "event": FunctionFailed::NAME, "expression": FunctionFailed::condition(&app_ids.own(function)) })
        }
    }
}

fn checkpoint(checkpoint: &Checkpoint) -> Value {
    compact(json!({
        "batch_steps": checkpoint.buffered_steps,
        "batch_interval": checkpoint.max_interval.map(time),
        "max_runtime": checkpoint.max_runtime.map(time),
    }))
}

/// Without the members that are `null`.
fn compact(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}

fn some_list(list: Vec<Value>) -> Option<Value> {
    (!list.is_empty()).then_some(Value::Array(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{golden, samples};

    #[test]
    fn every_option_of_an_attribute_is_told() {
        let registry = samples::registry();
        let app_ids = AppIds::new("app", "app", None, &registry);
        let url = Url::parse("http://127.0.0.1:3111/api/inngest").expect("is an address");
        let payload = serde_json::to_value(Payload::new(&url, &app_ids, &registry)).expect("is JSON");
        let text = serde_json::to_string_pretty(&payload).expect("is JSON").replace(SDK_TEXT, "system-bus:v{version}");
        golden::check("registration.json", &(text + "\n"));
    }

    #[test]
    fn functions_of_a_websocket_have_a_runtime_of_their_own() {
        let registry = samples::registry();
        let app_ids = AppIds::new("app", "app", None, &registry);
        let entries = functions(&app_ids, &registry, Runtime::WebSocket);
        for entry in &entries {
            let runtime = &entry["steps"]["step"]["runtime"];
            assert_eq!(runtime["type"], "ws");
            let url = runtime["url"].as_str().expect("is text");
            assert!(url.starts_with("ws://connect?fnId=app-") && url.ends_with("&stepId=step"), "{url}");
        }
    }
}
