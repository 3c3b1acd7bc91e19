//! A small registry put together by hand, for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Registry, Site};
use crate::error::Error;
use crate::event::{EventData, EventRegistration};
use crate::function::{
    Batch, CancelOn, Concurrency, Context, FailureRegistration, FunctionConfig, FunctionFuture, FunctionRegistration,
    OnFailure, Priority, Role, Scope, StepKind, StepSite, Trigger,
};

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PullOpened {
    /// The repository, `owner/name`.
    pub(super) repository: String,
    number: u64,
    draft: Option<bool>,
    author: Author,
    labels: Vec<Label>,
    state: State,
    extra: BTreeMap<String, serde_json::Value>,
    change: Option<Change>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Author {
    login: String,
    email: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Label {
    name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Open,
    Closed,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Change {
    Title { from: String },
    Moved { to: String, reason: Option<String> },
}

impl EventData for PullOpened {
    const NAME: &'static str = "git/pull.opened";
}

/// A comment and what was answered to it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CommentAdded {
    pull: u64,
    text: String,
    answers: Vec<CommentAdded>,
}

impl EventData for CommentAdded {
    const NAME: &'static str = "git/comment.added";
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PullClosed {
    number: u64,
}

impl EventData for PullClosed {
    const NAME: &'static str = "git/pull.closed";
}

pub(super) fn site(file: &'static str, line: u32) -> Site {
    Site { file, line, manifest_dir: "/w/functions" }
}

pub(super) fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub(super) fn slice<T>(values: Vec<T>) -> &'static [T] {
    Box::leak(values.into_boxed_slice())
}

pub(super) fn event<T: EventData>(sent_by: &'static [&'static str], line: u32) -> &'static EventRegistration {
    leak(EventRegistration::of::<T>(" What happened.", sent_by, site("/w/events/src/git.rs", line)))
}

pub(super) fn function(config: FunctionConfig, line: u32) -> &'static FunctionRegistration {
    leak(FunctionRegistration { config, call, site: site("/w/functions/src/git/pull.rs", line) })
}

fn call(_: &Context) -> crate::Result<FunctionFuture> {
    Err(Error::terminal("a sample is not called"))
}

pub(super) fn on<T: EventData>(expression: Option<&'static str>) -> &'static [Trigger] {
    slice(vec![Trigger::Event { name: T::NAME, expression }])
}

pub(super) fn step(name: &'static str, kind: StepKind) -> StepSite {
    StepSite { name, kind, line: 20, repeated: false, events: &[], invokes: None, expression: None }
}

pub(super) fn wait<T: EventData>(expression: Option<&'static str>) -> StepSite {
    let events = slice(vec![(|| Some(T::NAME)) as fn() -> Option<&'static str>]);
    StepSite { events, expression, ..step("await", StepKind::WaitForEvent) }
}

pub(super) fn send<T: EventData>() -> StepSite {
    let events = slice(vec![(|| Some(T::NAME)) as fn() -> Option<&'static str>]);
    StepSite { events, ..step("send", StepKind::SendEvent) }
}

/// The events of the samples, each with a sender.
pub(super) fn events() -> Vec<&'static EventRegistration> {
    vec![
        event::<PullOpened>(&["webhook:git"], 3),
        event::<CommentAdded>(&["webhook:git"], 12),
        event::<PullClosed>(&[], 20),
    ]
}

/// Two functions, the failure handler of one of them, and three events with nothing wrong.
pub(crate) fn registry() -> Registry {
    let mut review = FunctionConfig::new("git/review");
    review.doc = " Asks for a review.\n\n Waits for the answer.";
    review.name = Some("Review");
    review.role = Role::Cluster;
    review.triggers = on::<PullOpened>(Some("event.data.draft != true"));
    review.retries = Some(2);
    review.concurrency = slice(vec![Concurrency { limit: 2, key: Some("event.data.repository"), scope: Scope::Env }]);
    review.priority = Some(Priority { run: "event.data.author.login == 'bot' ? -60 : 0" });
    review.idempotency = Some("event.data.number");
    review.cancel_on = slice(vec![CancelOn {
        event: PullClosed::NAME,
        expression: Some("async.data.number == event.data.number"),
        timeout: Some(Duration::from_secs(86_400)),
    }]);
    review.on_failure = Some(OnFailure { path: "review_failed", id: "git/review-failure" });
    review.steps = slice(vec![
        step("ask", StepKind::Run),
        wait::<CommentAdded>(Some("async.data.pull == event.data.number && async.data.text.contains('ok')")),
        StepSite { invokes: Some(|| "git/digest"), ..step("digest", StepKind::Invoke) },
        StepSite { repeated: true, ..send::<PullClosed>() },
    ]);
    let mut digest = FunctionConfig::new("git/digest");
    digest.triggers = slice(vec![
        Trigger::Cron { time_zone: Some("Europe/Berlin"), expression: "0 9 * * *" },
        Trigger::Event { name: CommentAdded::NAME, expression: None },
    ]);
    digest.batch = Some(Batch {
        max_size: 10,
        timeout: Duration::from_secs(45),
        key: None,
        expression: Some("size(event.data.text) > 3"),
    });
    let failed = review_failed();
    let triggers = slice(vec![Trigger::Failure { function: "git/review" }]);
    let companion = leak(failed.companion("git/review-failure", triggers, Role::Cluster));
    Registry::of(vec![function(review, 8), function(digest, 40), companion], events())
        .with_failure_handlers(vec![failed])
}

/// The failure handler of the first function.
pub(super) fn review_failed() -> &'static FailureRegistration {
    let mut handler = FailureRegistration::new("review_failed", call, site("/w/functions/src/git/pull.rs", 60));
    handler.doc = " Says that a review has failed.";
    handler.steps = slice(vec![StepSite { line: 64, ..step("tell", StepKind::Run) }]);
    leak(handler)
}
