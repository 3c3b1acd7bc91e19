//! `PUT`: the app is registered, by a request of our own or in the answer itself (`SDK_SPEC.md` §4.3).

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::introspection::authenticated;
use super::request::{CallQuery, Signed};
use super::{Endpoint, is_dev, read, respond};
use crate::server::headers::{self, FRAMEWORK_NAME, SDK_LANGUAGE, SDK_VERSION};
use crate::server::key::SigningKey;
use crate::server::registration::payload::{Runtime, capabilities, functions};
use crate::server::signature::SignatureError;

pub(super) async fn put(State(endpoint): State<Endpoint>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (query, request_headers) = (CallQuery::of(&parts.uri), parts.headers);
    let settings = endpoint.worker.settings();
    let kind = request_headers.get(headers::SYNC_KIND).map(HeaderValue::as_bytes);
    let in_band = kind == Some(b"in_band") && settings.in_band_sync;
    if let Some(connection) = endpoint.connection.get() {
        // The functions travel with each new connection.
        connection.reconnect(None);
        return message(StatusCode::OK, "Connecting anew: the functions are registered with it.", None);
    }
    let mut response = if in_band {
        let body = match read(body).await {
            Ok(body) => body,
            Err((status, text)) => return message(status, &text, None),
        };
        match Signed::check(settings, &request_headers, &body) {
            Ok(signed) if signed.key.is_some() || is_dev(&endpoint) => in_band_sync(&endpoint, &body, signed.key),
            Ok(_) => message(StatusCode::INTERNAL_SERVER_ERROR, &SignatureError::Missing.to_string(), None),
            Err(error) => message(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), None),
        }
    } else {
        out_of_band_sync(&endpoint, &query, &request_headers).await
    };
    let kind = HeaderValue::from_static(if in_band { "in_band" } else { "out_of_band" });
    response.headers_mut().insert(headers::SYNC_KIND, kind);
    response
}

/// Asks the server to take the functions. The address is always this worker's own, never one that the request names:
/// anybody may send such a request.
async fn out_of_band_sync(endpoint: &Endpoint, query: &CallQuery, request_headers: &HeaderMap) -> Response {
    let server_kind = request_headers.get(headers::SERVER_KIND).cloned();
    match endpoint.keeper.register(query.deploy_id.as_deref(), server_kind).await {
        Ok(registered) => {
            let body = json!({ "message": "Successfully synced.", "modified": registered.modified });
            respond(StatusCode::OK, text(&body), None)
        }
        Err(error) => {
            tracing::warn!(%error, "cannot register with the server");
            message(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), None)
        }
    }
}

/// Gives the functions in the answer.
fn in_band_sync(endpoint: &Endpoint, body: &[u8], key: Option<&SigningKey>) -> Response {
    #[derive(Deserialize)]
    struct Request {
        url: String,
    }
    let request = serde_json::from_slice::<Request>(body).map_err(|error| error.to_string());
    let url = match request.and_then(|request| Url::parse(&request.url).map_err(|error| format!("`url`: {error}"))) {
        Ok(url) => url,
        Err(error) => return message(StatusCode::BAD_REQUEST, &format!("the sync request is malformed: {error}"), key),
    };
    let settings = endpoint.worker.settings();
    let url = with_overrides(url, settings.serve_origin.as_ref(), settings.serve_path.as_deref());
    let app_ids = endpoint.worker.app_ids();
    let body = json!({
        "app_id": app_ids.app(),
        "capabilities": capabilities(),
        "env": settings.env,
        "framework": FRAMEWORK_NAME,
        "functions": functions(app_ids, endpoint.worker.registry(), Runtime::Http(&url)),
        "inspection": authenticated(endpoint),
        "platform": headers::platform(),
        "sdk_author": "system-bus",
        "sdk_language": SDK_LANGUAGE,
        "sdk_version": SDK_VERSION,
        "url": url.as_str(),
    });
    respond(StatusCode::OK, text(&body), key)
}

/// The address under which the server reaches this worker, where the operator knows better.
fn with_overrides(mut url: Url, origin: Option<&Url>, path: Option<&str>) -> Url {
    if let Some(origin) = origin {
        let (path, query) = (url.path().to_owned(), url.query().map(str::to_owned));
        url = origin.clone();
        url.set_path(&path);
        url.set_query(query.as_deref());
    }
    if let Some(path) = path {
        url.set_path(path);
    }
    url
}

fn message(status: StatusCode, message: &str, key: Option<&SigningKey>) -> Response {
    respond(status, text(&json!({ "message": message, "modified": false })), key)
}

fn text(body: &Value) -> Bytes {
    // Maps with text for keys can be written.
    Bytes::from(serde_json::to_vec(body).unwrap_or_default())
}
