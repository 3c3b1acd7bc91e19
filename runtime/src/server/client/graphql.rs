//! The server's GraphQL at `/v0/gql`. A self-hosted server asks for no key there; one is sent nevertheless.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::api::{GraphQlError, shown};
use super::super::error::ApiError;
use super::Client;

#[derive(Serialize)]
struct Question<'q, V> {
    query: &'q str,
    variables: V,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

impl Client {
    /// Asks one question; questions change nothing, so that they are repeated while the server has trouble.
    pub(super) async fn ask<T: DeserializeOwned>(&self, query: &str, variables: impl Serialize) -> Result<T, ApiError> {
        let url = self.api().settings().api(&["v0", "gql"]);
        let strange = |error: serde_json::Error| ApiError::Strange { origin: shown(&url), reason: error.to_string() };
        let body = Bytes::from(serde_json::to_vec(&Question { query, variables }).map_err(strange)?);
        let answer = self.api().ask_patiently(Method::POST, url.clone(), Some(body), HeaderMap::new()).await;
        let body = answer.map_err(|error| match error.status() {
            Some(404 | 405) => ApiError::NoGraphQl { origin: shown(&url) },
            _ => error,
        })?;
        // A server without GraphQL answers with the page of its user interface.
        if body.starts_with(b"<") {
            return Err(ApiError::NoGraphQl { origin: shown(&url) });
        }
        let answer: Answer<T> = serde_json::from_slice(&body).map_err(strange)?;
        match (answer.errors.into_iter().next(), answer.data) {
            (None, Some(data)) => Ok(data),
            (Some(GraphQlError { message }), _) => Err(ApiError::Refused { origin: shown(&url), status: 200, message }),
            (None, None) => Err(ApiError::Strange { origin: shown(&url), reason: "it holds no `data`".to_owned() }),
        }
    }
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection<T> {
    pub(super) edges: Vec<Edge<T>>,
    pub(super) page_info: PageInfo,
}

#[derive(Deserialize)]
pub(super) struct Edge<T> {
    pub(super) node: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub(super) has_next_page: bool,
    #[serde(default)]
    pub(super) end_cursor: Option<String>,
}
