//! The handle by which secrets are found, and the task that keeps leases fresh.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::held::{Failure, Held};
use super::{Secret, SecretSource, lease};
use crate::error::{Error, Result};
use crate::function::{Context, FromContext};
use crate::service::Processes;

/// The secrets of the worker: from the environment, else leased with `secrets lease NAME --ttl 24h`.
///
/// Use it inside a step, and return what was made with the secret, never the secret: that does not compile.
///
/// ```
/// use system_bus_runtime::service::{SecretSource, Secrets};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> system_bus_runtime::Result<()> {
/// const TOKEN: SecretSource = SecretSource { variables: &["FRONT_API_TOKEN"], lease: Some("front_api_token") };
///
/// let secrets = Secrets::new(|name| (name == "FRONT_API_TOKEN").then(|| "t0ken".to_owned()), None);
/// assert_eq!(secrets.get(&TOKEN).await?.expose(), "t0ken");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Secrets(Arc<Shared>);

/// Reads a variable of the environment.
type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

struct Shared {
    variable: Variables,
    processes: Option<Processes>,
    /// Sources are constants of the program, so there are few.
    held: RwLock<HashMap<SecretSource, Held>>,
    /// Something was leased for the first time, or failed to be.
    changed: Notify,
    /// Whether it has been said that the program is not there.
    missing_told: AtomicBool,
}

impl Secrets {
    /// Secrets of the environment that `variable` reads, once for each source and without asking for a secret itself, and of the `secrets` program that
    /// `processes` runs; without `processes` nothing is leased.
    pub fn new(
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        processes: Option<Processes>,
    ) -> Self {
        Self(Arc::new(Shared {
            variable: Box::new(variable),
            processes,
            held: RwLock::default(),
            changed: Notify::new(),
            missing_told: AtomicBool::new(false),
        }))
    }

    /// The current value: that of the first variable that is set, else the lease, which is taken now when there is none.
    ///
    /// # Errors
    ///
    /// Terminal when nothing is set and nothing can be leased here; otherwise to be tried again when the next lease is
    /// tried. The message names the variables and the lease.
    pub async fn get(&self, source: &SecretSource) -> Result<Secret> {
        if let Some(secret) = self.newest(source) {
            return Ok(secret);
        }
        self.lease(source).await;
        self.newest(source).ok_or_else(|| self.unavailable(source))
    }

    /// All values that count now, newest first, without waiting: every variable that is set, each variable's
    /// `NAME_FALLBACK`, the lease, and the lease before it until that has expired. Empty when there are none.
    ///
    /// For what others signed or encrypted with an older value. It allocates nothing unless a value has come or gone.
    pub fn current(&self, source: &SecretSource) -> Arc<[Secret]> {
        if let Some(values) = self.read().get(source).and_then(Held::values) {
            return Arc::clone(values);
        }
        self.with(source, |held| Arc::clone(held.collect(Instant::now())))
    }

    /// Leases what is not in the environment, side by side; at start. A failure is logged, and tried again by
    /// [`Secrets::keep_renewed`].
    pub async fn prepare(&self, sources: impl IntoIterator<Item = SecretSource>) {
        let leases = sources.into_iter().map(|source| async move { Some((source, self.lease(&source).await?)) });
        let failures: Vec<_> = join_all(leases).await.into_iter().flatten().collect();
        let (missing, others): (Vec<_>, Vec<_>) =
            failures.into_iter().partition(|(_, failure)| failure.is_program_missing);
        for (source, failure) in others {
            tracing::warn!("cannot lease {source}: {}", failure.message);
        }
        // It concerns all leases, and is the same at every attempt.
        if let Some((_, failure)) = missing.first()
            && !self.0.missing_told.swap(true, Ordering::Relaxed)
        {
            let sources = missing.iter().map(|(source, _)| source.to_string()).collect::<Vec<_>>().join(", ");
            tracing::warn!("nothing can be leased: {}; or set the variables of {sources}", failure.message);
        }
    }

    /// Renews leases before they expire, until the future is dropped. What fails is tried again after a pause that grows,
    /// and the old value counts until it has expired.
    pub async fn keep_renewed(self) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.next_due_at() {
                Some(due_at) => tokio::select! {
                    () = sleep_until(due_at) => self.prepare(self.due(Instant::now())).await,
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    /// Leases the secret unless it is set, leased, or has failed a moment ago; the failure when it fails now. Whoever
    /// comes meanwhile waits for the outcome in place of leasing as well.
    async fn lease(&self, source: &SecretSource) -> Option<Failure> {
        let (name, processes) = (source.lease?, self.0.processes.as_ref()?);
        let turn = self.with(source, |held| (!held.is_set()).then(|| held.turn()))?;
        let _turn = turn.lock().await;
        if self.with(source, |held| held.due_at()).is_some_and(|due_at| Instant::now() < due_at) {
            return None;
        }
        let failure = match lease::take(processes, name).await {
            Ok(lease) => {
                self.0.missing_told.store(false, Ordering::Relaxed);
                self.with(source, |held| held.leased(lease, Instant::now()));
                None
            }
            Err(failure) => Some(self.with(source, |held| held.failed(failure, Instant::now()))),
        };
        self.0.changed.notify_waiters();
        failure
    }

    fn newest(&self, source: &SecretSource) -> Option<Secret> {
        self.with(source, |held| held.newest(Instant::now()).cloned())
    }

    fn unavailable(&self, source: &SecretSource) -> Error {
        let error = match self.with(source, |held| held.failure().cloned()) {
            Some(failure) => {
                let text = format!("{source} is not set and cannot be leased: {}", failure.message);
                let pause = failure.next_attempt_at.saturating_duration_since(Instant::now());
                if failure.is_program_missing { Error::terminal(text) } else { Error::retry_after(text, pause) }
            }
            None if source.lease.is_some() => {
                Error::terminal(format!("{source} is not set, and this worker leases nothing: set the variable"))
            }
            None => Error::terminal(format!("{source} is not set: set the variable")),
        };
        error.named("SecretError")
    }

    fn next_due_at(&self) -> Option<Instant> {
        self.read().values().filter_map(Held::due_at).min()
    }

    fn due(&self, now: Instant) -> Vec<SecretSource> {
        let held = self.read();
        let due = held.iter().filter(|(_, held)| held.due_at().is_some_and(|due_at| due_at <= now));
        due.map(|(source, _)| *source).collect()
    }

    fn with<T>(&self, source: &SecretSource, look: impl FnOnce(&mut Held) -> T) -> T {
        look(self.write().entry(*source).or_insert_with(|| Held::new(source, &self.0.variable)))
    }

    // Nothing panics while it holds the lock.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<SecretSource, Held>> {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<SecretSource, Held>> {
        self.0.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromContext for Secrets {
    fn from_context(context: &Context) -> Result<Self> {
        context.service()
    }
}
