//! The steps of a run, from the spans of its trace.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::super::error::ApiError;
use super::Client;
use super::run::{Run, RunDetail, RunNode, Step, json_or_text};
use crate::function::StepKind;

const RUN: &str = "query ($id: String!) {
    run(runID: $id) {
        id status queuedAt startedAt endedAt eventName triggerIDs cronSchedule output
        function { slug } app { externalID }
        trace(preview: true) { childrenSpans {
            name status attempts queuedAt startedAt endedAt stepID stepOp outputID
            stepInfo {
                ... on RunStepInfo { type }
                ... on SleepStepInfo { sleepUntil }
                ... on WaitForEventStepInfo { timeout }
                ... on WaitForSignalStepInfo { timeout }
                ... on InvokeStepInfo { timeout }
            }
        } }
    }
    runTrigger(runID: $id) { eventName payloads }
}";

/// Outputs that are asked for in one question.
const OUTPUTS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    run: Option<TracedRun>,
    run_trigger: Trigger,
}

#[derive(Deserialize)]
struct TracedRun {
    #[serde(flatten)]
    run: RunNode,
    #[serde(default)]
    trace: Option<Trace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    children_spans: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trigger {
    event_name: Option<String>,
    payloads: Vec<String>,
}

#[derive(Deserialize)]
struct Payload {
    data: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    name: String,
    status: String,
    attempts: Option<u32>,
    queued_at: Timestamp,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    #[serde(rename = "stepID")]
    step_id: Option<String>,
    step_op: Option<String>,
    #[serde(rename = "outputID")]
    output_id: Option<String>,
    step_info: Option<StepInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StepInfo {
    r#type: Option<String>,
    sleep_until: Option<Timestamp>,
    timeout: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Output {
    data: Option<String>,
    error: Option<OutputError>,
}

#[derive(Deserialize)]
struct OutputError {
    name: Option<String>,
    message: String,
}

impl Client {
    /// One run with its steps.
    pub async fn run_detail(&self, id: &str) -> Result<Option<RunDetail>, ApiError> {
        let answer: Answer = match self.ask(RUN, json!({ "id": id })).await {
            Err(ApiError::Refused { message, .. }) if message.contains("no rows in result set") => return Ok(None),
            answer => answer?,
        };
        let Some(traced) = answer.run else { return Ok(None) };
        let mut run = Run::from(traced.run);
        run.event_name = run.event_name.or(answer.run_trigger.event_name);
        let payload = answer.run_trigger.payloads.first();
        let event_data = payload.and_then(|text| serde_json::from_str::<Payload>(text).ok()).map(|event| event.data);
        let spans = steps(traced.trace.map(|trace| trace.children_spans).unwrap_or_default());
        let mut outputs = self.outputs(spans.iter().filter_map(|(_, output)| output.as_deref())).await?;
        let steps = spans.into_iter().map(|(mut step, output)| {
            step.output = output.and_then(|id| outputs.remove(&id));
            step
        });
        Ok(Some(RunDetail { run, event_data, steps: steps.collect() }))
    }

    /// What steps returned, by the id that the trace has for it.
    async fn outputs<'i>(
        &self,
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<HashMap<String, Box<RawValue>>, ApiError> {
        let ids: Vec<&str> = ids.collect();
        let mut found = HashMap::new();
        for ids in ids.chunks(OUTPUTS_MAX) {
            let parameters: Vec<_> = (0..ids.len()).map(|place| format!("$i{place}: String!")).collect();
            let questions: Vec<_> = (0..ids.len())
                .map(|place| {
                    format!("o{place}: runTraceSpanOutputByID(outputID: $i{place}) {{ data error {{ name message }} }}")
                })
                .collect();
            let query = format!("query ({}) {{ {} }}", parameters.join(", "), questions.join(" "));
            let variables: HashMap<_, _> =
                ids.iter().enumerate().map(|(place, id)| (format!("i{place}"), *id)).collect();
            let mut answer: HashMap<String, Output> = self.ask(&query, variables).await?;
            for (place, id) in ids.iter().enumerate() {
                let output = answer.remove(&format!("o{place}")).and_then(Output::into_json);
                found.extend(output.map(|output| ((*id).to_owned(), output)));
            }
        }
        Ok(found)
    }
}

impl Output {
    fn into_json(self) -> Option<Box<RawValue>> {
        match (self.error, self.data) {
            (Some(error), _) => {
                let name = error.name.unwrap_or_else(|| "Error".to_owned());
                to_raw_value(&json!({ "name": name, "message": error.message })).ok()
            }
            (None, data) => data.map(json_or_text),
        }
    }
}

/// The steps with the ids of their outputs, in the order in which they started. Attempts and deliveries of one step
/// have spans of their own; the last one says how the step stands.
fn steps(spans: Vec<Span>) -> Vec<(Step, Option<String>)> {
    let mut order: Vec<String> = Vec::new();
    let mut groups: HashMap<String, Vec<Span>> = HashMap::new();
    for span in spans {
        let Some(id) = span.step_id.clone() else { continue };
        let group = groups.entry(id.clone()).or_default();
        if group.is_empty() {
            order.push(id);
        }
        group.push(span);
    }
    let mut steps: Vec<_> =
        order.into_iter().filter_map(|id| groups.remove(&id).and_then(|spans| step(id, spans))).collect();
    steps.sort_by_key(|(step, _)| step.started_at.unwrap_or(Timestamp::MAX));
    steps
}

fn step(id: String, mut spans: Vec<Span>) -> Option<(Step, Option<String>)> {
    spans.sort_by_key(|span| (span.attempts.unwrap_or(0), span.queued_at));
    let started_at = spans.iter().filter_map(|span| span.started_at).min();
    let kind = spans.iter().find_map(Span::kind);
    let last = spans.pop()?;
    let due = last.step_info.as_ref().and_then(|info| info.sleep_until.or(info.timeout));
    let step = Step {
        id,
        kind,
        status: words(&last.status),
        attempts: last.attempts.unwrap_or(0).saturating_add(1),
        started_at,
        ended_at: last.ended_at,
        due: due.filter(|_| last.ended_at.is_none()),
        output: None,
        name: last.name,
    };
    Some((step, last.output_id))
}

impl Span {
    fn kind(&self) -> Option<StepKind> {
        let told = self.step_info.as_ref().and_then(|info| info.r#type.as_deref());
        Some(match self.step_op.as_deref()? {
            "RUN" => match told {
                Some("step.sendEvent") => StepKind::SendEvent,
                Some("step.sendSignal") => StepKind::SendSignal,
                Some("step.fetch") => StepKind::Fetch,
                _ => StepKind::Run,
            },
            "SLEEP" => StepKind::Sleep,
            "WAIT_FOR_EVENT" => StepKind::WaitForEvent,
            "WAIT_FOR_SIGNAL" => StepKind::WaitForSignal,
            "INVOKE" => StepKind::Invoke,
            "AI_GATEWAY" => StepKind::Infer,
            _ => return None,
        })
    }
}

/// `TIMED_OUT` as `Timed out`.
fn words(status: &str) -> String {
    let lower = status.replace('_', " ").to_ascii_lowercase();
    let mut letters = lower.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
