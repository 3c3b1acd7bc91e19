//! Whom commands ask: a worker with the embedded engine, or the server that the environment names.
//!
//! Both give the same JSON documents. What a server does not tell is `null` in them.

mod server;
pub(crate) mod view;

use serde_json::value::RawValue;
use system_bus_engine::RunStatus;

use crate::client::{Client, ClientError};

pub(crate) use server::Server;

/// Who answers a command.
pub(crate) enum Backend {
    /// A worker.
    Worker(Client),
    /// A server.
    Server(Server),
}

impl Backend {
    /// The newest runs, as a list of [`view::RunView`].
    pub(crate) async fn runs(&self, count: u32, status: Option<RunStatus>) -> Result<Box<RawValue>, ClientError> {
        match self {
            Self::Worker(client) => {
                let mut query = vec![("limit", count.to_string())];
                query.extend(status.map(|status| ("status", status.to_string())));
                client.data(&["runs"], &query).await
            }
            Self::Server(server) => document(&server.runs(count, status).await?),
        }
    }

    /// One run with its steps, as [`view::RunDetailView`].
    pub(crate) async fn run(&self, id: &str) -> Result<Box<RawValue>, ClientError> {
        match self {
            Self::Worker(client) => client.data(&["runs", id], &[]).await,
            Self::Server(server) => document(&server.run(id).await?),
        }
    }

    /// What became of an event, as [`view::FatesView`].
    pub(crate) async fn fates(&self, event: &str) -> Result<Box<RawValue>, ClientError> {
        match self {
            Self::Worker(client) => client.data(&["events", event, "fates"], &[]).await,
            Self::Server(server) => document(&server.fates(event).await?),
        }
    }

    /// Ends a run: `{"run_id", "status"}`.
    pub(crate) async fn cancel(&self, run: &str) -> Result<Box<RawValue>, ClientError> {
        match self {
            Self::Worker(client) => client.cancel(run).await,
            Self::Server(server) => document(&server.cancel(run).await?),
        }
    }
}

fn document(value: &impl serde::Serialize) -> Result<Box<RawValue>, ClientError> {
    let text = serde_json::to_string_pretty(value).and_then(RawValue::from_string);
    text.map_err(|error| ClientError::Refused(format!("the answer cannot be written: {error}")))
}
