//! Runs whose values the store must not be able to read.

use std::path::Path;

use serde_json::json;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::Services;
use system_bus_runtime::middleware::{Encryption, EncryptionKey, MiddlewareStack};
use system_bus_runtime::prelude::*;
use system_bus_runtime::registry::Registry;

use super::{Bench, output, start, wait};
use crate::{Config, Engine, RunStatus};

/// What no file may hold; each value below has it within.
const PLAIN: &str = "plainly-readable";

/// Asks for secret work.
#[event("real/secret.requested")]
struct SecretRequested {
    /// The secret.
    encrypted: String,
}

/// Asks another function for secret work.
#[event("real/part.requested")]
struct PartRequested {
    /// The secret.
    encrypted: String,
}

/// Secret work has an answer.
#[event("real/secret.answered")]
struct SecretAnswered {
    /// The secret.
    encrypted: String,
}

/// Gives secrets to all kinds of steps, and waits for the test in between.
#[inngest_fn(id = "real-secret", event = SecretRequested)]
async fn real_secret(event: Event<SecretRequested>, step: Step, bench: Bench) -> Result<Vec<String>> {
    let own = step.run("own", async { Ok::<_, Error>(format!("{PLAIN} result")) }).await?;
    let part = step.invoke::<real_part>("part", PartRequested { encrypted: format!("{PLAIN} question") }).await?;
    step.run("hold", async {
        bench.entered.notify_one();
        bench.release.notified().await;
        Ok::<_, Error>(())
    })
    .await?;
    let answer = SecretAnswered { encrypted: format!("{PLAIN} answer") };
    let (awaited, sent) =
        futures::join!(step.wait_for_event::<SecretAnswered>("await"), step.send_event("send", answer));
    sent?;
    let awaited = awaited?.ok_or_else(|| Error::terminal("nothing came"))?;
    Ok(vec![event.data.encrypted, own, part, awaited.data.encrypted])
}

/// Answers with a secret.
#[inngest_fn(id = "real-part", event = PartRequested)]
async fn real_part(event: Event<PartRequested>) -> Result<String> {
    Ok(format!("{} and its part", event.data.encrypted))
}

fn open(directory: &Path, bench: &Bench, encryption: Encryption) -> Engine {
    let config = Config { directory: directory.to_owned() };
    let services = Services::default().with(bench.clone());
    Engine::open_with(&config, &Registry::linked(), services, MiddlewareStack::default().with(encryption)).unwrap()
}

fn key(secret: &str) -> EncryptionKey {
    EncryptionKey::derive(secret).unwrap()
}

/// Looks into every file of the store; how many hold the text.
fn files_with(directory: &Path, text: &str) -> usize {
    // The last connection to close may take the log's file away meanwhile.
    let files = std::fs::read_dir(directory).unwrap().filter_map(|entry| std::fs::read(entry.ok()?.path()).ok());
    files.filter(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes())).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_holds_no_plain_value_and_a_restart_with_a_new_key_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench, Encryption::new(key("old")));
    let run = start(&engine, &SecretRequested { encrypted: format!("{PLAIN} input") }).await;
    bench.entered.notified().await;
    engine.stop(Duration::ZERO).await;
    drop(engine);
    assert!(files_with(directory.path(), "__ENCRYPTED__") > 0, "the search looks at the right place");
    assert_eq!(files_with(directory.path(), PLAIN), 0);

    let rotated = Encryption::new(key("new")).fallback(key("old"));
    let engine = open(directory.path(), &bench, rotated.clone());
    bench.entered.notified().await;
    bench.release.notify_one();
    let detail = wait(&engine, run, |detail| detail.run.status == RunStatus::Completed).await;
    assert_eq!(output(&detail)["__STRATEGY__"], "inngest/libsodium");
    assert_eq!(files_with(directory.path(), PLAIN), 0);

    let mut event =
        NewEvent::named("any", serde_json::value::to_raw_value(&json!({"output": output(&detail)})).unwrap());
    MiddlewareStack::default().with(rotated).reveal_event(&mut event).unwrap();
    let data: serde_json::Value = serde_json::from_str(event.data.get()).unwrap();
    let expected = ["input", "result", "question and its part", "answer"].map(|word| format!("{PLAIN} {word}"));
    assert_eq!(data["output"], json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_no_key_opens_fails_with_a_reason_and_no_value() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::default();
    let engine = open(directory.path(), &bench, Encryption::new(key("right")));
    let run = start(&engine, &SecretRequested { encrypted: format!("{PLAIN} input") }).await;
    bench.entered.notified().await;
    engine.stop(Duration::ZERO).await;
    drop(engine);
    let engine = open(directory.path(), &bench, Encryption::new(key("wrong")));
    // It is tried again, in case that the right key comes back; the first failure is shown at once.
    let error = output(&wait(&engine, run, |detail| detail.run.output.is_some()).await);
    assert_eq!(error["name"], "DecryptError");
    assert!(error["message"].to_string().contains("`inngest/libsodium`"), "{error}");
    engine.stop(Duration::ZERO).await;
    drop(engine);
    assert!(files_with(directory.path(), "__ENCRYPTED__") > 0);
    assert_eq!(files_with(directory.path(), PLAIN), 0);
}
