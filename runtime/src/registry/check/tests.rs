//! Each rule with its message.

use super::{Problem, SiteKind, SourceSite, check};
use crate::event::EventData;
use crate::function::{
    CancelOn, Concurrency, FunctionConfig, FunctionRegistration, OnFailure, Priority, Role, Scope, StepKind, StepSite,
    Trigger,
};
use crate::registry::samples::{
    self, CommentAdded, PullClosed, PullOpened, event, function, leak, on, send, site, slice, step, wait,
};
use crate::registry::{Registry, Site};

use std::path::Path;

fn problems(registry: &Registry, sources: &[SourceSite]) -> Vec<String> {
    check(registry, sources, Some(Path::new("/w"))).iter().map(Problem::to_string).collect()
}

/// The problems of functions over the sample events, without those about unused events.
fn of_functions(functions: Vec<&'static FunctionRegistration>) -> Vec<String> {
    let mut found = problems(&Registry::of(functions, samples::events()), &[]);
    found.retain(|problem| !problem.contains("nobody"));
    found
}

#[track_caller]
fn check_config(change: impl FnOnce(&mut FunctionConfig), expected: &[&str]) {
    let mut config = FunctionConfig::new("a/b");
    config.triggers = on::<PullOpened>(None);
    change(&mut config);
    let found = of_functions(vec![function(config, 8)]);
    let expected: Vec<_> = expected.iter().map(|message| format!("functions/src/git/pull.rs:{message}")).collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn check_trigger(expression: &'static str, expected: &[&str]) {
    let expected: Vec<_> =
        expected.iter().map(|message| format!("8: the `if` of the trigger `git/pull.opened` {message}")).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    check_config(|config| config.triggers = on::<PullOpened>(Some(expression)), &expected);
}

#[track_caller]
fn check_wait(expression: &'static str, expected: &[&str]) {
    let expected: Vec<_> =
        expected.iter().map(|message| format!("20: the `if` of the wait `await` {message}")).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    check_config(|config| config.steps = slice(vec![wait::<CommentAdded>(Some(expression))]), &expected);
}

#[test]
fn a_sound_program_has_no_problems() {
    assert_eq!(problems(&samples::registry(), &[]), Vec::<String>::new());
}

#[test]
fn a_function_id_is_taken_once() {
    let config = || FunctionConfig { triggers: on::<PullOpened>(None), ..FunctionConfig::new("a/b") };
    assert_eq!(
        of_functions(vec![function(config(), 8), function(config(), 30)]),
        [
            "functions/src/git/pull.rs:30: the function id `a/b` is taken by functions/src/git/pull.rs:8: give this function another id"
        ]
    );
}

#[test]
fn an_event_name_has_one_type() {
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    struct Other {}
    impl EventData for Other {
        const NAME: &'static str = PullClosed::NAME;
    }
    let events = vec![event::<PullClosed>(&["cli"], 3), event::<Other>(&["cli"], 9)];
    let config = FunctionConfig { triggers: on::<PullClosed>(None), ..FunctionConfig::new("a") };
    assert_eq!(
        problems(&Registry::of(vec![function(config, 8)], events), &[]),
        [
            "events/src/git.rs:9: the event `git/pull.closed` has two types, `Other` and `PullClosed` at events/src/git.rs:3: use one of them in both places, or give this event another name"
        ]
    );
}

#[test]
fn triggers_waits_and_cancellations_name_declared_events() {
    check_config(
        |config| {
            config.triggers = slice(vec![
                Trigger::Event { name: "git/pull.openend", expression: None },
                Trigger::Event { name: "inngest/function.failed", expression: None },
                Trigger::Cron { time_zone: None, expression: "0 9 * * *" },
            ]);
            config.cancel_on = slice(vec![CancelOn { event: "zoo/elephant.escaped", expression: None, timeout: None }]);
            let events = slice(vec![(|| Some("git/coment.added")) as fn() -> Option<&'static str>]);
            config.steps = slice(vec![StepSite { events, ..step("await", StepKind::WaitForEvent) }]);
        },
        &[
            "8: `a/b` is cancelled by `zoo/elephant.escaped`, an event that no type declares: declare it with `#[event(\"zoo/elephant.escaped\")]` on a struct",
            "8: `a/b` is triggered by `git/pull.openend`, an event that no type declares: did you mean `git/pull.opened`?",
            "20: `a/b` waits for `git/coment.added`, an event that no type declares: did you mean `git/comment.added`?",
        ],
    );
}

#[test]
fn an_invoked_function_is_registered_and_deployed_along() {
    let invoke =
        |id: fn() -> &'static str| slice(vec![StepSite { invokes: Some(id), ..step("call", StepKind::Invoke) }]);
    let config = |id: &'static str, role: Role, steps| FunctionConfig {
        role,
        steps,
        triggers: on::<PullOpened>(None),
        ..FunctionConfig::new(id)
    };
    assert_eq!(
        of_functions(vec![
            function(config("caller/host", Role::Host, invoke(|| "callee/cluster")), 8),
            function(config("caller/any", Role::Any, invoke(|| "callee/cluster")), 30),
            function(config("caller/cluster", Role::Cluster, invoke(|| "calee/cluster")), 50),
            function(config("callee/cluster", Role::Cluster, &[]), 70),
        ]),
        [
            "functions/src/git/pull.rs:20: `caller/cluster` invokes `calee/cluster`, which is not registered: did you mean `callee/cluster`?",
            "functions/src/git/pull.rs:20: `caller/host` runs in the role `host` but invokes `callee/cluster`, which runs in the role `cluster` only: give both one role, or send an event instead",
        ]
    );
}

#[test]
fn expressions_parse() {
    check_trigger(
        "event.data.draft =",
        &["(`event.data.draft =`) is no expression: syntax error at column 18: `=` cannot stand here"],
    );
    check_trigger(
        "evnt.data.draft",
        &[
            "(`evnt.data.draft`) is no expression: `evnt` is not known: an expression reads `event`, and `async` where it waits for a second event: did you mean `event`?",
        ],
    );
    check_config(
        |config| {
            config.concurrency = slice(vec![Concurrency { limit: 1, key: Some("(event.id"), scope: Scope::Fn }]);
            config.priority = Some(Priority { run: "event.data.number.matches('1')" });
        },
        &[
            "8: `priority` (`event.data.number.matches('1')`) is no expression: the regular expression function `matches` cannot be used here: use `startsWith`, `endsWith` or `contains`",
            "8: the key of `concurrency` (`(event.id`) is no expression: syntax error at column 10: missing ')' at the end",
        ],
    );
}

#[test]
fn expressions_read_fields_that_exist() {
    for sound in [
        "event.id == event.name && event.ts > 0 && event.v == '1'",
        "event.data.author.login == 'me' && event.data.author.email != null",
        "event.data.labels.exists(label, label.name == 'bug')",
        "event.data.labels[0].name == 'bug' && size(event.data.labels) > 1",
        "event.data.extra.whatever.there.is == 1",
        "event.data.change.from == 'a' || event.data.change.to == 'b' || event.data.change.kind == 'title'",
        "has(event.data.draft)",
    ] {
        check_trigger(sound, &[]);
    }
    check_trigger(
        "event.data.repositry == 'a'",
        &["reads `event.data.repositry`, which `git/pull.opened` does not have: did you mean `repository`?"],
    );
    check_trigger(
        "has(event.data.drafts)",
        &["reads `event.data.drafts`, which `git/pull.opened` does not have: did you mean `draft`?"],
    );
    check_trigger(
        "event.data.author.nick == 'a'",
        &["reads `event.data.author.nick`, which `git/pull.opened` does not have: it has `email`, `login`"],
    );
    check_trigger(
        "event.data.labels.exists(l, l.nam == 'a')",
        &["reads `event.data.labels[].nam`, which `git/pull.opened` does not have: did you mean `name`?"],
    );
    check_trigger(
        "event.data.number.value > 1",
        &["reads `event.data.number.value`, which `git/pull.opened` does not have: there are no fields at this place"],
    );
    check_trigger(
        "event.data.state.open",
        &["reads `event.data.state.open`, which `git/pull.opened` does not have: there are no fields at this place"],
    );
    check_trigger(
        "event.data.change.form == 'a'",
        &["reads `event.data.change.form`, which `git/pull.opened` does not have: did you mean `from`?"],
    );
    check_trigger(
        "event.repository == 'a'",
        &["reads `event.repository`, which no event has: did you mean `event.data.repository`?"],
    );
    check_trigger(
        "event.dta.repository == 'a'",
        &["reads `event.dta.repository`, which no event has: did you mean `event.data`?"],
    );
}

#[test]
fn async_is_the_awaited_event() {
    check_wait("async.data.pull == event.data.number", &[]);
    check_wait("async.data.answers.all(a, a.answers.all(b, b.text == 'x'))", &[]);
    check_wait(
        "async.data.number == event.data.number",
        &["reads `async.data.number`, which `git/comment.added` does not have: it has `answers`, `pull`, `text`"],
    );
    check_wait(
        "async.data.answers[0].txt == 'x'",
        &["reads `async.data.answers[].txt`, which `git/comment.added` does not have: did you mean `text`?"],
    );
    check_trigger(
        "async.data.number == 1",
        &[
            "reads `async.data.number`, but there is only one event here: `async` is for waits and `cancel_on`, write `event`",
        ],
    );
}

#[test]
fn a_field_of_one_of_several_triggers_is_enough() {
    let two = |key: &'static str| {
        move |config: &mut FunctionConfig| {
            config.triggers = slice(vec![
                Trigger::Event { name: PullOpened::NAME, expression: None },
                Trigger::Event { name: CommentAdded::NAME, expression: None },
            ]);
            config.idempotency = Some(key);
        }
    };
    check_config(two("event.data.pull"), &[]);
    check_config(
        two("event.data.pul"),
        &[
            "8: `idempotency` reads `event.data.pul`, which `git/pull.opened` and `git/comment.added` do not have: did you mean `pull`?",
        ],
    );
}

#[test]
fn a_negation_of_what_may_be_missing_is_a_warning() {
    check_trigger(
        "!event.data.draft",
        &[
            "negates `event.data.draft`, which may be missing, and the negation of what is missing is false, not true: write `event.data.draft != true` or `event.data.draft == null`",
        ],
    );
    check_trigger("!event.data.number", &[]);
    check_trigger("!(event.data.draft == true)", &[]);
}

#[test]
fn events_that_nobody_sends_or_handles_are_warnings() {
    let mut config = FunctionConfig::new("a");
    config.triggers = on::<PullClosed>(None);
    config.steps = slice(vec![send::<CommentAdded>()]);
    let events = vec![event::<PullOpened>(&[], 3), event::<CommentAdded>(&[], 12), event::<PullClosed>(&[], 20)];
    let found = check(&Registry::of(vec![function(config, 8)], events), &[], Some(Path::new("/w")));
    assert!(found.iter().all(|problem| problem.severity == super::Severity::Warning));
    assert_eq!(
        found.iter().map(Problem::to_string).collect::<Vec<_>>(),
        [
            "events/src/git.rs:3: nobody sends or handles `git/pull.opened`: use it or remove it",
            "events/src/git.rs:12: nobody handles `git/comment.added`: no function is triggered by it, waits for it or is cancelled by it",
            "events/src/git.rs:20: nobody sends `git/pull.closed`: send it in a step, or name its outside sender, as in `sent_by = \"cli\"`",
        ]
    );
}

#[test]
fn an_annotated_site_is_linked() {
    let source = |file: &str, line: u32, item: &str, package: &str| SourceSite {
        file: file.to_owned(),
        line,
        last_line: line + 4,
        kind: SiteKind::Function,
        item: item.to_owned(),
        package: package.to_owned(),
    };
    assert_eq!(
        problems(
            &samples::registry(),
            &[
                source("functions/src/git/pull.rs", 8, "review", "functions"),
                source("functions/src/git/pull.rs", 38, "digest", "functions"),
                SourceSite {
                    kind: SiteKind::FailureHandler,
                    ..source("functions/src/git/pull.rs", 60, "review_failed", "functions")
                },
                SourceSite {
                    kind: SiteKind::FailureHandler,
                    ..source("functions/src/git/lost.rs", 25, "lost_failed", "functions")
                },
                source("functions/src/git/lost.rs", 5, "lost", "functions"),
                source("more-functions/src/lib.rs", 9, "other", "more-functions"),
            ]
        ),
        [
            "functions/src/git/lost.rs:5: the function `lost` is not linked into the program: name its module in the crate's `lib.rs`",
            "functions/src/git/lost.rs:25: the failure handler `lost_failed` is not linked into the program: name its module in the crate's `lib.rs`",
            "more-functions/src/lib.rs:9: the function `other` is not linked into the program: name its crate in `build.rs` and `main.rs`, as in `use more_functions as _;`",
        ]
    );
}

#[test]
fn sites_relative_to_the_workspace_are_found() {
    let config = FunctionConfig { triggers: on::<PullOpened>(None), ..FunctionConfig::new("a") };
    let mut registered =
        FunctionRegistration { config, call: function(FunctionConfig::new("x"), 1).call, site: site("", 1) };
    registered.site = Site { file: "functions/src/lib.rs", line: 6, manifest_dir: "/w/functions" };
    let source = SourceSite {
        file: "functions/src/lib.rs".to_owned(),
        line: 4,
        last_line: 6,
        kind: SiteKind::Function,
        item: "a".to_owned(),
        package: "functions".to_owned(),
    };
    let found = problems(&Registry::of(vec![leak(registered)], samples::events()), &[source]);
    assert!(!found.iter().any(|problem| problem.contains("not linked")), "{found:?}");
}

/// A function with a failure handler, and what the handler becomes.
fn with_handler() -> Vec<&'static FunctionRegistration> {
    let mut config = FunctionConfig::new("a");
    config.triggers = on::<PullOpened>(None);
    config.on_failure = Some(OnFailure { path: "review_failed", id: "a-failure" });
    let triggers = slice(vec![Trigger::Failure { function: "a" }]);
    vec![function(config, 8), leak(samples::review_failed().companion("a-failure", triggers, Role::Any))]
}

#[test]
fn the_id_of_a_failure_handler_is_taken() {
    let mut functions = with_handler();
    for line in [4, 90] {
        functions.truncate(2);
        functions.push(function(
            FunctionConfig { triggers: on::<PullOpened>(None), ..FunctionConfig::new("a-failure") },
            line,
        ));
        assert_eq!(
            of_functions(functions.clone()),
            [format!(
                "functions/src/git/pull.rs:{line}: the function id `a-failure` is taken by the failure handler of `a`: give this function another id"
            )]
        );
    }
}

#[test]
fn a_failure_handler_that_no_function_names_is_a_warning() {
    let handlers = vec![samples::review_failed()];
    let used = Registry::of(with_handler(), samples::events()).with_failure_handlers(handlers.clone());
    assert!(!problems(&used, &[]).iter().any(|problem| problem.contains("failure handler")));
    let unused = Registry::of(Vec::new(), Vec::new()).with_failure_handlers(handlers);
    let found = check(&unused, &[], Some(Path::new("/w")));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, super::Severity::Warning);
    assert_eq!(
        found[0].to_string(),
        "functions/src/git/pull.rs:60: no function names the failure handler `review_failed`: write `on_failure = review_failed` in a function's attribute, or remove it"
    );
}

#[test]
fn a_condition_in_a_failure_handler_reads_the_failure() {
    for (expression, problem) in [
        ("event.data.event.data.number == async.data.pull", None),
        (
            "event.data.number == async.data.pull",
            Some("reads `event.data.number`, which `inngest/function.failed` does not have"),
        ),
    ] {
        let mut handler = *samples::review_failed();
        handler.steps = slice(vec![wait::<CommentAdded>(Some(expression))]);
        let triggers = slice(vec![Trigger::Failure { function: "a" }]);
        let found = of_functions(vec![leak(handler.companion("a-failure", triggers, Role::Any))]);
        assert_eq!(found.len(), usize::from(problem.is_some()), "{found:?}");
        assert!(problem.is_none_or(|problem| found[0].contains(problem)), "{found:?}");
    }
}
