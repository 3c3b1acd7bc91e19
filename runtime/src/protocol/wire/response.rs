//! What an answer to a call request says about steps (`SDK_SPEC.md` §5.1.1, §5.3).

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::time_string::format_time_string;
use crate::error::{Error, StepError};
use crate::protocol::{OnConflict, Operation, Registered, SleepUntil, StepId};

/// What is reported of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Opcode {
    /// It is to be executed by a request of its own.
    StepPlanned,
    /// It was executed.
    StepRun,
    /// An attempt has failed; another one may follow.
    StepError,
    /// It has failed for good.
    StepFailed,
    /// The step that was asked for is not there.
    StepNotFound,
    /// The run sleeps.
    Sleep,
    /// The run waits for an event.
    WaitForEvent,
    /// The run waits for a signal.
    WaitForSignal,
    /// The run waits for another function.
    InvokeFunction,
    /// The server is to make an HTTP request.
    Gateway,
    /// The server is to ask a language model.
    #[serde(rename = "AIGateway")]
    AiGateway,
    /// The run has ended.
    RunComplete,
    /// The run wants to be called again.
    DiscoveryRequest,
}

/// One element of an answer with status 206.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The step's id.
    id: StepIdText,
    /// What is reported.
    op: Opcode,
    /// The step's name: servers show it where they know no display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "displayName", skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opts: Option<Value>,
    /// Always there: servers tell `null` from nothing.
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<OpcodeError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing: Option<Timing>,
}

/// When a body was executed, in nanoseconds: since 1970, and for how long.
#[derive(Clone, Copy, Debug, Serialize)]
struct Timing {
    a: i64,
    b: i64,
}

/// The error of a step or a function on the wire (`SDK_SPEC.md` §4.4.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpcodeError {
    /// The short name.
    pub name: String,
    /// What went wrong.
    pub message: String,
}

impl From<&Error> for OpcodeError {
    fn from(error: &Error) -> Self {
        Self { name: error.name().to_owned(), message: error.message().to_owned() }
    }
}

impl From<StepError> for OpcodeError {
    fn from(error: StepError) -> Self {
        Self { name: error.name, message: error.message }
    }
}

/// A step id that is written as its digits.
#[derive(Debug)]
struct StepIdText(StepId);

impl Serialize for StepIdText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 40];
        // The buffer has twice the size of the hash, and its digits are ASCII.
        let _ = hex::encode_to_slice(self.0.as_bytes(), &mut digits);
        serializer.serialize_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl Report {
    fn new(id: StepId, op: Opcode) -> Self {
        Self {
            id: StepIdText(id),
            op,
            name: None,
            display_name: None,
            opts: None,
            data: None,
            error: None,
            timing: None,
        }
    }

    fn named(mut self, name: String) -> Self {
        self.display_name = Some(name.clone());
        self.name = Some(name);
        self
    }

    /// A step that waits for what it asks for. `slug` gives the id under which the server knows a function.
    pub fn planned(step: Registered, slug: impl FnOnce(&str) -> String) -> Self {
        let (op, opts) = ask(step.operation, slug);
        Self { opts, ..Self::new(step.id, op) }.named(step.name)
    }

    /// A step that is to be executed by a request of its own, whatever it asks for.
    pub fn deferred(id: StepId, name: String) -> Self {
        Self::new(id, Opcode::StepPlanned).named(name)
    }

    /// A step that was executed.
    pub fn ran(id: StepId, name: String, data: Box<RawValue>) -> Self {
        Self { data: Some(data), ..Self::new(id, Opcode::StepRun) }.named(name)
    }

    /// An attempt that has failed, for good when `is_final`.
    pub fn failed(id: StepId, name: String, error: &Error, is_final: bool) -> Self {
        let op = if is_final { Opcode::StepFailed } else { Opcode::StepError };
        Self { error: Some(error.into()), ..Self::new(id, op) }.named(name)
    }

    /// The step that was asked for is not there.
    pub fn not_found(id: StepId) -> Self {
        Self::new(id, Opcode::StepNotFound)
    }

    /// The run has ended with this output, behind steps that are reported before it.
    pub fn run_complete(output: Box<RawValue>) -> Self {
        Self { data: Some(output), ..Self::new(StepId::of("complete"), Opcode::RunComplete) }
    }

    /// The run wants to be called again; `unique` tells this wish from earlier ones.
    pub fn discovery(unique: &str) -> Self {
        Self::new(StepId::of(&format!("discovery-request-{unique}")), Opcode::DiscoveryRequest)
    }

    /// The same report with the time of its execution, in nanoseconds since 1970 and as a duration.
    #[must_use]
    pub fn timed(mut self, started_at: i64, took: Duration) -> Self {
        self.timing = Some(Timing { a: started_at, b: i64::try_from(took.as_nanos()).unwrap_or(i64::MAX) });
        self
    }
}

fn ask(operation: Operation, slug: impl FnOnce(&str) -> String) -> (Opcode, Option<Value>) {
    match operation {
        Operation::Run(_) | Operation::SendEvent(_) | Operation::SendSignal { .. } => (Opcode::StepPlanned, None),
        Operation::Sleep(until) => (Opcode::Sleep, Some(json!({ "duration": sleep_text(until) }))),
        Operation::WaitForEvent { event, expression, timeout } => {
            let mut opts = json!({ "event": event, "timeout": format_time_string(timeout) });
            if let Some(expression) = expression {
                opts["if"] = Value::String(expression);
            }
            (Opcode::WaitForEvent, Some(opts))
        }
        Operation::WaitForSignal { signal, timeout, on_conflict } => {
            let conflict = match on_conflict {
                OnConflict::Fail => "fail",
                OnConflict::Replace => "replace",
            };
            let opts = json!({ "signal": signal, "timeout": format_time_string(timeout), "conflict": conflict });
            (Opcode::WaitForSignal, Some(opts))
        }
        Operation::Fetch(request) => {
            let mut opts = json!({
                "url": request.url(),
                "method": request.method().as_str(),
                "headers": request.headers(),
            });
            if let Some(body) = request.body() {
                opts["body"] = Value::from(body);
            }
            (Opcode::Gateway, Some(opts))
        }
        Operation::Infer(request) => {
            let body: Value = serde_json::from_str(request.body().get()).unwrap_or_default();
            let opts = json!({
                "type": "step.ai.infer",
                "url": request.address(),
                "headers": request.headers(),
                "auth_key": request.auth_key().expose(),
                "format": request.format().as_str(),
                "auto_tool_call": false,
                "body": body,
            });
            (Opcode::AiGateway, Some(opts))
        }
        Operation::Invoke { function, data, timeout } => {
            // Values that a step holds were JSON before.
            let data: Value = serde_json::from_str(data.get()).unwrap_or_default();
            let mut opts = json!({ "function_id": slug(&function), "payload": { "data": data } });
            if let Some(timeout) = timeout {
                opts["timeout"] = Value::String(format_time_string(timeout));
            }
            (Opcode::InvokeFunction, Some(opts))
        }
    }
}

fn sleep_text(until: SleepUntil) -> String {
    match until {
        SleepUntil::After(duration) => format_time_string(duration),
        // A time that no calendar has is one that never comes, or that has passed.
        SleepUntil::At(millis) => jiff::Timestamp::from_millisecond(millis)
            .unwrap_or(if millis < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX })
            .to_string(),
    }
}

/// The value of a `Retry-After` header: the time at which a retry makes sense (`SDK_SPEC.md` §4.4.3).
pub fn retry_after(now: jiff::Timestamp, delay: Duration) -> String {
    let delay = jiff::SignedDuration::try_from(delay).unwrap_or(jiff::SignedDuration::MAX);
    let at = now.checked_add(delay).unwrap_or(jiff::Timestamp::MAX);
    // Servers read whole seconds; rounding up keeps the delay at least as long as it was asked for.
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    jiff::Timestamp::from_second(seconds).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(report: Report) -> String {
        serde_json::to_string(&report).expect("is JSON")
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("is JSON")
    }

    fn planned(operation: Operation) -> Value {
        let id = StepId::of("s");
        let report =
            Report::planned(Registered { id, name: "s".to_owned(), operation }, |function| format!("app-{function}"));
        serde_json::to_value(&report).expect("is JSON")
    }

    #[test]
    fn a_step_that_ran_reports_its_data_as_it_is() {
        let report = Report::ran(StepId::of("abc"), "abc".to_owned(), raw(r#"{"b":1,"a":null}"#));
        assert_eq!(
            text(report),
            r#"{"id":"a9993e364706816aba3e25717850c26c9cd0d89d","op":"StepRun","name":"abc","displayName":"abc","data":{"b":1,"a":null}}"#
        );
    }

    #[test]
    fn a_failed_step_reports_its_error_and_no_data() {
        let error = Error::retryable("boom");
        let shown =
            serde_json::to_value(Report::failed(StepId::of("s"), "s".to_owned(), &error, false)).expect("is JSON");
        assert_eq!(shown["op"], "StepError");
        assert_eq!(shown["error"], json!({ "name": "Error", "message": "boom" }));
        assert_eq!(shown.get("data"), Some(&Value::Null));
        let shown =
            serde_json::to_value(Report::failed(StepId::of("s"), "s".to_owned(), &error, true)).expect("is JSON");
        assert_eq!(shown["op"], "StepFailed");
    }

    #[test]
    fn each_operation_has_its_options() {
        let shown = planned(Operation::Sleep(SleepUntil::After(Duration::from_millis(90_500))));
        assert_eq!((&shown["op"], &shown["opts"]), (&json!("Sleep"), &json!({ "duration": "1m30s500ms" })));
        assert_eq!(shown.get("data"), Some(&Value::Null));
        let shown = planned(Operation::Sleep(SleepUntil::At(1_700_000_000_000)));
        assert_eq!(shown["opts"], json!({ "duration": "2023-11-14T22:13:20Z" }));
        let shown = planned(Operation::WaitForEvent {
            event: "a/b.happened",
            expression: Some("event.data.id == async.data.id".to_owned()),
            timeout: Duration::from_secs(10),
        });
        assert_eq!(shown["op"], "WaitForEvent");
        assert_eq!(
            shown["opts"],
            json!({ "event": "a/b.happened", "if": "event.data.id == async.data.id", "timeout": "10s" })
        );
        let shown = planned(Operation::Invoke {
            function: "other".into(),
            data: raw(r#"{"x":1}"#),
            timeout: Some(Duration::from_secs(60)),
        });
        assert_eq!(shown["op"], "InvokeFunction");
        assert_eq!(
            shown["opts"],
            json!({ "function_id": "app-other", "payload": { "data": { "x": 1 } }, "timeout": "1m" })
        );
    }

    #[test]
    fn a_retry_is_at_a_whole_second_and_not_too_early() {
        let now = jiff::Timestamp::from_millisecond(1_700_000_000_250).expect("is a time");
        assert_eq!(retry_after(now, Duration::from_secs(5)), "2023-11-14T22:13:26Z");
        assert!(retry_after(now, Duration::MAX).starts_with("9999"));
    }
}
