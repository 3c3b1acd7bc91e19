//! The body of a call request (`SDK_SPEC.md` §4.4.1).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::StepError;
use crate::event::ReceivedEvent;
use crate::function::RunId;
use crate::protocol::{StepId, StepMap, StepResult};

/// One request to execute a function.
#[derive(Debug)]
pub struct CallRequest {
    /// The events of the run; at least one, the first of a batch first.
    pub events: Vec<Arc<ReceivedEvent>>,
    /// The remembered steps, in the order in which they completed.
    pub steps: Vec<(StepId, StepResult)>,
    /// Everything else.
    pub context: CallContext,
}

/// The `ctx` of a call request.
#[derive(Clone, Debug, Deserialize)]
pub struct CallContext {
    /// The run.
    pub run_id: RunId,
    /// The attempt, from 0.
    #[serde(default)]
    pub attempt: u32,
    /// Attempts in all; not known from older servers.
    #[serde(default)]
    pub max_attempts: Option<u32>,
    /// Whether steps are to be reported before they are executed.
    #[serde(default)]
    pub disable_immediate_execution: bool,
    /// Whether events and steps must be fetched from the server's API.
    #[serde(default)]
    pub use_api: bool,
    /// The order in which steps completed.
    #[serde(default)]
    pub stack: Stack,
    /// The server's id of the function.
    #[serde(default)]
    pub fn_id: Option<String>,
    /// The server's reference to the job, for checkpoints.
    #[serde(default)]
    pub qi_id: Option<String>,
    /// The server's id of this request.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Which dispatch of the job this request is.
    #[serde(default)]
    pub generation_id: Option<i64>,
    /// The server's id of the job.
    #[serde(default)]
    pub job_id: Option<String>,
}

/// The order in which steps completed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Stack {
    /// The ids; what cannot be the id of a step is left out.
    #[serde(deserialize_with = "step_ids")]
    pub stack: Vec<StepId>,
    /// How many of them count for this request.
    pub current: i64,
}

/// Why a body is no call request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It does not parse.
    #[error("the call request is malformed: {0}")]
    Malformed(String),
    /// It has no event.
    #[error("the call request has no event")]
    NoEvent,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default)]
    event: Option<ReceivedEvent>,
    #[serde(default, deserialize_with = "null_is_empty")]
    events: Vec<ReceivedEvent>,
    #[serde(default, borrow)]
    steps: Steps<'a>,
    ctx: CallContext,
    /// Where it was before it moved into `ctx`.
    #[serde(default)]
    use_api: bool,
}

impl CallRequest {
    /// Reads a body.
    pub fn decode(body: &[u8]) -> Result<Self, RequestError> {
        // Checked once as a whole, so that the parser need not check each value again.
        let text = std::str::from_utf8(body).map_err(|error| RequestError::Malformed(error.to_string()))?;
        let body: Body<'_> = serde_json::from_str(text).map_err(malformed)?;
        let mut context = body.ctx;
        context.use_api |= body.use_api;
        let events = if body.events.is_empty() { body.event.into_iter().collect() } else { body.events };
        if events.is_empty() {
            return Err(RequestError::NoEvent);
        }
        let steps = body.steps.in_order(&context.stack);
        Ok(Self { events: events.into_iter().map(Arc::new).collect(), steps, context })
    }
}

/// Reads the events of a run, as the server's API gives them.
pub fn decode_events(body: &[u8]) -> Result<Vec<Arc<ReceivedEvent>>, RequestError> {
    let events: Vec<ReceivedEvent> = serde_json::from_slice(body).map_err(malformed)?;
    if events.is_empty() {
        return Err(RequestError::NoEvent);
    }
    Ok(events.into_iter().map(Arc::new).collect())
}

/// Reads the remembered steps of a run, as the server's API gives them, in the order of the stack.
pub fn decode_steps(body: &[u8], stack: &Stack) -> Result<Vec<(StepId, StepResult)>, RequestError> {
    let steps: Steps<'_> = serde_json::from_slice(body).map_err(malformed)?;
    Ok(steps.in_order(stack))
}

fn malformed(error: serde_json::Error) -> RequestError {
    RequestError::Malformed(error.to_string())
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn step_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<StepId>, D::Error> {
    struct Ids;
    impl<'de> Visitor<'de> for Ids {
        type Value = Vec<StepId>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("the ids of the steps that have completed")
        }

        fn visit_unit<E>(self) -> Result<Vec<StepId>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<StepId>, A::Error> {
            let mut ids = Vec::new();
            while let Some(text) = sequence.next_element::<Text<'de>>()? {
                ids.extend(text.0.parse::<StepId>());
            }
            Ok(ids)
        }
    }
    deserializer.deserialize_any(Ids)
}

/// A text that is copied only when it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// `{"data":null}` is a result, unlike an object without `data`.
fn null_is_data<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The remembered steps, in the order of the document.
#[derive(Default)]
struct Steps<'a>(Vec<(StepId, Memo<'a>)>);

/// What is remembered of one step.
enum Memo<'a> {
    /// Its result.
    Data(&'a RawValue),
    /// Its final error.
    Error(StepError),
    /// A value that is the result as it stands: `null`, or the event that was awaited.
    Plain(Box<RawValue>),
    /// An input for a step that has not completed.
    Input,
}

impl Steps<'_> {
    /// The results in the order of the stack; what the stack does not name comes last.
    fn in_order(self, stack: &Stack) -> Vec<(StepId, StepResult)> {
        // The server writes its map sorted by id, so the order of the stack is another one.
        let mut ranks: StepMap<usize> = StepMap::with_capacity_and_hasher(stack.stack.len(), Default::default());
        for id in &stack.stack {
            let rank = ranks.len();
            ranks.entry(*id).or_insert(rank);
        }
        let mut ordered: Vec<Option<(StepId, StepResult)>> = Vec::new();
        ordered.resize_with(ranks.len(), || None);
        for (id, memo) in self.0 {
            let result = match memo {
                Memo::Data(data) => Ok(data.to_owned()),
                Memo::Plain(value) => Ok(value),
                Memo::Error(error) => Err(error),
                Memo::Input => continue,
            };
            let rank = *ranks.entry(id).or_insert(ordered.len());
            // As everywhere in JSON, the last of equal members counts.
            match ordered.get_mut(rank) {
                Some(place) => *place = Some((id, result)),
                None => ordered.push(Some((id, result))),
            }
        }
        ordered.into_iter().flatten().collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Steps<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StepsVisitor;
        impl<'de> Visitor<'de> for StepsVisitor {
            type Value = Steps<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the remembered steps by their ids")
            }

            fn visit_unit<E>(self) -> Result<Steps<'de>, E> {
                Ok(Steps::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Steps<'de>, A::Error> {
                let mut steps = Vec::new();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    let memo: Memo<'de> = map.next_value()?;
                    // Another id than a hash cannot be the id of a step of ours.
                    if let Ok(id) = key.0.parse() {
                        steps.push((id, memo));
                    }
                }
                Ok(Steps(steps))
            }
        }
        deserializer.deserialize_any(StepsVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Memo<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Memo::of(raw))
    }
}

impl<'de> Memo<'de> {
    /// Tells the kinds apart (`SDK_SPEC.md` §5.2.1): an object with `data` and nothing else, one with `error`, or a value
    /// that is meant as it stands.
    fn of(raw: &'de RawValue) -> Self {
        let text = raw.get();
        if let Some(data) = sole_data(text) {
            return Self::Data(data);
        }
        #[derive(Deserialize)]
        struct Shape<'a> {
            #[serde(default, borrow, deserialize_with = "null_is_data")]
            data: Option<&'a RawValue>,
            #[serde(borrow)]
            error: Option<&'a RawValue>,
            #[serde(borrow)]
            input: Option<&'a RawValue>,
            /// What an event has and a result has not.
            name: Option<serde::de::IgnoredAny>,
            id: Option<serde::de::IgnoredAny>,
        }
        let Ok(shape) = serde_json::from_str::<Shape<'de>>(text) else { return Self::Plain(raw.to_owned()) };
        match shape {
            Shape { error: Some(error), .. } => Self::Error(step_error(error)),
            Shape { name: None, id: None, data: Some(data), .. } => Self::Data(data),
            Shape { name: None, id: None, data: None, input: Some(_), .. } => Self::Input,
            _ => Self::Plain(raw.to_owned()),
        }
    }
}

/// The value of `{"data":…}`, for the form that servers write: looking at it once is enough then.
fn sole_data(text: &str) -> Option<&RawValue> {
    let inner = text.strip_prefix("{\"data\":")?.strip_suffix('}')?;
    serde_json::from_str(inner).ok()
}

/// The error of a step; servers and SDKs write it as an object or as a text.
fn step_error(raw: &RawValue) -> StepError {
    #[derive(Deserialize)]
    struct Shape {
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        message: Option<String>,
    }
    let shape = serde_json::from_str::<Shape>(raw.get());
    let text = || serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    match shape {
        Ok(Shape { name, message: Some(message) }) => {
            StepError::new(name.unwrap_or_else(|| "Error".to_owned()), message)
        }
        Ok(Shape { name: Some(name), message: None }) => StepError::new(name, ""),
        _ => StepError::new("Error", text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(steps: serde_json::Value, stack: &[&str]) -> CallRequest {
        let stack: Vec<String> = stack.iter().map(|name| StepId::of(name).to_string()).collect();
        let body = json!({
            "event": { "name": "a/b.happened", "data": {} },
            "steps": steps,
            "ctx": { "run_id": "01M85SND76GCJSYQQ4TQBKSF4E", "stack": { "stack": stack, "current": 0 } },
        });
        CallRequest::decode(body.to_string().as_bytes()).expect("is a request")
    }

    fn id(name: &str) -> String {
        StepId::of(name).to_string()
    }

    #[test]
    fn each_kind_of_memory_is_told_apart() {
        let event = json!({ "id": "e", "name": "a/c.happened", "data": { "x": 1 }, "ts": 5 });
        let steps = json!({
            id("data"): { "data": { "a": [1, "}"] } },
            id("nothing"): { "data": null },
            id("slept"): null,
            id("event"): event,
            id("failed"): { "error": { "name": "Bad", "message": "boom", "stack": "…" } },
            id("text"): { "error": "boom" },
            id("input"): { "input": [1] },
            id("typed"): { "type": "data", "data": 7 },
            "not a hash": { "data": 1 },
        });
        let names = ["data", "nothing", "slept", "event", "failed", "text", "typed"];
        let request = request(steps, &names);
        let shown: Vec<Result<String, (String, String)>> = request
            .steps
            .iter()
            .map(|(_, result)| match result {
                Ok(value) => Ok(value.get().to_owned()),
                Err(error) => Err((error.name.clone(), error.message.clone())),
            })
            .collect();
        let error = |name: &str| Err((name.to_owned(), "boom".to_owned()));
        let ok = |text: &str| Ok(text.to_owned());
        let event = serde_json::to_string(&json!({ "data": { "x": 1 }, "id": "e", "name": "a/c.happened", "ts": 5 }));
        assert_eq!(
            shown,
            [
                ok(r#"{"a":[1,"}"]}"#),
                ok("null"),
                ok("null"),
                ok(&event.expect("is JSON")),
                error("Bad"),
                error("Error"),
                ok("7")
            ]
        );
    }

    #[test]
    fn the_stack_gives_the_order_and_the_rest_follows() {
        let steps = json!({ id("a"): null, id("b"): null, id("c"): null });
        let request = request(steps, &["c", "gone", "a"]);
        let order: Vec<StepId> = request.steps.iter().map(|(id, _)| *id).collect();
        assert_eq!(order, [StepId::of("c"), StepId::of("a"), StepId::of("b")]);
    }

    #[test]
    fn an_id_that_the_stack_has_twice_counts_once() {
        let request = request(json!({ id("a"): null, id("b"): null }), &["a", "b", "a"]);
        let order: Vec<StepId> = request.steps.iter().map(|(id, _)| *id).collect();
        assert_eq!(order, [StepId::of("a"), StepId::of("b")]);
    }

    #[test]
    fn the_last_of_equal_members_counts_whatever_the_stack_has() {
        let body = format!(r#"{{"{0}":{{"data":1}},"{0}":{{"data":2}}}}"#, id("a"));
        for stack in [vec![], vec![StepId::of("a")]] {
            let steps = decode_steps(body.as_bytes(), &Stack { stack, current: 0 }).expect("are steps");
            let [(_, Ok(data))] = &steps[..] else { panic!("{steps:?}") };
            assert_eq!(data.get(), "2");
        }
    }

    #[test]
    fn white_space_and_further_members_leave_data_that_is_null_as_it_is() {
        for memo in [r#"{ "data" : null }"#, r#"{"type":"data","data":null}"#, r#"{"data":null,"error":null}"#] {
            let body = format!(r#"{{"{}":{memo}}}"#, id("a"));
            let steps = decode_steps(body.as_bytes(), &Stack::default()).expect("are steps");
            let [(_, Ok(data))] = &steps[..] else { panic!("{steps:?}") };
            assert_eq!(data.get(), "null", "{memo}");
        }
    }

    #[test]
    fn the_first_event_stands_for_the_run() {
        let body = json!({
            "event": { "name": "only" },
            "events": [{ "name": "one", "data": {} }, { "name": "two", "data": {} }],
            "steps": null,
            "ctx": { "run_id": "01M85SND76GCJSYQQ4TQBKSF4E" },
            "use_api": true,
        });
        let request = CallRequest::decode(body.to_string().as_bytes()).expect("is a request");
        assert_eq!(request.events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert!(request.context.use_api);
    }

    #[test]
    fn a_body_that_is_no_request_is_named() {
        let malformed = |body: &str| CallRequest::decode(body.as_bytes()).expect_err("is refused").to_string();
        assert!(malformed("{").starts_with("the call request is malformed"));
        assert!(malformed("[]").starts_with("the call request is malformed"));
        assert!(malformed(r#"{"event":{"name":"a"}}"#).contains("`ctx`"));
        assert!(malformed(r#"{"event":{"name":"a"},"ctx":{"run_id":"x"}}"#).contains("malformed"));
        assert_eq!(malformed(r#"{"ctx":{"run_id":"01M85SND76GCJSYQQ4TQBKSF4E"}}"#), "the call request has no event");
    }
}
