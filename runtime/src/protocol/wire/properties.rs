//! What holds for every call request and every time string.

use std::time::Duration;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::StepId;

/// JSON of every kind, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let member = ("(data|error|input|name|id|.{0,4})", inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            vec(member, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn body(steps: &Value, stack: &[String]) -> Value {
    json!({
        "event": { "name": "a/b.happened", "data": {} },
        "steps": steps,
        "ctx": { "run_id": "01M85SND76GCJSYQQ4TQBKSF4E", "stack": { "stack": stack, "current": stack.len() } },
    })
}

/// Some names of steps, all of them in another order, and how many of those the stack has.
fn names_and_stack() -> impl Strategy<Value = (Vec<String>, Vec<String>, usize)> {
    btree_set("[a-z]{1,6}", 1..12).prop_flat_map(|names| {
        let names: Vec<String> = names.into_iter().collect();
        let length = names.len();
        (Just(names.clone()), Just(names).prop_shuffle(), 0..=length)
    })
}

proptest! {
    #[test]
    fn bytes_are_a_request_or_an_error(bytes in vec(any::<u8>(), 0..256)) {
        let _ = CallRequest::decode(&bytes);
        let _ = decode_events(&bytes);
        let _ = decode_steps(&bytes, &Stack::default());
    }

    #[test]
    fn a_memory_of_any_shape_is_read(memo in any_json(), id in "[0-9a-f]{40}") {
        let spaced = serde_json::to_string_pretty(&body(&json!({ &id: memo }), &[])).expect("is JSON");
        let request = CallRequest::decode(spaced.as_bytes()).expect("is a request");
        let steps = decode_steps(json!({ &id: memo }).to_string().as_bytes(), &Stack::default()).expect("are steps");
        prop_assert_eq!(request.steps.len(), steps.len());
        for ((id, one), (other_id, other)) in request.steps.iter().zip(&steps) {
            prop_assert_eq!(id, other_id);
            match (one, other) {
                (Ok(one), Ok(other)) => {
                    let read = |text: &str| serde_json::from_str::<Value>(text).expect("is JSON");
                    prop_assert_eq!(read(one.get()), read(other.get()));
                }
                (one, other) => prop_assert_eq!(one.is_err(), other.is_err()),
            }
        }
    }

    #[test]
    fn data_and_errors_come_out_as_they_went_in(data in any_json(), name in ".{0,8}", message in ".{0,8}") {
        let (kept, failed) = (StepId::of("kept"), StepId::of("failed"));
        let error = json!({ "name": name, "message": message });
        let steps = json!({ kept.to_string(): { "data": data }, failed.to_string(): { "error": error } });
        let stack = [kept.to_string(), failed.to_string()];
        let request = CallRequest::decode(body(&steps, &stack).to_string().as_bytes()).expect("is a request");
        let [(_, Ok(read)), (_, Err(error))] = &request.steps[..] else { panic!("{:?}", request.steps) };
        prop_assert_eq!(read.get(), data.to_string());
        prop_assert_eq!((&error.name, &error.message), (&name, &message));
    }

    #[test]
    fn results_follow_the_stack_and_the_rest_comes_last((names, order, known) in names_and_stack()) {
        let id = |name: &String| StepId::of(name);
        let steps: serde_json::Map<String, Value> =
            names.iter().map(|name| (id(name).to_string(), json!({ "data": name }))).collect();
        let stack: Vec<String> = order[..known].iter().map(|name| id(name).to_string()).collect();
        let request = CallRequest::decode(body(&steps.into(), &stack).to_string().as_bytes()).expect("is a request");
        let read: Vec<StepId> = request.steps.iter().map(|(id, _)| *id).collect();
        let expected: Vec<StepId> = order[..known].iter().map(id).collect();
        prop_assert_eq!(&read[..known], &expected[..]);
        let mut rest: Vec<StepId> = order[known..].iter().map(id).collect();
        rest.sort_unstable();
        // The document is sorted by id, and stays so.
        prop_assert_eq!(&read[known..], &rest[..]);
    }

    #[test]
    fn a_time_string_reads_back_to_the_millisecond(seconds in any::<u64>(), nanos in 0..1_000_000_000_u32) {
        let duration = Duration::new(seconds, nanos);
        let millis = Duration::new(seconds, nanos - nanos % 1_000_000);
        prop_assert_eq!(parse_time_string(&format_time_string(duration)), Ok(millis));
    }

    #[test]
    fn time_strings_keep_the_order(one in any::<u32>(), other in any::<u32>()) {
        let read = |millis: u32| parse_time_string(&format_time_string(Duration::from_millis(millis.into())));
        prop_assert_eq!(read(one).ok().cmp(&read(other).ok()), one.cmp(&other));
    }

    #[test]
    fn a_time_string_is_the_sum_of_its_parts(
        parts in vec((0..1_000_000_u32, 0..1_000_000_000_u32, "ns|us|ms|s|m|h|d|w"), 1..5),
    ) {
        let texts: Vec<String> = parts.iter().map(|(whole, part, unit)| format!("{whole}.{part:09}{unit}")).collect();
        let sum: Duration = texts.iter().map(|text| parse_time_string(text).expect("is a time")).sum();
        prop_assert_eq!(parse_time_string(&texts.concat()), Ok(sum));
    }

    #[test]
    fn any_text_is_a_time_or_an_error(text in "([0-9.]{0,40}[a-zµμ ]{0,3}){0,4}") {
        let _ = parse_time_string(&text);
    }
}
