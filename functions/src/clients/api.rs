//! What the clients of vendors' HTTP interfaces share: one request with a bearer token, and what its failure means.
//!
//! The token is in the request alone: no error holds it, and the answer's text goes into an error without it.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use system_bus_runtime::function::Context;
use system_bus_runtime::prelude::*;

use crate::environment::Environment;
use crate::text::excerpt;

/// A connection that takes longer will not come.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// A vendor that takes longer for a small question has trouble; the step is tried again.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

/// One task, conversation or call is a few kilobytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What is shown of a vendor's refusal.
const REFUSAL_CHARS_MAX: usize = 300;

/// The longest window of a vendor's rate limit here, Todoist's; a message to the operator waits no longer at a time.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(15 * 60);

/// The secrets of the worker, or else what its environment holds.
pub(super) fn secrets(context: &Context) -> Result<Secrets> {
    let own = || Environment::from_context(context).map(|own| Secrets::new(move |name| own.find(name), None));
    context.service().or_else(|_| own())
}

/// One vendor's HTTP interface.
#[derive(Clone)]
pub(super) struct Api {
    vendor: &'static str,
    base: String,
    token: SecretSource,
    secrets: Secrets,
}

impl Api {
    /// The interface of `vendor`, which is named so in errors, below the address `base`.
    pub(super) fn new(vendor: &'static str, base: impl Into<String>, token: SecretSource, secrets: Secrets) -> Self {
        Self { vendor, base: base.into(), token, secrets }
    }

    /// Fails, and says what is missing, when there is no token.
    pub(super) async fn check_token(&self) -> Result<()> {
        self.secrets.get(&self.token).await.map(drop)
    }

    /// `GET base/path…`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(client()?.request(Method::GET, url)).await
    }

    /// `POST base/path…` with a JSON body.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T> {
        self.send(client()?.request(Method::POST, self.url(path)?).json(body)).await
    }

    /// The address of one resource. An id that is no name of one would reach another resource.
    fn url(&self, path: &[&str]) -> Result<Url> {
        let refused = |text: &str| Error::terminal(format!("`{}` cannot be asked: {text}", self.vendor));
        if path.iter().any(|part| matches!(part.trim(), "" | "." | "..")) {
            return Err(refused("an id is empty or no id"));
        }
        let mut url = Url::parse(&self.base).map_err(|error| refused(&format!("its address is no URL: {error}")))?;
        url.path_segments_mut().map_err(|()| refused("its address has no path"))?.pop_if_empty().extend(path);
        Ok(url)
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let token = self.secrets.get(&self.token).await?;
        let failed = |error: reqwest::Error| {
            Error::retryable(format!("the request to `{}` failed: {}", self.vendor, Error::from(error.without_url())))
        };
        let mut response = request.bearer_auth(token.expose()).send().await.map_err(failed)?;
        let body = read(&mut response).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers());
        let Some(body) = body else {
            return Err(Error::terminal(format!(
                "the answer of `{}` is larger than {ANSWER_BYTES_MAX} bytes",
                self.vendor
            )));
        };
        if !status.is_success() {
            return Err(self.refusal(status, headers, &body, &token));
        }
        if is_html(headers) {
            return Err(Error::terminal(format!("`{}` answered with a page instead of JSON", self.vendor)));
        }
        serde_json::from_slice(&body).map_err(|error| {
            // The parser's words may quote the answer; where it stopped says enough.
            let (line, column) = (error.line(), error.column());
            Error::terminal(format!(
                "the answer of `{}` is not as documented (line {line}, column {column})",
                self.vendor
            ))
        })
    }

    /// What it means that the vendor did not do what it was asked.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], token: &Secret) -> Error {
        let mut text = format!("`{}` answered {}", self.vendor, status.as_u16());
        let said = String::from_utf8_lossy(body);
        // A page says nothing to a person who reads an error.
        if !is_html(headers) && !said.trim().is_empty() {
            let said = if token.is_empty() { said.into_owned() } else { said.replace(token.expose(), "…") };
            text = format!("{text}: {}", excerpt(&said, REFUSAL_CHARS_MAX));
        }
        match retry_after(headers) {
            Some(delay) if is_busy(status) => Error::retry_after(text, delay),
            _ if is_busy(status) || status == StatusCode::REQUEST_TIMEOUT || status.is_server_error() => {
                Error::retryable(text)
            }
            _ => Error::terminal(text),
        }
    }
}

fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// When the vendor wants to be asked again: whole seconds from now.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// The whole body; `None` when it is too large.
async fn read(response: &mut Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// The one HTTP client, made at its first use: reading the system's certificates takes time and memory.
fn client() -> Result<&'static Client> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    let made = CLIENT.get_or_init(|| {
        system_bus_runtime::tls::install();
        // A redirect would take the token along, or change what is asked; no interface here needs one.
        let builder = || {
            Client::builder()
                .redirect(Policy::none())
                .connect_timeout(CONNECT_TIME_MAX)
                .timeout(ANSWER_TIME_MAX)
                .user_agent(concat!("system-bus/", env!("CARGO_PKG_VERSION")))
        };
        // Without certificates that can be read, `https` fails and says so.
        builder()
            .build()
            .or_else(|_| builder().tls_certs_only([]).build())
            .map_err(|error| Error::from(error).message().to_owned())
    });
    made.as_ref().map_err(|error| Error::terminal(format!("the HTTP client cannot be made: {error}")))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::clients::vendor::{Answer, Vendor, secrets};

    const TOKEN: &str = "secret-token";

    fn acme(base: impl Into<String>) -> Api {
        let source = SecretSource { variables: &["ACME_TOKEN"], lease: None };
        Api::new("acme", base, source, secrets([("ACME_TOKEN", TOKEN)]))
    }

    async fn failure(answer: Answer) -> Error {
        let vendor = Vendor::start(move |_| answer.clone()).await;
        let api = acme(vendor.base());
        api.get::<Value>(&["things", "1"], &[]).await.expect_err("is refused")
    }

    fn kind(error: &Error) -> (bool, Option<u64>) {
        (error.is_retryable(), error.retry_delay().map(|delay| delay.as_secs()))
    }

    #[tokio::test]
    async fn a_question_is_a_path_below_the_base_with_the_token() {
        let vendor = Vendor::start(|_| Answer::json(&json!({ "ok": true }))).await;
        let api = acme(format!("{}/v2/", vendor.base()));
        let answer: Value = api.get(&["things", "a/b ?"], &[("filter[n]", "+1 2")]).await.expect("is answered");
        assert_eq!(answer, json!({ "ok": true }));
        let [request] = &vendor.requests()[..] else { panic!("one request") };
        assert_eq!(request.line(), "GET /v2/things/a%2Fb%20%3F?filter%5Bn%5D=%2B1+2");
        assert_eq!(request.header("authorization"), "Bearer secret-token");
        assert_eq!(request.body, Value::Null);
    }

    #[tokio::test]
    async fn an_id_cannot_lead_to_another_resource() {
        let vendor = Vendor::start(|_| Answer::json(&json!({}))).await;
        let api = acme(vendor.base());
        for id in ["", " ", ".", ".."] {
            let error = api.get::<Value>(&["things", id], &[]).await.expect_err("is refused");
            assert!(!error.is_retryable(), "{id:?}");
        }
        assert!(vendor.requests().is_empty());
    }

    #[tokio::test]
    async fn what_another_attempt_cannot_cure_is_terminal() {
        for status in [301, 400, 401, 403, 404, 422] {
            let status = StatusCode::from_u16(status).expect("a status");
            let error = failure(Answer::json(&json!({ "error": "no" })).status(status)).await;
            assert_eq!(kind(&error), (false, None), "{status}");
            assert_eq!(error.message(), format!(r#"`acme` answered {}: {{"error":"no"}}"#, status.as_u16()));
        }
    }

    #[tokio::test]
    async fn trouble_of_the_vendor_is_tried_again() {
        for status in [408, 429, 500, 502, 503, 504] {
            let status = StatusCode::from_u16(status).expect("a status");
            let error = failure(Answer::text("text/plain", "later").status(status)).await;
            assert_eq!(kind(&error), (true, None), "{status}");
        }
    }

    #[tokio::test]
    async fn a_busy_vendor_says_when() {
        let busy = |value: &'static str| {
            Answer::json(&json!({})).status(StatusCode::TOO_MANY_REQUESTS).header("retry-after", value)
        };
        assert_eq!(kind(&failure(busy("7")).await), (true, Some(7)));
        assert_eq!(kind(&failure(busy("999999")).await), (true, Some(RETRY_AFTER_MAX.as_secs())));
        assert_eq!(kind(&failure(busy("soon")).await), (true, None));
        let refused = busy("7").status(StatusCode::NOT_FOUND);
        assert_eq!(kind(&failure(refused).await), (false, None));
    }

    #[tokio::test]
    async fn a_page_instead_of_json_is_terminal_and_not_quoted() {
        let page = || Answer::text("text/html; charset=utf-8", "<html>log in</html>");
        let error = failure(page()).await;
        assert_eq!(kind(&error), (false, None));
        assert_eq!(error.message(), "`acme` answered with a page instead of JSON");
        // A proxy before the vendor says so with a page.
        let error = failure(page().status(StatusCode::BAD_GATEWAY)).await;
        assert_eq!(kind(&error), (true, None));
        assert_eq!(error.message(), "`acme` answered 502");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_as_documented_is_terminal() {
        for body in ["", "not json", "{\"a\":"] {
            let error = failure(Answer::text("application/json", body)).await;
            assert_eq!(kind(&error), (false, None), "{body:?}");
            assert!(error.message().starts_with("the answer of `acme` is not as documented"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_answer_has_a_bound() {
        let error = failure(Answer::text("application/json", &"1".repeat(ANSWER_BYTES_MAX + 1))).await;
        assert_eq!(kind(&error), (false, None));
        assert_eq!(error.message(), "the answer of `acme` is larger than 1048576 bytes");
    }

    #[tokio::test]
    async fn without_a_token_nobody_is_asked() {
        let vendor = Vendor::start(|_| Answer::json(&json!({}))).await;
        let source = SecretSource { variables: &["ACME_TOKEN"], lease: Some("acme_token") };
        let api = Api::new("acme", vendor.base(), source, secrets([]));
        let error = api.get::<Value>(&["things", "1"], &[]).await.expect_err("has no token");
        assert!(!error.is_retryable());
        assert!(error.message().starts_with("`ACME_TOKEN` (lease `acme_token`) is not set"), "{error}");
        assert_eq!(api.check_token().await.expect_err("has no token").message(), error.message());
        assert!(vendor.requests().is_empty());
    }

    #[tokio::test]
    async fn an_error_never_holds_the_token() {
        let echo = json!({ "detail": format!("the key {TOKEN} is wrong") });
        let error = failure(Answer::json(&echo).status(StatusCode::UNAUTHORIZED)).await;
        assert!(error.message().contains("the key … is wrong"), "{error}");
        assert!(!format!("{error:?}").contains(TOKEN));
        let error = failure(Answer::text("text/plain", &"x".repeat(10_000)).status(StatusCode::NOT_FOUND)).await;
        assert!(error.message().chars().count() < REFUSAL_CHARS_MAX + 50);
    }

    #[tokio::test]
    async fn nobody_there_is_tried_again_and_the_address_is_not_told() {
        let vendor = Vendor::start(|_| Answer::json(&json!({}))).await;
        let base = vendor.base().to_owned();
        vendor.stop().await;
        let api = acme(format!("{base}/path-in-address"));
        let error = api.get::<Value>(&["things", "1"], &[]).await.expect_err("nobody answers");
        assert!(error.is_retryable());
        assert!(error.message().starts_with("the request to `acme` failed: "), "{error}");
        assert!(!error.message().contains("path-in-address"), "{error}");
    }
}
