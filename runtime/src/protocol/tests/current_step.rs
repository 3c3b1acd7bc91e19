//! `current_step()`: which step's body is being polled.

use super::*;
use crate::function::RunId;
use crate::protocol::current_step;

async fn who() -> Result<Option<String>, Error> {
    Ok(current_step().map(|step| step.name.to_string()))
}

#[test]
fn a_body_sees_its_own_step_and_the_function_sees_none() {
    let outcome = first().runs(async |step: Step| {
        assert_eq!(current_step(), None);
        let name = step.run("a", who()).await?;
        Ok::<_, Error>(name)
    });
    assert_eq!(outcome.step_ended("a").unwrap(), serde_json::json!("a"));
    assert_eq!(current_step(), None);
}

#[test]
fn a_repeat_sees_its_number() {
    let outcome = first().remembers("a", 1).runs(async |step: Step| {
        step.run("a", never_runs()).await?;
        step.run("a", who()).await.map_err(Error::from)
    });
    assert_eq!(outcome.step_ended("a:1").unwrap(), serde_json::json!("a:1"));
}

#[test]
fn a_body_sees_its_step_again_after_it_was_pending() {
    let mut live = first().lives(async |step: Step| {
        let body = async {
            let before = who().await?;
            tokio::task::yield_now().await;
            Ok::<_, Error>((before, who().await?))
        };
        let (a, b) = tokio::join!(step.run("a", body), step.run("b", who()));
        Ok::<_, Error>((a?, b?))
    });
    live.turn();
    assert!(live.grant("a") && live.grant("b"));
    let ended = live.turn().ended;
    let values = ended.into_iter().map(|step| step.result.unwrap().get().to_owned()).collect::<Vec<_>>();
    assert!(values.contains(&r#"["a","a"]"#.to_owned()) && values.contains(&r#""b""#.to_owned()), "{values:?}");
}

#[test]
fn no_step_is_current_after_a_body_panicked() {
    let outcome = first().runs(async |step: Step| step.run("a", never_runs()).await);
    assert!(outcome.step_ended("a").is_err());
    assert_eq!(current_step(), None);
}

#[test]
fn the_run_is_known_when_an_engine_drives() {
    let run = RunId(ulid::Ulid::from_parts(1, 2));
    let journal = Journal::new(Some(run), []);
    let step = Step::new(journal.clone());
    let body = async move { Ok::<_, Error>(current_step().and_then(|step| step.run).map(|run| run.to_string())) };
    let future = async move { step.run("a", body).await.encode() };
    let execution = Execution::new(journal, Box::pin(future));
    let outcome = poll_to_rest(lead(execution, Call::default())).unwrap();
    assert_eq!(outcome.step_ended("a").unwrap(), serde_json::json!(run.to_string()));
}
