//! A server that answers in the order in which it is told to, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};

use crate::server::{Api, Client, ServerSettings};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Asked {
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("is text"))
    }

    #[track_caller]
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("is JSON")
    }
}

#[derive(Default)]
struct State {
    answers: VecDeque<(u16, String)>,
    asked: Vec<Asked>,
}

#[derive(Clone)]
pub(super) struct Stub {
    origin: String,
    state: Arc<Mutex<State>>,
}

impl Stub {
    /// A server with these answers; then it has none left and says 418.
    pub(super) async fn start<'a>(answers: impl IntoIterator<Item = (u16, &'a str)>) -> Self {
        let answers = answers.into_iter().map(|(status, body)| (status, body.to_owned())).collect();
        let state = Arc::new(Mutex::new(State { answers, asked: Vec::new() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = state.clone();
        let router = Router::new().fallback(async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).expect("is text");
            let mut state = shared.lock().expect("nobody has panicked");
            state.asked.push(Asked { method, uri, headers, body });
            let (status, body) = state.answers.pop_front().unwrap_or((418, String::new()));
            (StatusCode::from_u16(status).expect("is a status"), body)
        });
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { origin, state }
    }

    /// A client of this server with these variables on top.
    #[track_caller]
    pub(super) fn client(&self, variables: &[(&str, &str)]) -> Client {
        let mut all = HashMap::from([("INNGEST_DEV", self.origin.as_str())]);
        all.extend(variables.iter().copied());
        let settings = ServerSettings::read(|name| all.get(name).map(|value| (*value).to_owned()), "app");
        Client::new(Api::new(Arc::new(settings.expect("is fine").expect("names a server"))))
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.state.lock().expect("nobody has panicked").asked.clone()
    }

    /// The only request.
    #[track_caller]
    pub(super) fn only(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }
}
