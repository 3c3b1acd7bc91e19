//! Keeps a registration true: at start until it succeeds, and again whenever the server has forgotten it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use reqwest::Url;
use tokio::sync::watch;

use super::payload::Payload;
use crate::server::api::{ApiError, Registered};
use crate::server::worker::Worker;

/// How often a keeper asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The pause after the first failed registration; it doubles each time.
    pub(crate) first: Duration,
    /// The longest pause after a failed registration.
    pub(crate) max: Duration,
    /// How often a good registration is checked. A server that knows it answers from a checksum.
    pub(crate) check: Duration,
}

const PACE: Pace = Pace { first: Duration::from_secs(1), max: Duration::from_secs(30), check: Duration::from_secs(30) };

/// What is known of the registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrationState {
    /// When the server last accepted it.
    pub registered_at: Option<Timestamp>,
    /// When the server last took something new from it: at the start, after a change, or because it had forgotten.
    pub changed_at: Option<Timestamp>,
    /// How often the server had forgotten it since the start of this process.
    pub forgotten: u64,
    /// Why the last attempt failed; nothing when it succeeded.
    pub error: Option<String>,
}

impl RegistrationState {
    /// Whether the server knows the functions, as far as the last attempt shows.
    pub fn is_good(&self) -> bool {
        self.registered_at.is_some() && self.error.is_none()
    }
}

/// Registers an app and keeps it registered. Clones are handles to the same keeper.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    worker: Worker,
    url: Url,
    pace: Pace,
    state: watch::Sender<RegistrationState>,
    /// One registration at a time: what many ask for at once is done once for each, in order.
    busy: tokio::sync::Mutex<()>,
}

impl Keeper {
    /// A keeper for the app that servers reach at `url`.
    pub fn new(worker: Worker, url: Url) -> Self {
        Self::at_pace(worker, url, PACE)
    }

    pub(crate) fn at_pace(worker: Worker, url: Url, pace: Pace) -> Self {
        let state = watch::Sender::new(RegistrationState::default());
        Self(Arc::new(Inner { worker, url, pace, state, busy: tokio::sync::Mutex::new(()) }))
    }

    /// Where servers reach the app.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// What is known now.
    pub fn state(&self) -> RegistrationState {
        self.0.state.borrow().clone()
    }

    /// Tells of each change.
    pub fn watch(&self) -> watch::Receiver<RegistrationState> {
        self.0.state.subscribe()
    }

    /// Registers once (`SDK_SPEC.md` §4.3.2). `deploy_id` and `server_kind` come from the request that asked for it.
    pub async fn register(
        &self,
        deploy_id: Option<&str>,
        server_kind: Option<HeaderValue>,
    ) -> Result<Registered, ApiError> {
        let _busy = self.0.busy.lock().await;
        let worker = &self.0.worker;
        let payload = Payload::new(&self.0.url, worker.app_ids(), worker.registry());
        // The payload's maps have text for keys.
        let body = Bytes::from(serde_json::to_vec(&payload).unwrap_or_default());
        let answer = worker.api().register(body, deploy_id, server_kind).await;
        self.0.state.send_modify(|state| match &answer {
            Ok(registered) => {
                let now = Timestamp::now();
                if registered.modified || state.registered_at.is_none() {
                    state.changed_at = Some(now);
                }
                // The same functions again, and yet the server learned something: it had not known them any more.
                state.forgotten += u64::from(registered.modified && state.registered_at.is_some());
                state.registered_at = Some(now);
                state.error = None;
            }
            Err(error) => state.error = Some(error.to_string()),
        });
        answer
    }

    /// Registers until it succeeds, then checks for as long as it is polled.
    pub async fn run(self) {
        let pace = self.0.pace;
        let mut pause = pace.first;
        loop {
            let before = self.state();
            match self.register(None, None).await {
                Ok(registered) => {
                    let app = self.0.worker.app_ids().app();
                    if before.registered_at.is_none() {
                        let functions = self.0.worker.registry().functions().len();
                        tracing::info!(app, functions, url = %self.0.url, "registered with the server");
                    } else if registered.modified {
                        tracing::warn!(app, "the server had forgotten this app: registered again");
                    } else if before.error.is_some() {
                        tracing::info!(app, "the server is back and knows this app");
                    }
                    pause = pace.first;
                    tokio::time::sleep(pace.check).await;
                }
                Err(error) => {
                    // One line for each kind of trouble, not one for each attempt.
                    if before.error.as_deref() != Some(error.to_string().as_str()) {
                        tracing::warn!(%error, "cannot register with the server: trying again until it works");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(pace.max);
                }
            }
        }
    }
}
