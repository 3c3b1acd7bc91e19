//! One run and its report.

use serde_json::json;

use super::*;
use crate::event::Cron;
use crate::function::RunInfo;
use crate::testing::{Harness, HarnessError};

pub(super) fn deploys() -> Harness {
    Harness::registered(&DEPLOY)
        .event(DeployRequested { service: "api".to_owned() })
        .service_with(Cluster::default)
        .answer_invoke("build", 7)
        .answer_wait("approval", Some(Approved { by: "Ada".to_owned() }))
}

#[tokio::test]
async fn a_report_holds_output_steps_events_notifications_and_state() {
    let report = deploys().now(1_000).run().await;
    assert_eq!(report.value::<String>().unwrap(), "api 8 by Ada");
    assert_eq!(report.steps, ["build", "approval", "apply", "remember", "settle", "announce", "tell"]);
    assert_eq!(report.sent::<Deployed>(), [Deployed { service: "api".to_owned() }]);
    assert_eq!(report.notified(), ["deploy.done"]);
    assert_eq!(report.notifications[0].ts, 61_000, "the sleep has passed");
    assert_eq!(report.notifications[0].source, "inngest/test/deploy.requested");
    assert_eq!(report.state.value("last"), Some(json!("api")));
}

#[tokio::test]
async fn two_runs_are_the_same_to_the_id() {
    let harness = deploys();
    let (first, second) = (harness.run().await, harness.run().await);
    assert_eq!(first.notifications, second.notifications);
    assert_eq!(first.steps, second.steps);
}

#[tokio::test]
async fn all_runs_share_a_service_that_is_given_and_not_made() {
    let cluster = Cluster::default();
    let harness = deploys().service(cluster.clone());
    harness.run().await;
    harness.run().await;
    assert_eq!(cluster.count(), 2);
}

#[test]
fn a_check_may_run_on_any_thread() {
    fn assert_send(_: impl Send) {}
    let harness = deploys();
    assert_send(harness.check_all());
    assert_send(harness.try_run());
}

#[tokio::test]
async fn a_missing_service_is_an_error_of_the_function() {
    let report = Harness::registered(&DEPLOY).event(DeployRequested { service: "api".to_owned() }).try_run().await;
    assert_eq!(report.unwrap().output.unwrap_err().name(), "MissingServiceError");
}

#[tokio::test]
async fn the_default_event_has_the_name_of_the_trigger_and_no_data() {
    let report = Harness::registered(&DEPLOY).run().await;
    let error = report.output.unwrap_err();
    assert_eq!(error.name(), "EventDecodeError");
    assert!(error.message().contains("test/deploy.requested"), "{error}");
}

#[tokio::test]
async fn an_event_that_does_not_fit_can_be_given_by_name() {
    let report = Harness::registered(&DEPLOY).event_named(DeployRequested::NAME, json!({"service": 5})).run().await;
    assert!(report.output.unwrap_err().message().contains("`service`"));
}

#[tokio::test]
async fn several_events_make_a_batch() {
    let function = registration(|context| {
        let names = context.events().iter().map(|event| event.id.clone()).collect::<Vec<_>>();
        Ok(Box::pin(async move { Ok::<_, Error>(names).encode() }))
    });
    let event = || DeployRequested { service: "api".to_owned() };
    let report = Harness::registered(function).event(event()).event(event()).run().await;
    assert_eq!(report.value::<Vec<String>>().unwrap(), ["event-0", "event-1"]);
}

struct Nightly;

impl Function for Nightly {
    type Input = Cron;
    type Output = String;
    const ID: &'static str = "test/kit-nightly";
}

inventory::submit! {{
    let mut config = FunctionConfig::new(Nightly::ID);
    config.triggers = &[Trigger::Cron { time_zone: None, expression: "0 3 * * *" }];
    FunctionRegistration {
        config,
        call: |context| {
            let (event, run) = (Event::<Cron>::from_context(context)?, RunInfo::from_context(context)?);
            Ok(Box::pin(async move { Ok::<_, Error>(format!("{} {}", run.function, event.data.cron)).encode() }))
        },
        site: SITE,
    }
}}

#[tokio::test]
async fn a_linked_function_is_found_by_its_type() {
    let report = Harness::of::<Nightly>().run().await;
    assert_eq!(report.value::<String>().unwrap(), "test/kit-nightly 0 3 * * *");
}

#[tokio::test]
async fn a_function_that_is_not_linked_is_named() {
    let problem = Harness::of::<Build>().try_run().await.unwrap_err();
    assert_eq!(problem, HarnessError::NotLinked("test/build"));
    assert!(format!("{problem:?}").contains("`test/build`"), "the debug form is the message");
}
