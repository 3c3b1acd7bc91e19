//! The doubles on their own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::service::{StateCommand, StateStore};
use crate::testing::{Harness, MemoryState, RecordingSink, StateSubject, TestClock, check_state_store};

#[tokio::test]
async fn a_notification_is_kept_once_by_its_id() {
    let sink = RecordingSink::new(TestClock::at(5));
    let step = Harness::closure({
        let gateway = Gateway::new(Arc::new(sink.clone()), "test");
        move |step: Step| {
            let gateway = gateway.clone();
            async move { step.run("tell", gateway.notify("ci.failed", 1)).await.map(|notified| notified.pushed) }
        }
    });
    assert!(step.run().await.value::<bool>().unwrap());
    assert!(step.run().await.value::<bool>().unwrap(), "a repeat hears what became of the first");
    let kept = sink.notifications();
    assert_eq!((kept.len(), kept[0].ts, &kept[0].payload), (1, 5, &json!({"detail": 1})));
}

#[tokio::test]
async fn state_expires_by_the_clock() {
    let store = MemoryState::new(TestClock::at(0));
    let state = State::new(Arc::new(store.clone()));
    let minute = Some(Duration::from_secs(60));
    assert!(state.set_if_absent("gate", &1, minute).await.unwrap());
    assert!(!state.set_if_absent("gate", &2, minute).await.unwrap());
    store.clock().advance(Duration::from_secs(60));
    assert!(store.keys().is_empty());
    assert!(state.set_if_absent("gate", &2, None).await.unwrap());
    assert_eq!(state.get::<u32>("gate").await.unwrap(), Some(2));
    assert!(state.remove("gate").await.unwrap());
    assert!(!state.remove("gate").await.unwrap());
}

#[tokio::test]
async fn state_that_a_test_sets_is_there_at_each_run() {
    let function = registration(|context| {
        let (step, state) = (Step::from_context(context)?, State::from_context(context)?);
        Ok(Box::pin(async move {
            let add = async {
                let count = state.get::<u32>("count").await?.unwrap_or_default() + 1;
                state.set("count", &count, Some(Duration::from_secs(60))).await?;
                Ok::<_, Error>(count)
            };
            let count = step.run("add", add).await?;
            step.sleep("pause", Duration::from_secs(120)).await;
            let left = step.run("look", state.get::<u32>("count")).await?;
            Ok::<_, Error>((count, left)).encode()
        }))
    });
    let harness = Harness::registered(function).state("count", &4);
    for _ in 0..2 {
        let report = harness.run().await;
        assert_eq!(report.value::<(u32, Option<u32>)>().unwrap(), (5, None), "the sleep outlasts the value");
        assert_eq!(report.state.value("count"), None);
    }
}

impl StateSubject for MemoryState {
    fn store(&self) -> Arc<dyn StateStore> {
        Arc::new(self.clone())
    }

    async fn pass(&self, time: Duration) {
        self.clock().advance(time);
    }
}

#[tokio::test]
async fn memory_keeps_the_contract_of_state() {
    check_state_store(&MemoryState::default()).await;
}

#[tokio::test]
async fn a_text_that_is_no_json_hides_no_other_of_its_hash() {
    let store = MemoryState::default();
    let state = State::new(Arc::new(store.clone()));
    state.hash_set("names", "ada", &"Ada").await.unwrap();
    let command = StateCommand::SetField { field: "bob".to_owned(), value: "Bob".to_owned() };
    store.apply("names".to_owned(), command).await.unwrap();
    let texts = state.hash_texts("names").await.unwrap();
    let texts: Vec<_> = texts.iter().map(|(field, text)| (field.as_str(), text.as_str())).collect();
    assert_eq!(texts, [("ada", r#""Ada""#), ("bob", "Bob")]);
    let error = state.hash_entries::<String>("names").await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
}
