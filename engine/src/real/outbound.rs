//! Requests that steps ask for, against a server that notes what it was sent.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use system_bus_runtime::function::StepKind;

use super::*;
use crate::StepDetail;

/// Asks for a request.
#[event("real/fetch.requested")]
struct FetchRequested {
    url: String,
}

/// Asks for an answer of a model.
#[event("real/infer.requested")]
struct InferRequested {
    url: String,
    format: String,
}

/// Makes one request at a time, and gives it up when told to.
#[inngest_fn(id = "real-fetch", event = FetchRequested, concurrency = 1)]
async fn real_fetch(event: Event<FetchRequested>, step: Step) -> Result<(u16, Option<String>, String)> {
    let request = FetchRequest::new(Method::PUT, format!("{}?token=s3cret-query", event.data.url))
        .header("Authorization", "Bearer s3cret-header")
        .json(&json!({ "password": "s3cret-body" }));
    let response = step.fetch("get", request).await?;
    Ok((response.status, response.header("X-Two").map(str::to_owned), response.body))
}

/// Asks a model.
#[inngest_fn(id = "real-infer", event = InferRequested)]
async fn real_infer(event: Event<InferRequested>, step: Step) -> Result<Value> {
    let url = event.data.url;
    let body = json!({ "model": "m" });
    let request = match event.data.format.as_str() {
        "anthropic" => InferRequest::anthropic("s3cret-key", body),
        "gemini" => InferRequest::gemini("m", "s3cret-key", body),
        "bedrock" => InferRequest::new(InferFormat::Bedrock, "", "s3cret-key", body),
        "keyless" => InferRequest::openai_chat("", body),
        _ => InferRequest::openai_chat("s3cret-key", body).header("x-agent", "s3cret-agent"),
    };
    Ok(step.ai().infer("ask", request.url(url)).await?)
}

/// Asks for a request that loses a race.
#[event("real/fetch-race.requested")]
struct FetchRaceRequested {
    url: String,
}

/// A request against what the test lets go, which goes on afterwards.
#[inngest_fn(id = "real-fetch-race", event = FetchRaceRequested)]
async fn real_fetch_race(event: Event<FetchRaceRequested>, step: Step, bench: Bench) -> Result<&'static str> {
    let released = async || {
        bench.release.notified().await;
        Ok::<_, Error>(())
    };
    let winner = tokio::select! {
        _ = step.fetch("slow", FetchRequest::get(event.data.url)) => "response",
        _ = step.run("released", released()) => "release",
    };
    step.run("released-again", released()).await?;
    Ok(winner)
}

/// What the server was sent, and when a request has come or gone.
#[derive(Clone, Default)]
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Sent>>>,
    entered: Arc<Notify>,
    left: Arc<Notify>,
}

#[derive(Clone, Debug)]
struct Sent {
    line: String,
    headers: HeaderMap,
    body: String,
}

impl Server {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    fn sent(&self) -> Vec<Sent> {
        self.requests.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.line).collect()
    }
}

async fn answer(Shared(server): Shared<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let count = {
        let mut requests = server.requests.lock().unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        requests.push(Sent { line: format!("{method} {uri}"), headers: headers.clone(), body });
        requests.len()
    };
    match uri.path() {
        "/items" => (StatusCode::IM_A_TEAPOT, [("x-one", "1"), ("x-two", "2")], "short and stout").into_response(),
        "/large" => "x".repeat(crate::limits::RESPONSE_BYTES_MAX + 1).into_response(),
        "/moved" => (StatusCode::TEMPORARY_REDIRECT, [("location", "/items")], "").into_response(),
        "/moving" => (StatusCode::TEMPORARY_REDIRECT, [("location", "/moving")], "").into_response(),
        "/busy" if count == 1 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "").into_response(),
        "/refused" => (StatusCode::UNAUTHORIZED, format!("no such caller: {headers:?}")).into_response(),
        "/text" => "not JSON".into_response(),
        "/hang" => {
            let _left = Left(server.left.clone());
            server.entered.notify_one();
            std::future::pending().await
        }
        _ => axum::Json(json!({ "answer": 42 })).into_response(),
    }
}

/// Tells when its request is gone.
struct Left(Arc<Notify>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A run of a function that asks for a request, in an engine of its own.
struct Asked {
    directory: tempfile::TempDir,
    engine: Engine,
    run: RunId,
}

impl Asked {
    async fn start<T: EventData>(data: &T) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(directory.path(), &Bench::default());
        let run = start(&engine, data).await;
        Self { directory, engine, run }
    }

    async fn fetch(url: String) -> Self {
        Self::start(&FetchRequested { url }).await
    }

    async fn infer(format: &str, url: String) -> Self {
        Self::start(&InferRequested { url, format: format.to_owned() }).await
    }

    /// The output of the run, once it has ended.
    async fn output(&self) -> Value {
        output(&wait(&self.engine, self.run, |detail| detail.run.ended_at.is_some()).await)
    }

    /// The step after a failed attempt, and the attempt's error.
    async fn retrying(&self) -> (StepDetail, String, String) {
        let detail = wait(&self.engine, self.run, |detail| !detail.step_details.is_empty()).await;
        let step = detail.step_details.into_iter().next().unwrap();
        assert_eq!(step.status, "Retrying");
        let error: Value = serde_json::from_str(step.output.as_ref().unwrap().get()).unwrap();
        let text = |key: &str| error[key].as_str().unwrap().to_owned();
        (step, text("name"), text("message"))
    }

    /// Stops the engine and looks for secrets in all that it has written.
    async fn keeps_no_secret(self) {
        self.engine.stop(Duration::ZERO).await;
        for file in std::fs::read_dir(self.directory.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"s3cret"), "a secret is in {}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_sends_what_it_was_given_and_yields_any_status() {
    let server = Server::start().await;
    let asked = Asked::fetch(server.at("/items")).await;
    assert_eq!(asked.output().await, json!([418, "2", "short and stout"]));
    let sent = server.sent().remove(0);
    assert_eq!(sent.line, "PUT /items?token=s3cret-query");
    assert_eq!(
        (&sent.headers["authorization"], &sent.headers["content-type"]),
        (&"Bearer s3cret-header".parse().unwrap(), &"application/json".parse().unwrap())
    );
    assert_eq!(sent.body, r#"{"password":"s3cret-body"}"#);
    let detail = asked.engine.run(asked.run).await.unwrap().unwrap();
    assert_eq!((detail.step_details[0].kind, detail.step_details[0].attempts), (StepKind::Fetch, 1));
    asked.keeps_no_secret().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_reaches_nobody_is_tried_again() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let asked = Asked::fetch(format!("http://{closed}/items")).await;
    let (step, name, message) = asked.retrying().await;
    assert_eq!((step.kind, step.attempts, name.as_str()), (StepKind::Fetch, 1, "GatewayError"));
    assert!(message.contains("`127.0.0.1`"), "{message}");
    asked.keeps_no_secret().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_speaks_tls() {
    let server = Server::start().await;
    let asked = Asked::fetch(server.at("/items").replace("http://", "https://")).await;
    let (_, name, message) = asked.retrying().await;
    assert_eq!(name, "GatewayError");
    assert!(message.contains("InvalidContentType"), "the other side speaks no TLS: {message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_of_no_web_address_fails_for_good() {
    for url in ["items", "file:///etc/passwd"] {
        let output = Asked::fetch(url.to_owned()).await.output().await;
        assert_eq!(output["name"], "GatewayError", "{url}");
        assert!(!output.to_string().contains("s3cret"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_too_large_fails_for_good() {
    let server = Server::start().await;
    let output = Asked::fetch(server.at("/large")).await.output().await;
    assert_eq!(output["name"], "ResponseTooLargeError");
    assert_eq!(server.sent().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_follows_redirects_but_not_for_ever() {
    let server = Server::start().await;
    assert_eq!(Asked::fetch(server.at("/moved")).await.output().await[0], 418);
    assert_eq!(server.lines(), ["PUT /moved?token=s3cret-query", "PUT /items"]);
    let asked = Asked::fetch(server.at("/moving")).await;
    let (_, name, message) = asked.retrying().await;
    assert_eq!(name, "GatewayError");
    assert!(message.contains("redirect"), "{message}");
    assert_eq!(server.sent().len(), 2 + 1 + crate::limits::REDIRECTS_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_drops_its_request() {
    let server = Server::start().await;
    let asked = Asked::fetch(server.at("/hang")).await;
    server.entered.notified().await;
    asked.engine.cancel(asked.run).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), server.left.notified()).await.expect("the request goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_loses_a_race_is_dropped_while_its_run_goes_on() {
    let server = Server::start().await;
    let (directory, bench) = (tempfile::tempdir().unwrap(), Bench::default());
    let engine = open(directory.path(), &bench);
    let run = start(&engine, &FetchRaceRequested { url: server.at("/hang") }).await;
    server.entered.notified().await;
    bench.release.notify_one();
    tokio::time::timeout(Duration::from_secs(30), server.left.notified()).await.expect("the request goes on");
    bench.release.notify_one();
    let detail = wait(&engine, run, |detail| detail.run.status == RunStatus::Completed).await;
    assert_eq!(output(&detail), "release");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_holds_a_place_under_the_functions_limit() {
    let server = Server::start().await;
    let first = Asked::fetch(server.at("/hang")).await;
    server.entered.notified().await;
    let second = start(&first.engine, &FetchRequested { url: server.at("/items") }).await;
    let waiting = first.engine.run(second).await.unwrap().unwrap();
    assert_eq!((waiting.run.ended_at, server.sent().len()), (None, 1));
    first.engine.cancel(first.run).await.unwrap();
    wait(&first.engine, second, |detail| detail.run.status == RunStatus::Completed).await;
    assert_eq!(server.sent().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_in_the_way_of_its_provider() {
    let server = Server::start().await;
    for (format, header, value, line) in [
        ("openai-chat", "authorization", Some("Bearer s3cret-key"), "POST /v1"),
        ("anthropic", "x-api-key", Some("s3cret-key"), "POST /v1"),
        ("bedrock", "authorization", Some("s3cret-key"), "POST /v1"),
        ("gemini", "authorization", None, "POST /v1?key=s3cret-key"),
        ("keyless", "authorization", None, "POST /v1"),
    ] {
        let asked = Asked::infer(format, server.at("/v1")).await;
        assert_eq!(asked.output().await, json!({ "answer": 42 }), "{format}");
        let sent = server.sent().pop().unwrap();
        assert_eq!(sent.headers.get(header).map(|value| value.to_str().unwrap()), value, "{format}");
        assert_eq!((sent.line.as_str(), sent.body.as_str()), (line, r#"{"model":"m"}"#), "{format}");
        assert_eq!(sent.headers["content-type"], "application/json", "{format}");
        asked.keeps_no_secret().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_provider_is_asked_again_when_it_says() {
    let server = Server::start().await;
    let asked = Asked::infer("openai-chat", server.at("/busy")).await;
    assert_eq!(asked.output().await, json!({ "answer": 42 }));
    let detail = asked.engine.run(asked.run).await.unwrap().unwrap();
    assert_eq!((detail.step_details[0].kind, detail.step_details[0].attempts), (StepKind::Infer, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_redirect_of_a_model_are_failed_attempts_without_secrets() {
    let server = Server::start().await;
    for (path, part) in
        [("/refused", "answered 401: no such caller"), ("/moved", "answered 307"), ("/text", "not JSON")]
    {
        let asked = Asked::infer("openai-chat", server.at(path)).await;
        let (step, name, message) = asked.retrying().await;
        assert_eq!((step.kind, name.as_str()), (StepKind::Infer, "AIGatewayError"), "{path}");
        assert!(message.contains(part) && message.contains("`127.0.0.1`"), "{message}");
        asked.keeps_no_secret().await;
    }
    assert_eq!(server.lines(), ["POST /refused", "POST /moved", "POST /text"]);
}
