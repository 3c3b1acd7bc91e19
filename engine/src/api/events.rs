//! `POST /e/{key}` and `GET /v1/events…`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event::{NewEvent, check_event};
use system_bus_runtime::registry::Registry;

use super::extract::{Path, Query};
use system_bus_runtime::rejection::Rejection;

use super::{Api, is_same};
use crate::handle::Engine;
use crate::limits;
use crate::query::{EventDetail, EventSummary, Fates, RunSummary};

#[derive(Deserialize)]
pub(super) struct ReceiveQuery {
    /// Takes in events that no type declares.
    #[serde(default)]
    allow_unhandled: bool,
}

#[derive(Serialize)]
pub(super) struct Received {
    ids: Vec<String>,
    status: u16,
}

pub(super) async fn receive(
    State(api): State<Api>,
    Path(key): Path<String>,
    Query(query): Query<ReceiveQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Received>, Rejection> {
    if api.keys.event.as_ref().is_some_and(|expected| !is_same(expected, &key)) {
        return Err(Rejection::unauthorized("the event key is wrong"));
    }
    let body = body.map_err(|rejection| Rejection::new(rejection.status(), body_problem(rejection.status())))?;
    let mut events = parse(&body)?;
    for event in &mut events {
        check_readable(&api.engine, event, query.allow_unhandled)?;
    }
    let accepted = api.engine.send(events).await?;
    let ids = accepted.into_iter().map(|event| event.id.to_string()).collect();
    Ok(Json(Received { ids, status: 200 }))
}

/// Checks an event as the functions will see it: a field that the sender has encrypted does not fit its type as it is.
fn check_readable(engine: &Engine, event: &mut NewEvent, allow_unknown: bool) -> Result<(), Rejection> {
    let middleware = engine.middleware();
    if middleware.is_empty() {
        return Ok(check_event(engine.registry(), event, allow_unknown)?);
    }
    check_event(&Registry::default(), event, true)?;
    let mut readable = event.clone();
    middleware.reveal_event(&mut readable).map_err(|error| Rejection::bad_request(error.message().to_owned()))?;
    Ok(check_event(engine.registry(), &mut readable, allow_unknown)?)
}

pub(super) async fn receive_without_key(
    state: State<Api>,
    query: Query<ReceiveQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Received>, Rejection> {
    receive(state, Path(String::new()), query, body).await
}

fn body_problem(status: StatusCode) -> String {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            format!("the request is larger than {} bytes: send fewer events at once", limits::REQUEST_BYTES_MAX)
        }
        _ => "the body could not be read".to_owned(),
    }
}

/// One event, or an array of them.
fn parse(body: &[u8]) -> Result<Vec<NewEvent>, Rejection> {
    let not_json = |error: serde_json::Error| {
        let kind = if error.is_data() { "is not an event" } else { "is not JSON" };
        Rejection::bad_request(format!("the body {kind}: {error}"))
    };
    let events = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => serde_json::from_slice(body).map_err(not_json)?,
        Some(_) => vec![serde_json::from_slice(body).map_err(not_json)?],
        None => return Err(Rejection::bad_request("the body is empty: send `{\"name\": …, \"data\": {…}}`")),
    };
    if events.len() > limits::EVENTS_PER_REQUEST_MAX {
        let text = format!("{} events in one request, the limit is {}", events.len(), limits::EVENTS_PER_REQUEST_MAX);
        return Err(Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    Ok(events)
}

#[derive(Serialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

#[derive(Deserialize)]
pub(super) struct EventsQuery {
    #[serde(default)]
    name: Option<String>,
    #[serde(default = "default_count")]
    limit: u32,
}

fn default_count() -> u32 {
    20
}

pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Data<Vec<EventSummary>>>, Rejection> {
    Ok(Json(Data { data: api.engine.events(query.name, query.limit).await? }))
}

pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Data<EventDetail>>, Rejection> {
    let event = api.engine.event(id.clone()).await?;
    event.map(|data| Json(Data { data })).ok_or_else(|| unknown(&id))
}

pub(super) async fn runs(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Data<Vec<RunSummary>>>, Rejection> {
    let runs = api.engine.event_runs(id.clone()).await?;
    runs.map(|data| Json(Data { data })).ok_or_else(|| unknown(&id))
}

pub(super) async fn fates(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Data<Fates>>, Rejection> {
    let fates = api.engine.fates(id.clone()).await?;
    fates.map(|data| Json(Data { data })).ok_or_else(|| unknown(&id))
}

fn unknown(id: &str) -> Rejection {
    Rejection::not_found(format!("no event has the id `{id}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use system_bus_runtime::function::Services;
    use system_bus_runtime::middleware::{Encryption, EncryptionKey, MiddlewareStack};
    use system_bus_runtime::prelude::*;

    use super::*;
    use crate::Config;

    /// Was sent with a secret.
    #[event("api/secret.sent")]
    struct SecretSent {
        /// The secret.
        encrypted: u32,
    }

    fn stack(secret: &str) -> MiddlewareStack {
        MiddlewareStack::default().with(Encryption::new(EncryptionKey::derive(secret).unwrap()))
    }

    fn sent(data: &Value, stack: &MiddlewareStack) -> NewEvent {
        let mut events = vec![NewEvent::named("api/secret.sent", serde_json::value::to_raw_value(data).unwrap())];
        stack.before_send(&mut events).unwrap();
        events.remove(0)
    }

    #[tokio::test]
    async fn an_encrypted_event_is_checked_as_the_functions_will_see_it() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config { directory: directory.path().to_owned() };
        let engine = Engine::open_with(&config, &Registry::linked(), Services::default(), stack("k")).unwrap();
        let check = |mut event| check_readable(&engine, &mut event, false);
        assert_eq!(check(sent(&json!({"encrypted": 1}), &stack("k"))), Ok(()));
        assert_eq!(check(sent(&json!({"encrypted": 1}), &MiddlewareStack::default())), Ok(()));
        let unfit = check(sent(&json!({"encrypted": "text"}), &stack("k"))).unwrap_err();
        assert!(format!("{unfit:?}").contains("does not fit its schema"), "{unfit:?}");
        let closed = check(sent(&json!({"encrypted": 1}), &stack("other"))).unwrap_err();
        assert!(format!("{closed:?}").contains("cannot be decrypted"), "{closed:?}");
    }
}
