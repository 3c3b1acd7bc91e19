//! Events as the server keeps them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::error::ApiError;
use super::Client;
use super::run::StoredRun;

/// Events in one page; the server gives 51 at most.
const PAGE: u32 = 50;
/// Pages that are looked through for a sender's id.
const PAGES_MAX: u32 = 20;
/// How many events a search by the sender's id reaches back.
pub const SEARCH_MAX: u32 = PAGE * PAGES_MAX;

/// An event that the server has taken.
#[derive(Clone, Debug, Deserialize)]
pub struct StoredEvent {
    /// The server's id.
    pub internal_id: String,
    /// The sender's id, else the server's.
    #[serde(default)]
    pub id: Option<String>,
    /// The name.
    pub name: String,
    /// The data.
    #[serde(default)]
    pub data: Option<Box<RawValue>>,
    /// When it happened, in milliseconds since 1970.
    #[serde(default)]
    pub ts: Option<i64>,
    /// When it came in.
    pub received_at: Timestamp,
}

impl Client {
    /// Events, newest first: at most 51, those of one name if it is given, those older than `before` (the server's id
    /// of an event) if that is given.
    pub async fn events(
        &self,
        name: Option<&str>,
        before: Option<&str>,
        count: u32,
    ) -> Result<Vec<StoredEvent>, ApiError> {
        let mut url = self.api().settings().api(&["v1", "events"]);
        url.query_pairs_mut()
            .append_pair("limit", &count.to_string())
            .extend_pairs(name.map(|name| ("name", name)))
            .extend_pairs(before.map(|id| ("cursor", id)));
        let events: Option<Vec<StoredEvent>> = self.fresh(url).await?;
        Ok(events.unwrap_or_default())
    }

    /// One event by the server's id.
    pub async fn event(&self, id: &str) -> Result<Option<StoredEvent>, ApiError> {
        match self.fresh(self.api().settings().api(&["v1", "events", id])).await {
            // 400 is an id of another form, which no event has.
            Err(error) if matches!(error.status(), Some(400 | 404)) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// One event by the server's or by the sender's id. The server cannot look for the sender's: the newest
    /// [`SEARCH_MAX`] events are looked through.
    pub async fn find_event(&self, id: &str) -> Result<Option<StoredEvent>, ApiError> {
        if ulid::Ulid::from_string(id).is_ok()
            && let Some(event) = self.event(id).await?
        {
            return Ok(Some(event));
        }
        let mut before: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let events = self.events(None, before.as_deref(), PAGE).await?;
            before = events.last().map(|event| event.internal_id.clone());
            if let Some(event) = events.into_iter().find(|event| event.id.as_deref() == Some(id)) {
                return Ok(Some(event));
            }
            if before.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// The runs that an event started, by the server's id of it; none when there is no such event.
    pub async fn event_runs(&self, id: &str) -> Result<Vec<StoredRun>, ApiError> {
        let runs: Option<Vec<StoredRun>> = self.fresh(self.api().settings().api(&["v1", "events", id, "runs"])).await?;
        Ok(runs.unwrap_or_default())
    }
}
