//! `GET`: what this app is; more of it for a request that the server has signed (`SDK_SPEC.md` §4.5).

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::request::Signed;
use super::{Endpoint, respond};
use crate::server::headers::{FRAMEWORK_NAME, SDK_LANGUAGE, SDK_VERSION, SIGNATURE};
use crate::server::key::SigningKey;
use crate::server::registration::payload::capabilities;

/// The version of the answer's shape.
const SCHEMA_VERSION: &str = "2024-05-24";

pub(super) async fn get(State(endpoint): State<Endpoint>, headers: HeaderMap) -> Response {
    let signed = Signed::check(endpoint.worker.settings(), &headers, &[]);
    let (body, key) = match &signed {
        Ok(Signed { key: Some(key) }) => (authenticated(&endpoint), Some(*key)),
        _ => (unauthenticated(&endpoint, headers.contains_key(SIGNATURE)), None),
    };
    // A map with text for keys can be written.
    respond(StatusCode::OK, Bytes::from(serde_json::to_vec(&body).unwrap_or_default()), key)
}

fn unauthenticated(endpoint: &Endpoint, signed: bool) -> Value {
    let settings = endpoint.worker.settings();
    json!({
        "authentication_succeeded": if signed { json!(false) } else { Value::Null },
        "capabilities": capabilities(),
        "function_count": endpoint.worker.registry().functions().len(),
        "has_event_key": settings.event_key.is_some(),
        "has_signing_key": settings.keys.current.is_some(),
        "has_signing_key_fallback": settings.keys.fallback.is_some(),
        "mode": settings.mode.name(),
        "schema_version": SCHEMA_VERSION,
    })
}

/// What only the server is told: origins, and hashes of the keys.
pub(super) fn authenticated(endpoint: &Endpoint) -> Value {
    let settings = endpoint.worker.settings();
    let hash = |key: &Option<SigningKey>| key.as_ref().map(|key| key.hash().to_owned());
    let mut body = unauthenticated(endpoint, true);
    body["authentication_succeeded"] = json!(true);
    body["api_origin"] = json!(settings.api_origin.as_str());
    body["app_id"] = json!(endpoint.worker.app_ids().app());
    body["env"] = json!(settings.env);
    body["event_api_origin"] = json!(settings.event_origin.as_str());
    body["event_key_hash"] = json!(settings.event_key.as_ref().map(|key| hex::encode(Sha256::digest(key))));
    body["framework"] = json!(FRAMEWORK_NAME);
    body["sdk_language"] = json!(SDK_LANGUAGE);
    body["sdk_version"] = json!(SDK_VERSION);
    body["serve_origin"] = json!(settings.serve_origin.as_ref().map(|url| url.as_str()));
    body["serve_path"] = json!(settings.serve_path);
    body["signing_key_fallback_hash"] = json!(hash(&settings.keys.fallback));
    body["signing_key_hash"] = json!(hash(&settings.keys.current));
    body
}
