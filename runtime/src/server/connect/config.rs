//! What a Connect worker must know.

use bytes::Bytes;
use reqwest::Url;

use crate::server::SigningKeys;

/// What a Connect worker must know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server's API is; its path is kept.
    pub api_origin: Url,
    /// The gateway to dial in place of the one that the server names (`INNGEST_CONNECT_GATEWAY_URL`).
    pub gateway: Option<Url>,
    /// What proves who the worker is; empty for a Dev Server.
    pub keys: SigningKeys,
    /// The branch environment.
    pub env: Option<String>,
    /// A name of this worker that stays the same over restarts and that no other worker of the environment has: the
    /// server counts the running requests of each.
    pub instance_id: String,
    /// The apps that the worker serves; servers allow ten of them.
    pub apps: Vec<App>,
    /// The language part of the SDK's name.
    pub sdk_language: String,
    /// The SDK's version, without `v`.
    pub sdk_version: String,
    /// The framework that the worker reports.
    pub framework: String,
    /// The platform that hosts the worker.
    pub platform: Option<String>,
    /// Requests executed at the same time (`INNGEST_CONNECT_MAX_WORKER_CONCURRENCY`); at least 1.
    pub max_worker_concurrency: usize,
}

/// An app that a worker serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub name: String,
    /// Which version of it this is.
    pub version: Option<String>,
    /// The functions as in a sync (`SDK_SPEC.md` §4.3.2), a JSON array. Each has a step whose runtime is
    /// `{"type":"ws","url":"ws://connect?fnId={function}&stepId=step"}`: the server finds the function's workers by
    /// that address, although §8.2 calls it optional, and fails every run without it.
    pub functions: Bytes,
}
