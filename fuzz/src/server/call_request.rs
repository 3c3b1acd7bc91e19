//! The `call_request` target: see `../../README.md`.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use system_bus_runtime::StepError;
use system_bus_runtime::protocol::wire::{CallRequest, Stack, decode_events, decode_steps};
use system_bus_runtime::protocol::{StepId, StepResult};

/// Reads the input as a call request, as events and as remembered steps.
///
/// The results have the order of the stack, what was read can be written and read again, and white space between tokens
/// means nothing.
pub fn call_request(data: &[u8]) {
    if let Ok(request) = CallRequest::decode(data) {
        assert!(!request.events.is_empty(), "a request without events was read");
        assert_order(&request.steps, &request.context.stack);
        assert_reads_back(&request);
    }
    if let Ok(events) = decode_events(data) {
        let text = serde_json::to_vec(&events.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap_or_default();
        let again = decode_events(&text).unwrap_or_default();
        assert_eq!(format!("{events:?}"), format!("{again:?}"), "the events do not read back");
    }
    if let Ok(steps) = decode_steps(data, &Stack::default()) {
        let stack = Stack { current: 0, stack: steps.iter().rev().map(|(id, _)| *id).collect() };
        let reordered = decode_steps(data, &stack).unwrap_or_default();
        assert_eq!(reordered.len(), steps.len(), "the stack changes how many results there are");
        assert_order(&reordered, &stack);
    }
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        assert_ignores_white_space(&value);
    }
}

/// Each step has one result; they are in the order of the first mention of their ids, those without come last.
fn assert_order(steps: &[(StepId, StepResult)], stack: &Stack) {
    let mut ranks: HashMap<StepId, usize> = HashMap::new();
    for (rank, id) in stack.stack.iter().enumerate() {
        ranks.entry(*id).or_insert(rank);
    }
    let rank = |id: &StepId| ranks.get(id).copied().unwrap_or(usize::MAX);
    assert!(steps.is_sorted_by_key(|(id, _)| rank(id)), "the results are not in the order of the stack");
    let once: HashSet<StepId> = steps.iter().map(|(id, _)| *id).collect();
    assert_eq!(once.len(), steps.len(), "a step has two results");
}

fn assert_reads_back(request: &CallRequest) {
    let again = CallRequest::decode(write(request).as_bytes());
    let again = again.unwrap_or_else(|error| panic!("what was read cannot be read again: {error}"));
    assert_eq!(format!("{request:?}"), format!("{again:?}"), "the request does not read back");
}

/// The body of the request, as a server writes it.
fn write(request: &CallRequest) -> String {
    let events: Vec<_> = request.events.iter().map(AsRef::as_ref).collect();
    let events = serde_json::to_string(&events).unwrap_or_default();
    let context = &request.context;
    let stack: Vec<String> = context.stack.stack.iter().map(StepId::to_string).collect();
    let context = json!({
        "run_id": context.run_id,
        "attempt": context.attempt,
        "max_attempts": context.max_attempts,
        "disable_immediate_execution": context.disable_immediate_execution,
        "use_api": context.use_api,
        "stack": { "stack": stack, "current": context.stack.current },
        "fn_id": context.fn_id,
        "qi_id": context.qi_id,
        "request_id": context.request_id,
        "generation_id": context.generation_id,
        "job_id": context.job_id,
    });
    // Written by hand, so that the results are kept to the byte.
    let steps: Vec<String> = request
        .steps
        .iter()
        .map(|(id, result)| match result {
            Ok(data) => format!(r#""{id}":{{"data":{data}}}"#),
            Err(error) => format!(r#""{id}":{}"#, json!({ "error": error })),
        })
        .collect();
    format!(r#"{{"events":{events},"steps":{{{}}},"ctx":{context}}}"#, steps.join(","))
}

fn assert_ignores_white_space(value: &Value) {
    let compact = value.to_string();
    let spaced = serde_json::to_string_pretty(value).unwrap_or_default();
    let meaning = |text: &str| CallRequest::decode(text.as_bytes()).ok().map(|request| meaning(&request.steps));
    assert_eq!(meaning(&compact), meaning(&spaced), "white space changes the steps of a request");
    let keys = value.as_object().map(Map::keys).into_iter().flatten();
    let stack = Stack { current: 0, stack: keys.rev().filter_map(|key| key.parse().ok()).collect() };
    let meaning = |text: &str| decode_steps(text.as_bytes(), &stack).ok().map(|steps| self::meaning(&steps));
    assert_eq!(meaning(&compact), meaning(&spaced), "white space changes the remembered steps");
}

/// Results without the white space that they keep.
fn meaning(steps: &[(StepId, StepResult)]) -> Vec<(StepId, Result<Value, StepError>)> {
    let solid = |text: &str| text.split_whitespace().collect::<String>();
    let result = |result: &StepResult| match result {
        Ok(data) => Ok(serde_json::from_str(data.get()).unwrap_or_else(|error| panic!("a result is no JSON: {error}"))),
        // An error that is no object is told of as it stands.
        Err(error) => Err(StepError::new(solid(&error.name), solid(&error.message))),
    };
    steps.iter().map(|(id, it)| (*id, result(it))).collect()
}
