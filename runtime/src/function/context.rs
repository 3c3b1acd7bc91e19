//! What one call of a function knows: the run, its events, its steps, the application's services.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::ReceivedEvent;
use crate::protocol::Journal;

/// The id of a run, a ULID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub ulid::Ulid);

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for RunId {
    type Err = ulid::DecodeError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        ulid::Ulid::from_string(text).map(Self)
    }
}

/// Facts about the run that a function may take as a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// The run's id, the same at every attempt.
    pub id: RunId,
    /// The function's id.
    pub function: &'static str,
    /// The attempt of the code between steps, from 0.
    pub attempt: u32,
}

/// What one call of a function knows; extractors read it.
#[derive(Clone)]
pub struct Context {
    run: RunInfo,
    events: Vec<Arc<ReceivedEvent>>,
    journal: Journal,
    services: Services,
}

impl Context {
    /// The context of one call; `events` holds at least one event.
    pub fn new(run: RunInfo, events: Vec<Arc<ReceivedEvent>>, journal: Journal, services: Services) -> Self {
        assert!(!events.is_empty(), "a run has at least one event");
        Self { run, events, journal, services }
    }

    /// The run.
    pub fn run(&self) -> &RunInfo {
        &self.run
    }

    /// The event that started the run; the first one of a batch (`SDK_SPEC.md` §4.4.2).
    pub fn event(&self) -> &ReceivedEvent {
        &self.events[0]
    }

    /// All events of the run, oldest first.
    pub fn events(&self) -> &[Arc<ReceivedEvent>] {
        &self.events
    }

    /// The steps of the call.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// A service of the application, such as an HTTP client; the error names the missing type.
    pub fn service<T: Clone + Send + Sync + 'static>(&self) -> Result<T> {
        self.services.find().ok_or_else(|| {
            Error::terminal(format!("no `{}` was given to the worker: add it with `Services::with`", type_name::<T>()))
                .named("MissingServiceError")
        })
    }
}

/// What the application shares with its functions, by type.
#[derive(Clone, Default)]
pub struct Services(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Services {
    /// The same services and this one.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, service: T) -> Self {
        Arc::make_mut(&mut self.0).insert(TypeId::of::<T>(), Arc::new(service));
        self
    }

    /// The service of this type.
    pub fn find<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.0.get(&TypeId::of::<T>()).and_then(|service| service.downcast_ref::<T>()).cloned()
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Services({})", self.0.len())
    }
}
