//! `POST /e/{key}` and `GET /v1/events…`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use system_bus_runtime::event::{DecodeError, NameProblem, NewEvent, check_name};
use system_bus_runtime::registry::Registry;

use super::extract::{Path, Query};
use super::{Api, ApiError, is_same};
use crate::handle::Engine;
use crate::limits;
use crate::query::{EventDetail, EventSummary, Fates, RunSummary};

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventProblem {
    /// The name cannot be used.
    #[error(transparent)]
    Name(#[from] NameProblem),
    /// No type declares the name.
    #[error("unknown event `{name}`{}", nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The declared name that is most like it.
        nearest: Option<&'static str>,
    },
    /// The data is no JSON object.
    #[error("the data of `{0}` must be a JSON object")]
    NotAnObject(String),
    /// The data does not fit the event's type.
    #[error("the data of `{name}` does not fit its schema: {error}")]
    Schema {
        /// The event's name.
        name: String,
        /// What does not fit, with the field's path.
        error: DecodeError,
    },
    /// The event's own id is too long.
    #[error("the `id` of `{name}` has {bytes} bytes, the limit is {}", limits::EVENT_ID_BYTES_MAX)]
    Id {
        /// The event's name.
        name: String,
        /// The id's size.
        bytes: usize,
    },
    /// The data is JSON that cannot be looked into.
    #[error("the data of `{name}` cannot be read: {message}")]
    Unreadable {
        /// The event's name.
        name: String,
        /// What is wrong, such as nesting beyond 128 levels.
        message: String,
    },
    /// The event is too large.
    #[error("the event `{name}` has {bytes} bytes, the limit is {}", limits::EVENT_BYTES_MAX)]
    TooLarge {
        /// The event's name.
        name: String,
        /// Its size.
        bytes: usize,
    },
}

/// Whether an event may come in; with `allow_unknown` also one that no type declares.
pub fn check_event(registry: &Registry, event: &mut NewEvent, allow_unknown: bool) -> Result<(), EventProblem> {
    check_name(&event.name)?;
    let bytes = event.data.get().len();
    if bytes > limits::EVENT_BYTES_MAX {
        return Err(EventProblem::TooLarge { name: event.name.clone(), bytes });
    }
    let id_bytes = event.id.iter().chain(&event.v).map(String::len).max().unwrap_or(0);
    if id_bytes > limits::EVENT_ID_BYTES_MAX {
        return Err(EventProblem::Id { name: event.name.clone(), bytes: id_bytes });
    }
    if event.data.get() == "null" {
        event.data = empty_object();
    }
    if !event.data.get().starts_with('{') {
        return Err(EventProblem::NotAnObject(event.name.clone()));
    }
    // What a type ignores, a condition may still read: all of it must be readable.
    if let Err(error) = serde_json::from_str::<serde_json::Value>(event.data.get()) {
        return Err(EventProblem::Unreadable { name: event.name.clone(), message: error.to_string() });
    }
    match registry.event(&event.name) {
        Some(registration) => {
            (registration.check)(&event.data).map_err(|error| EventProblem::Schema { name: event.name.clone(), error })
        }
        None if allow_unknown => Ok(()),
        None => Err(EventProblem::Unknown { name: event.name.clone(), nearest: registry.nearest_event(&event.name) }),
    }
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

impl From<EventProblem> for ApiError {
    fn from(problem: EventProblem) -> Self {
        let status = match problem {
            EventProblem::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, problem.to_string())
    }
}

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
) -> Result<Json<Received>, ApiError> {
    if api.keys.event.as_ref().is_some_and(|expected| !is_same(expected, &key)) {
        return Err(ApiError::unauthorized("the event key is wrong"));
    }
    let body = body.map_err(|rejection| ApiError::new(rejection.status(), body_problem(rejection.status())))?;
    let mut events = parse(&body)?;
    for event in &mut events {
        check_readable(&api.engine, event, query.allow_unhandled)?;
    }
    let accepted = api.engine.send(events).await?;
    let ids = accepted.into_iter().map(|event| event.id.to_string()).collect();
    Ok(Json(Received { ids, status: 200 }))
}

/// Checks an event as the functions will see it: a field that the sender has encrypted does not fit its type as it is.
fn check_readable(engine: &Engine, event: &mut NewEvent, allow_unknown: bool) -> Result<(), ApiError> {
    let middleware = engine.middleware();
    if middleware.is_empty() {
        return Ok(check_event(engine.registry(), event, allow_unknown)?);
    }
    check_event(&Registry::default(), event, true)?;
    let mut readable = event.clone();
    middleware.reveal_event(&mut readable).map_err(|error| ApiError::bad_request(error.message().to_owned()))?;
    Ok(check_event(engine.registry(), &mut readable, allow_unknown)?)
}

pub(super) async fn receive_without_key(
    state: State<Api>,
    query: Query<ReceiveQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Received>, ApiError> {
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
fn parse(body: &[u8]) -> Result<Vec<NewEvent>, ApiError> {
    let not_json = |error: serde_json::Error| {
        let kind = if error.is_data() { "is not an event" } else { "is not JSON" };
        ApiError::bad_request(format!("the body {kind}: {error}"))
    };
    let events = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => serde_json::from_slice(body).map_err(not_json)?,
        Some(_) => vec![serde_json::from_slice(body).map_err(not_json)?],
        None => return Err(ApiError::bad_request("the body is empty: send `{\"name\": …, \"data\": {…}}`")),
    };
    if events.len() > limits::EVENTS_PER_REQUEST_MAX {
        let text = format!("{} events in one request, the limit is {}", events.len(), limits::EVENTS_PER_REQUEST_MAX);
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text));
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
) -> Result<Json<Data<Vec<EventSummary>>>, ApiError> {
    Ok(Json(Data { data: api.engine.events(query.name, query.limit).await? }))
}

pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Data<EventDetail>>, ApiError> {
    let event = api.engine.event(id.clone()).await?;
    event.map(|data| Json(Data { data })).ok_or_else(|| unknown(&id))
}

pub(super) async fn runs(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Data<Vec<RunSummary>>>, ApiError> {
    let runs = api.engine.event_runs(id.clone()).await?;
    runs.map(|data| Json(Data { data })).ok_or_else(|| unknown(&id))
}

pub(super) async fn fates(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Data<Fates>>, ApiError> {
    let fates = api.engine.fates(id.clone()).await?;
    fates.map(|data| Json(Data { data })).ok_or_else(|| unknown(&id))
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("no event has the id `{id}`"))
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
