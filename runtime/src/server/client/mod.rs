//! What people and programs ask of a server: sending events, and looking at events, runs, apps and functions.
//!
//! - [`event`]: events and what they started
//! - [`run`]: runs, their steps, ending them
//! - [`app`]: what is registered
//! - `graphql`: the server's GraphQL, the only way to its lists of runs and apps
//! - `envelope`: the form of its other answers

pub mod app;
pub mod event;
pub mod run;

mod envelope;
mod graphql;
#[cfg(test)]
mod tests;
mod trace;

use http::{HeaderMap, Method};
use reqwest::Url;
use serde::de::DeserializeOwned;

pub use app::{RegisteredApp, RegisteredFunction};
pub use event::StoredEvent;
pub use run::{CancelOutcome, Job, Run, RunDetail, RunFilter, RunPage, RunStatus, Step, StoredRun};

use super::api::Api;
use super::error::ApiError;
use crate::event::NewEvent;

/// Events in one request (`MaxEvents` in the server's `pkg/consts`).
pub const EVENTS_MAX: usize = 5_000;
/// Bytes of one event, and of one request, which some of the server's entrances limit to the same size
/// (`AbsoluteMaxEventSize` in the server's `pkg/consts`).
pub const EVENT_BYTES_MAX: usize = 3 * 1024 * 1024;

/// A server as people and programs use it. Clones share their connections.
#[derive(Clone)]
pub struct Client(Api);

impl Client {
    /// A client that goes through this API; nothing is sent yet.
    pub fn new(api: Api) -> Self {
        Self(api)
    }

    /// The API below.
    pub fn api(&self) -> &Api {
        &self.0
    }

    /// Sends events; their ids, in the same order. They go in as many requests as the server's limits ask for, and
    /// each request is repeated while the server has trouble, without adding an event twice.
    ///
    /// When some were taken and others not, the error is [`ApiError::Partial`].
    pub async fn send(&self, events: &[NewEvent]) -> Result<Vec<String>, ApiError> {
        let sizes = sizes(events)?;
        let mut ids = Vec::with_capacity(events.len());
        let mut rest = events;
        for count in requests(&sizes) {
            let (now, later) = rest.split_at(count);
            rest = later;
            match self.0.send_new_events(now).await {
                Ok(taken) => ids.extend(taken),
                Err(ApiError::Partial { ids: taken, error, .. }) => {
                    ids.extend(taken);
                    return Err(ApiError::Partial { ids, total: events.len(), error });
                }
                Err(error) if ids.is_empty() => return Err(error),
                Err(error) => return Err(ApiError::Partial { ids, total: events.len(), error: Box::new(error) }),
            }
        }
        Ok(ids)
    }

    /// Reads an answer that the server may keep for some seconds: a parameter that is new each time asks for it anew.
    async fn fresh<T: DeserializeOwned>(&self, mut url: Url) -> Result<T, ApiError> {
        url.query_pairs_mut().append_pair("fresh", &ulid::Ulid::generate().to_string());
        let body = self.0.read(url.clone()).await?;
        envelope::open(&url, &body)
    }

    async fn delete(&self, path: &[&str]) -> Result<(), ApiError> {
        let url = self.0.settings().api(path);
        self.0.ask_patiently(Method::DELETE, url, None, HeaderMap::new()).await.map(drop)
    }
}

/// The events' sizes as JSON.
fn sizes(events: &[NewEvent]) -> Result<Vec<usize>, ApiError> {
    let sizes = events.iter().map(|event| {
        let bytes = serde_json::to_vec(event).map(|json| json.len()).unwrap_or_default();
        if bytes > EVENT_BYTES_MAX {
            return Err(ApiError::EventTooLarge { name: event.name.clone(), bytes, limit: EVENT_BYTES_MAX });
        }
        Ok(bytes)
    });
    sizes.collect()
}

/// How many events go into each request.
fn requests(sizes: &[usize]) -> Vec<usize> {
    let mut counts = Vec::new();
    let (mut count, mut bytes) = (0, 2);
    for size in sizes {
        if count > 0 && (count == EVENTS_MAX || bytes + size + 1 > EVENT_BYTES_MAX) {
            counts.push(count);
            (count, bytes) = (0, 2);
        }
        count += 1;
        bytes += size + 1;
    }
    if count > 0 {
        counts.push(count);
    }
    counts
}
