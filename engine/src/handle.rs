//! The handle to a running engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use serde_json::value::RawValue;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::function::{RunId, Services};
use system_bus_runtime::middleware::{MiddlewareStack, Sent};
use system_bus_runtime::registry::Registry;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot, watch};

use crate::catalog::{Catalog, CatalogError};
use crate::clock::SystemClock;
use crate::driver::{Driver, Message, Stop};
use crate::executor::Executor;
use crate::input::{Accepted, CancelOutcome, Input};
use crate::limits;
use crate::query::Reader;
use crate::services;
use crate::signals::{SignalProblem, check_signal};
use crate::stats::Stats;
use crate::store::{OpenError, Place, Store};

/// Where an engine keeps its state.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory of the database; made when it is not there. One process at a time can have it.
    pub directory: PathBuf,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The functions contradict each other.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The system has no thread to spare.
    #[error("cannot start the engine's thread: {0}")]
    Thread(std::io::Error),
}

/// Why the engine did not take something in. Nothing of it has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too many requests wait already.
    #[error("the engine is busy: too many requests wait; send again later")]
    Busy,
    /// The engine has stopped, or its store has failed.
    #[error("the engine is not available")]
    Unavailable,
    /// A middleware did not let the events pass; its error is in the log.
    #[error("a middleware refused the events; the log says why")]
    Refused,
}

/// Why the engine did not take a signal in. Nothing of it has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// The signal cannot be sent at all.
    #[error(transparent)]
    Refused(#[from] SignalProblem),
    /// The engine did not take it in.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// A running engine; clones are handles to the same one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    link: Link,
    catalog: Arc<Catalog>,
    middleware: MiddlewareStack,
    reader: Reader,
    stats: Arc<Stats>,
    services: Services,
    arrivals: watch::Receiver<()>,
    ended: watch::Receiver<bool>,
}

impl Drop for Inner {
    /// Without a handle nobody could stop the thread any more.
    fn drop(&mut self) {
        let _ = self.link.sender.send(Message::StopNow);
    }
}

/// The way to the engine's thread.
#[derive(Clone)]
pub(crate) struct Link {
    sender: Sender<Message>,
    waiting: Arc<Semaphore>,
    /// KiB of events and of state that may wait.
    room: Arc<Semaphore>,
}

impl Link {
    /// Memory for so many bytes until the engine's thread has done with them.
    pub(crate) fn room_for(&self, bytes: usize) -> Result<SemaphorePermit<'_>, SendError> {
        let kibibytes = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        self.room.try_acquire_many(kibibytes).map_err(|_| SendError::Busy)
    }

    /// Asks the core and waits until its answer is durable.
    pub(crate) async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, SendError> {
        let _place = self.waiting.try_acquire().map_err(|_| SendError::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Input(input(reply))).map_err(|_| SendError::Unavailable)?;
        answer.await.map_err(|_| SendError::Unavailable)
    }
}

impl Engine {
    /// Opens the store and goes on with the runs that are in it.
    ///
    /// Must be called within a tokio runtime: the runs are its tasks. The services get the engine's own gateway and state
    /// store unless they hold others.
    pub fn open(config: &Config, registry: &Registry, services: Services) -> Result<Self, StartError> {
        Self::open_with(config, registry, services, MiddlewareStack::default())
    }

    /// The same with middleware around every run, and around the events that are sent or come in from outside.
    pub fn open_with(
        config: &Config,
        registry: &Registry,
        services: Services,
        middleware: MiddlewareStack,
    ) -> Result<Self, StartError> {
        let catalog = Arc::new(Catalog::new(registry)?);
        let (store, lock) = Store::open(&Place::Directory(config.directory.clone()))?;
        let reader = Reader::open(config.directory.clone())?;
        for (function, words) in catalog.unsupported() {
            tracing::warn!(function, "the embedded engine does not apply `{}` yet", words.join("`, `"));
        }
        let (sender, messages) = channel();
        let link = Link {
            sender: sender.clone(),
            waiting: Arc::new(Semaphore::new(limits::REQUESTS_WAITING_MAX)),
            room: Arc::new(Semaphore::new(limits::BYTES_WAITING_MAX / 1024)),
        };
        let reports = {
            let sender = sender.clone();
            Arc::new(move |report| drop(sender.send(Message::Input(Input::Report(report)))))
        };
        let services = services::provide(services, &link, &Reader::open(config.directory.clone())?);
        let stats = Arc::new(Stats::default());
        let (arrivals_sender, arrivals) = watch::channel(());
        let (ended_sender, ended) = watch::channel(false);
        let driver = Driver {
            catalog: catalog.clone(),
            executor: Executor::new(catalog.clone(), services.clone(), middleware.clone(), reports),
            messages,
            _sender: sender,
            clock: Arc::new(SystemClock),
            handle: Handle::current(),
            stats: stats.clone(),
            arrivals: arrivals_sender,
            lock: Some(lock),
            stop: Stop::No,
            ended: ended_sender,
        };
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || driver.run(store))
            .map_err(StartError::Thread)?;
        Ok(Self(Arc::new(Inner { link, catalog, middleware, reader, stats, services, arrivals, ended })))
    }

    /// Takes events in. When this returns, they are durable and their runs are planned.
    pub async fn send(&self, mut events: Vec<NewEvent>) -> Result<Vec<Accepted>, SendError> {
        let middleware = &self.0.middleware;
        if let Err(error) = middleware.before_send(&mut events) {
            tracing::error!(error = error.name(), "the events were not sent: {error}");
            return Err(SendError::Refused);
        }
        let sent = self.take_in(events).await;
        if !middleware.is_empty() {
            middleware.after_send(&match &sent {
                Ok(accepted) => Sent { ids: accepted.iter().map(|event| event.id.to_string()).collect(), error: None },
                Err(error) => Sent { ids: Vec::new(), error: Some((*error).into()) },
            });
        }
        sent
    }

    async fn take_in(&self, events: Vec<NewEvent>) -> Result<Vec<Accepted>, SendError> {
        let bytes: usize = events.iter().map(|event| event.data.get().len()).sum();
        let _room = self.0.link.room_for(bytes)?;
        self.0.link.ask(|reply| Input::Events { events, reply }).await
    }

    /// Hands a signal to who waits for it, durably; the run, or `None` when nobody does and the signal is gone.
    pub async fn signal(&self, signal: String, data: Box<RawValue>) -> Result<Option<RunId>, SignalError> {
        check_signal(&signal, &data)?;
        let _room = self.0.link.room_for(data.get().len())?;
        Ok(self.0.link.ask(|reply| Input::Signal { signal, data, reply }).await?)
    }

    /// Cancels a run: its future is dropped, its status is final.
    pub async fn cancel(&self, run: RunId) -> Result<CancelOutcome, SendError> {
        self.0.link.ask(|reply| Input::Cancel { run, reply }).await
    }

    /// The functions and events that this engine runs.
    pub fn registry(&self) -> &Registry {
        self.0.catalog.registry()
    }

    /// What its functions share: what it was opened with, and its own gateway and state store where that held none.
    pub fn services(&self) -> &Services {
        &self.0.services
    }

    /// What stands around every run and every sent event.
    pub(crate) fn middleware(&self) -> &MiddlewareStack {
        &self.0.middleware
    }

    /// The way to the engine's thread.
    pub(crate) fn link(&self) -> &Link {
        &self.0.link
    }

    /// Reads the store beside the engine.
    pub(crate) fn reader(&self) -> &Reader {
        &self.0.reader
    }

    /// Notes what comes to the operator from now on.
    pub(crate) fn arrivals(&self) -> watch::Receiver<()> {
        let mut arrivals = self.0.arrivals.clone();
        arrivals.mark_unchanged();
        arrivals
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Whether the engine's thread works.
    pub fn is_available(&self) -> bool {
        // The sender is gone without a word only when the thread has panicked.
        !*self.0.ended.borrow() && self.0.ended.has_changed().is_ok()
    }

    /// Lets executing steps end for at most `grace`, then stops. What has not ended goes on at the next start.
    pub async fn stop(&self, grace: std::time::Duration) {
        let sender = &self.0.link.sender;
        // Sending fails only when the thread has ended, which is what is wanted.
        let _ = sender.send(Message::Stop);
        if tokio::time::timeout(grace, self.ended()).await.is_err() {
            let _ = sender.send(Message::StopNow);
            self.ended().await;
        }
    }

    /// Makes the next commit fail, as a full disk does.
    #[cfg(test)]
    pub(crate) fn fail_next_commit(&self) {
        self.0.link.sender.send(Message::Input(Input::FailCommit)).unwrap();
    }

    /// Lets time pass for the state of functions.
    #[cfg(test)]
    pub(crate) async fn pass_time(&self, time: std::time::Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.0.link.ask(|reply| Input::PassTime { millis, reply }).await.unwrap();
    }

    /// Resolves when the engine has stopped.
    pub async fn ended(&self) {
        let mut ended = self.0.ended.clone();
        // An error means that the thread is gone, so it has ended as well.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}
