//! Which values the hooks encrypt and decrypt.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::error::StepError;
use crate::function::Services;
use crate::protocol::StepId;

const MARKER: &str = "__ENCRYPTED__";

fn key(secret: &str) -> EncryptionKey {
    EncryptionKey::derive(secret).unwrap()
}

fn encryption() -> Encryption {
    Encryption::new(key("k"))
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap()
}

fn is_encrypted(value: &Value) -> bool {
    value[MARKER] == Value::Bool(true) && value["__STRATEGY__"] == "inngest/libsodium" && value["data"].is_string()
}

fn sent(encryption: &Encryption, data: &Value) -> Value {
    let mut events = vec![NewEvent::named("a/b", raw(data))];
    encryption.before_send(&mut events).unwrap();
    value(&events[0].data)
}

fn input(encryption: &Encryption, name: &str, data: &Value) -> Result<Value> {
    let event = ReceivedEvent { id: "1".to_owned(), name: name.to_owned(), data: raw(data), ts: 0, v: None };
    let mut input = Input { events: vec![Arc::new(event)], services: Services::default() };
    encryption.transform_input(&mut input)?;
    Ok(value(&input.events[0].data))
}

fn step(kind: StepKind) -> StepInfo {
    StepInfo { id: StepId::of("s"), name: "s".into(), kind }
}

fn remembered(encryption: &Encryption, kind: StepKind, result: &Value) -> Value {
    let mut result = Ok(raw(result));
    encryption.transform_memoized(&step(kind), &mut result).unwrap();
    value(&result.unwrap())
}

fn output(encryption: &Encryption, result: &Value) -> Value {
    let mut output = Ok(raw(result));
    encryption.transform_output(None, &mut output).unwrap();
    value(&output.unwrap())
}

#[test]
fn one_field_of_an_event_is_encrypted_and_read_back() {
    let data = json!({"open": 1, "encrypted": {"secret": 2}});
    let stored = sent(&encryption(), &data);
    assert_eq!(stored["open"], 1);
    assert!(is_encrypted(&stored["encrypted"]));
    assert_eq!(input(&encryption(), "a/b", &stored).unwrap(), data);
    let mut event = NewEvent::named("a/b", raw(&stored));
    encryption().reveal_event(&mut event).unwrap();
    assert_eq!(value(&event.data), data);
}

#[test]
fn the_field_of_events_can_have_another_name() {
    let data = json!({"secret": 1, "encrypted": 2});
    let stored = sent(&encryption().event_field("secret"), &data);
    assert!(is_encrypted(&stored["secret"]));
    assert_eq!(stored["encrypted"], 2);
    // Whoever reads it need not know the name.
    assert_eq!(input(&encryption(), "a/b", &stored).unwrap(), data);
}

#[test]
fn a_field_whose_name_is_written_in_another_way_does_not_slip_through() {
    let text = r#"{"\u0065ncrypted": "secret"}"#;
    let mut events = vec![NewEvent::named("a/b", RawValue::from_string(text.to_owned()).unwrap())];
    encryption().before_send(&mut events).unwrap();
    assert!(is_encrypted(&value(&events[0].data)["encrypted"]));
}

#[test]
fn an_event_is_encrypted_once() {
    let old = Encryption::new(key("old"));
    let stored = sent(&old, &json!({"encrypted": 1}));
    // Passed on by a worker that can read it: left as it is.
    assert_eq!(sent(&encryption().fallback(key("old")), &stored), stored);
    // What nobody here can open is a value like any other.
    let twice = sent(&encryption(), &stored);
    assert_ne!(twice, stored);
    let mut event = NewEvent::named("a/b", raw(&twice));
    encryption().reveal_event(&mut event).unwrap();
    assert_eq!(value(&event.data), stored);
}

#[test]
fn null_and_data_without_fields_stay_as_they_are() {
    for data in [json!({"encrypted": null}), json!({}), json!([1]), json!("encrypted"), json!(null)] {
        assert_eq!(sent(&encryption(), &data), data);
    }
    assert_eq!(output(&encryption(), &Value::Null), Value::Null);
}

#[test]
fn outputs_are_encrypted_and_errors_are_not() {
    for kind in [StepKind::Run, StepKind::Invoke] {
        let stored = output(&encryption(), &json!({"a": [1]}));
        assert!(is_encrypted(&stored));
        assert_eq!(remembered(&encryption(), kind, &stored), json!({"a": [1]}));
    }
    let mut failed = Err(Error::terminal("boom"));
    encryption().transform_output(None, &mut failed).unwrap();
    assert_eq!(failed.unwrap_err().message(), "boom");
    let mut spent = Err(StepError::new("Error", "boom"));
    encryption().transform_memoized(&step(StepKind::Run), &mut spent).unwrap();
    assert_eq!(spent.unwrap_err().message, "boom");
}

#[test]
fn an_awaited_event_is_decrypted_within() {
    let data = sent(&encryption(), &json!({"open": 1, "encrypted": "secret"}));
    let event = json!({"id": "1", "name": "a/b", "data": data, "ts": 3});
    let read = remembered(&encryption(), StepKind::WaitForEvent, &event);
    assert_eq!(read, json!({"id": "1", "name": "a/b", "data": {"open": 1, "encrypted": "secret"}, "ts": 3}));
    assert_eq!(remembered(&encryption(), StepKind::WaitForEvent, &Value::Null), Value::Null);
    // The result of a body that only has the form of an event is the author's.
    assert_eq!(remembered(&encryption(), StepKind::Run, &event), event);
}

#[test]
fn the_original_event_of_a_failed_run_is_decrypted() {
    let original = json!({"name": "a/b", "data": {"encrypted": "secret", "open": 1}, "ts": 1});
    let mut stored = original.clone();
    stored["data"] = sent(&encryption(), &original["data"]);
    let failed = json!({
        "error": {"name": "Error", "message": "boom"}, "function_id": "f", "run_id": "r",
        "event": stored, "events": [stored, stored],
    });
    let read = input(&encryption(), "inngest/function.failed", &failed).unwrap();
    assert_eq!(read["event"], original);
    assert_eq!(read["events"], json!([original, original]));
    assert_eq!(read["error"]["message"], "boom");
    let finished = json!({"event": stored, "result": output(&encryption(), &json!(7))});
    let read = input(&encryption(), "inngest/function.finished", &finished).unwrap();
    assert_eq!((&read["event"], &read["result"]), (&original, &json!(7)));
    // An author's own event may hold the same words: only what is on top is read.
    assert_eq!(input(&encryption(), "a/b", &failed).unwrap(), failed);
}

#[test]
fn the_data_of_an_invocation_is_an_events_data() {
    let operation = |data: &Value| Operation::Invoke { function: "f".into(), data: raw(data), timeout: None };
    let mut invoke = operation(&json!({"encrypted": 1, "open": 2}));
    encryption().transform_operation(&step(StepKind::Invoke), &mut invoke).unwrap();
    let Operation::Invoke { data, .. } = invoke else { panic!("an invocation") };
    let data = value(&data);
    assert!(is_encrypted(&data["encrypted"]) && data["open"] == 2);
    assert_eq!(input(&encryption(), "inngest/function.invoked", &data).unwrap(), json!({"encrypted": 1, "open": 2}));
}

#[test]
fn decrypt_only_reads_and_writes_nothing_encrypted() {
    let stored = output(&encryption(), &json!(1));
    let only = encryption().decrypt_only();
    assert_eq!(output(&only, &json!(1)), json!(1));
    assert_eq!(sent(&only, &json!({"encrypted": 1})), json!({"encrypted": 1}));
    assert_eq!(remembered(&only, StepKind::Run, &stored), json!(1));
}

#[test]
fn a_wrong_key_names_the_place_and_the_strategy() {
    let mut result = Ok(raw(&output(&Encryption::new(key("other")), &json!("a secret"))));
    let error = encryption().transform_memoized(&step(StepKind::Run), &mut result).unwrap_err();
    assert_eq!(error.name(), "DecryptError");
    assert!(error.message().starts_with("the result of step `s` cannot be decrypted: "), "{error}");
    assert!(error.message().contains("`inngest/libsodium`"), "{error}");
    assert!(error.is_retryable(), "another worker may have the key");
    let event = sent(&Encryption::new(key("other")), &json!({"encrypted": "a secret"}));
    let error = input(&encryption(), "a/b", &event).unwrap_err();
    assert!(error.message().starts_with("the event `a/b` cannot be decrypted: "), "{error}");
}
