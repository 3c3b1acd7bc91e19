//! Leases over days of virtual time.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::sleep;
use tracing::subscriber::DefaultGuard;

use super::*;
use crate::error::Error;
use crate::service::{Invocation, Output, ProcessError, ProcessFuture, ProcessRunner, Processes};
use crate::testing::ScriptedProcesses;

const TOKEN: SecretSource = SecretSource { variables: &["TOKEN", "OLD_TOKEN"], lease: Some("front_token") };
const OTHER: SecretSource = SecretSource { variables: &["OTHER"], lease: Some("other") };
const PLAIN: SecretSource = SecretSource { variables: &["PLAIN"], lease: None };

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A `secrets` program that hands out the same value until the test changes it.
struct Vault {
    script: ScriptedProcesses,
    answer: Arc<Mutex<Answer>>,
}

enum Answer {
    Value(&'static str),
    Locked,
    Missing,
}

impl Vault {
    fn new(answer: Answer) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let script = ScriptedProcesses::default().answers("secrets", {
            let answer = Arc::clone(&answer);
            move |_| match &*answer.lock().unwrap() {
                Answer::Value(value) => Ok(Output::of(format!("{value}\n"))),
                Answer::Locked => {
                    let (program, stderr) = ("secrets".to_owned(), "the agent is locked".to_owned());
                    Err(ProcessError::Status { program, code: 1, stderr })
                }
                Answer::Missing => Err(ProcessError::NotFound { program: "secrets".to_owned() }),
            }
        });
        Self { script, answer }
    }

    fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Secrets that are leased here, where the environment has nothing.
    fn secrets(&self) -> Secrets {
        Secrets::new(|_| None, Some(Processes::new(self.script.clone())))
    }

    fn leases(&self) -> usize {
        self.script.invocations().len()
    }
}

/// Secrets of an environment, where nothing can be leased.
fn environment(variables: &'static [(&'static str, &'static str)]) -> Secrets {
    let find = |name: &str| Some(variables.iter().find(|(set, _)| *set == name)?.1.to_owned());
    Secrets::new(find, None)
}

fn current(secrets: &Secrets, source: &SecretSource) -> Vec<String> {
    secrets.current(source).iter().map(|secret| secret.expose().to_owned()).collect()
}

async fn get(secrets: &Secrets, source: &SecretSource) -> Result<String, Error> {
    secrets.get(source).await.map(|secret| secret.expose().to_owned())
}

/// What this thread logs while the guard lives; clones share it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn capture(&self) -> DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || log.clone()).with_ansi(false).finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// The messages since the last look.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().map(|line| line.split_once("secrets::service: ").unwrap().1.to_owned()).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_first_variable_that_is_set_wins_and_nothing_is_leased() {
    let vault = Vault::new(Answer::Value("leased"));
    let find = |name: &str| Some(if name == "TOKEN" { " \n" } else { "old" }.to_owned());
    let secrets = Secrets::new(find, Some(Processes::new(vault.script.clone())));
    secrets.prepare([TOKEN]).await;
    assert_eq!(get(&secrets, &TOKEN).await.unwrap(), "old");
    assert_eq!(vault.leases(), 0);
}

#[tokio::test]
async fn all_variables_and_fallbacks_count_each_value_once() {
    let secrets =
        environment(&[("OLD_TOKEN", "b"), ("TOKEN_FALLBACK", "c"), ("TOKEN", "a"), ("OLD_TOKEN_FALLBACK", "a")]);
    assert_eq!(current(&secrets, &TOKEN), ["a", "b", "c"]);
    assert!(current(&secrets, &PLAIN).is_empty());
    let (first, second) = (secrets.current(&TOKEN), secrets.current(&TOKEN));
    assert!(Arc::ptr_eq(&first, &second), "nothing is allocated anew");
}

#[tokio::test]
async fn a_fallback_alone_is_no_current_value() {
    let secrets = environment(&[("TOKEN_FALLBACK", "old")]);
    assert!(get(&secrets, &TOKEN).await.is_err());
    assert_eq!(current(&secrets, &TOKEN), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_set_is_leased_for_a_day() {
    let vault = Vault::new(Answer::Value("v1"));
    let secrets = vault.secrets();
    assert!(current(&secrets, &TOKEN).is_empty());
    assert_eq!(vault.leases(), 0, "nobody has asked for a value");
    assert_eq!(get(&secrets, &TOKEN).await.unwrap(), "v1");
    assert_eq!(get(&secrets, &TOKEN).await.unwrap(), "v1");
    assert_eq!(current(&secrets, &TOKEN), ["v1"]);
    assert_eq!(vault.leases(), 1);
    assert_eq!(vault.script.invocations()[0].arguments(), ["lease", "front_token", "--ttl", "24h"]);
    vault.set(Answer::Value("v2"));
    sleep(24 * HOUR).await;
    assert!(current(&secrets, &TOKEN).is_empty(), "the lease has expired");
    assert_eq!(get(&secrets, &TOKEN).await.unwrap(), "v2");
}

/// Takes a while, as a real program does.
struct Slow(ScriptedProcesses);

impl ProcessRunner for Slow {
    fn run(&self, invocation: Invocation) -> ProcessFuture<'_> {
        Box::pin(async {
            sleep(Duration::from_secs(1)).await;
            self.0.run(invocation).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_ask_at_the_same_time_share_a_lease_or_its_failure() {
    for (answer, is_leased) in [(Answer::Value("v1"), true), (Answer::Locked, false)] {
        let vault = Vault::new(answer);
        let secrets = Secrets::new(|_| None, Some(Processes::new(Slow(vault.script.clone()))));
        let outcomes = join_all((0..10).map(|_| get(&secrets, &TOKEN))).await;
        assert!(outcomes.iter().all(|outcome| outcome.is_ok() == is_leased));
        assert_eq!(vault.leases(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_before_it_expires_and_the_old_value_counts_until_then() {
    let vault = Vault::new(Answer::Value("v1"));
    let secrets = vault.secrets();
    let renewal = tokio::spawn(secrets.clone().keep_renewed());
    secrets.prepare([TOKEN]).await;
    vault.set(Answer::Value("v2"));
    sleep(19 * HOUR - MINUTE).await;
    assert_eq!((current(&secrets, &TOKEN), vault.leases()), (vec!["v1".to_owned()], 1));
    sleep(HOUR + 2 * MINUTE).await;
    assert_eq!(current(&secrets, &TOKEN), ["v2", "v1"]);
    assert_eq!(get(&secrets, &TOKEN).await.unwrap(), "v2");
    sleep(4 * HOUR).await;
    assert_eq!(current(&secrets, &TOKEN), ["v2"]);
    sleep(100 * 24 * HOUR).await;
    assert_eq!(current(&secrets, &TOKEN), ["v2"]);
    assert!((120..=130).contains(&vault.leases()), "{}", vault.leases());
    renewal.abort();
    assert!(renewal.await.expect_err("is aborted").is_cancelled());
    sleep(24 * HOUR).await;
    assert!(current(&secrets, &TOKEN).is_empty(), "nobody renews any more");
}

#[tokio::test(start_paused = true)]
async fn what_a_function_has_leased_is_renewed_too() {
    let vault = Vault::new(Answer::Value("v1"));
    let secrets = vault.secrets();
    tokio::spawn(secrets.clone().keep_renewed());
    sleep(HOUR).await;
    get(&secrets, &TOKEN).await.unwrap();
    sleep(48 * HOUR).await;
    assert_eq!(current(&secrets, &TOKEN), ["v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_within_bounds_while_the_old_value_counts() {
    let log = Log::default();
    let _guard = log.capture();
    let vault = Vault::new(Answer::Value("s3cret-1"));
    let secrets = vault.secrets();
    tokio::spawn(secrets.clone().keep_renewed());
    secrets.prepare([TOKEN]).await;
    vault.set(Answer::Locked);
    sleep(24 * HOUR - MINUTE).await;
    assert_eq!(get(&secrets, &TOKEN).await.unwrap(), "s3cret-1");
    sleep(MINUTE).await;
    assert!(current(&secrets, &TOKEN).is_empty());
    let error = secrets.get(&TOKEN).await.err().expect("has expired");
    let expected = "`TOKEN` or `OLD_TOKEN` (lease `front_token`) is not set and cannot be leased: `secrets` ended with \
                    status 1: the agent is locked";
    assert_eq!(error.message(), expected);
    assert!(error.retry_delay().is_some_and(|delay| delay <= 10 * MINUTE), "{:?}", error.retry_delay());
    assert!((20..=50).contains(&vault.leases()), "{}", vault.leases());
    let lines = log.lines();
    assert_eq!(lines.len(), vault.leases() - 1);
    let line = "cannot lease `TOKEN` or `OLD_TOKEN` (lease `front_token`): `secrets` ended with status 1: the agent is \
                locked";
    assert!(lines.iter().all(|logged| logged == line), "{lines:#?}");
    vault.set(Answer::Value("s3cret-2"));
    sleep(10 * MINUTE).await;
    assert_eq!(current(&secrets, &TOKEN), ["s3cret-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_program_is_told_of_once() {
    let log = Log::default();
    let _guard = log.capture();
    let vault = Vault::new(Answer::Missing);
    let secrets = vault.secrets();
    tokio::spawn(secrets.clone().keep_renewed());
    secrets.prepare([TOKEN, PLAIN, OTHER]).await;
    let error = secrets.get(&TOKEN).await.err().expect("nothing is leased");
    assert!(!error.is_retryable() && error.message().contains("install it"), "{error}");
    assert_eq!(vault.leases(), 2);
    sleep(HOUR).await;
    assert!((12..=20).contains(&vault.leases()), "{}", vault.leases());
    let told = "nothing can be leased: the program `secrets` was not found: install it, or add its directory to `PATH`; \
                or set the variables of `TOKEN` or `OLD_TOKEN` (lease `front_token`), `OTHER` (lease `other`)";
    assert_eq!(log.lines(), [told]);
    vault.set(Answer::Value("v1"));
    sleep(10 * MINUTE).await;
    assert_eq!((current(&secrets, &TOKEN), current(&secrets, &OTHER)), (vec!["v1".to_owned()], vec!["v1".to_owned()]));
}

#[tokio::test]
async fn where_nothing_is_leased_the_variable_is_asked_for() {
    let secrets = environment(&[]);
    secrets.prepare([TOKEN, PLAIN]).await;
    for (source, expected) in [
        (
            TOKEN,
            "`TOKEN` or `OLD_TOKEN` (lease `front_token`) is not set, and this worker leases nothing: set the variable",
        ),
        (PLAIN, "`PLAIN` is not set: set the variable"),
    ] {
        let error = secrets.get(&source).await.err().expect("is not there");
        assert_eq!(error.message(), expected);
        assert!(!error.is_retryable());
    }
}
