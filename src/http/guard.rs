//! Keeps web pages of others away from a worker, which a browser on the same machine can reach.
//!
//! It stands before the router as a plain service, so that it costs a request no allocation.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::future::Either;
use system_bus_runtime::rejection::Rejection;
use tower_service::Service;

/// A service behind the guard.
#[derive(Clone)]
pub struct Guarded<S> {
    inner: S,
    /// The address listened on, when only this machine can reach it.
    loopback: Option<IpAddr>,
}

impl<S> Guarded<S> {
    /// Guards a service that listens on `address`.
    pub(super) fn new(inner: S, address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { inner, loopback: address.is_loopback().then_some(address) }
    }

    fn refusal(&self, request: &Request) -> Option<&'static str> {
        let headers = request.headers();
        if let Some(origin) = headers.get(ORIGIN)
            && !is_same_origin(origin, headers)
        {
            return Some("requests from other web pages are refused: `Origin` differs from `Host`");
        }
        // A tunnel forwards webhooks under its own name; their signature protects them.
        let loopback = self.loopback?;
        let is_ours = headers.get_all(HOST).iter().all(|host| is_local(host, loopback));
        (!is_ours && !request.uri().path().starts_with("/webhooks/"))
            .then_some("this worker serves its own machine only: `Host` must be `localhost` or the loopback address")
    }
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.refusal(&request) {
            None => Either::Left(self.inner.call(request)),
            Some(reason) => Either::Right(ready(Ok(Rejection::new(StatusCode::FORBIDDEN, reason).into_response()))),
        }
    }
}

/// Whether a page's origin is this server, as the browser addressed it.
fn is_same_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let (bare, port) = match origin.split_once("://") {
        Some(("http", rest)) => (rest, ":80"),
        Some(("https", rest)) => (rest, ":443"),
        _ => return false,
    };
    let plain = |authority: &str| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
        (Some(host), None) => plain(bare) == plain(host),
        _ => false,
    }
}

/// Whether a `Host` names this machine and nothing else. Takes it apart by hand, because a parser would allocate.
fn is_local(host: &HeaderValue, loopback: IpAddr) -> bool {
    let Ok(host) = host.to_str() else { return false };
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |text: &str| text.bytes().all(|letter| letter.is_ascii_digit());
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return false;
    }
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| {
            let address = address.to_canonical();
            address == loopback || address.is_loopback()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn answer(address: IpAddr, path: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(axum::body::Body::empty()).expect("is a request");
        Guarded::new((), address).refusal(&request).is_none()
    }

    #[track_caller]
    fn check(headers: &[(&str, &str)], passes: bool) {
        assert_eq!(answer(Ipv4Addr::LOCALHOST.into(), "/v1/runs", headers), passes, "{headers:?}");
    }

    #[test]
    fn only_local_names_reach_a_loopback_worker() {
        for host in ["localhost", "LOCALHOST:3111", "127.0.0.1:3111", "[::1]:3111", "127.0.0.2"] {
            check(&[("host", host)], true);
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "10.0.0.1",
            "a@127.0.0.1",
            "",
            "127.0.0.1:80@evil.example",
            "[::1].evil.example",
            "[localhost",
        ] {
            check(&[("host", host)], false);
        }
        check(&[("host", "localhost"), ("host", "evil.example")], false);
    }

    #[test]
    fn a_tunnel_reaches_the_webhooks_only() {
        let host = [("host", "abc.tunnel.example")];
        assert!(answer(Ipv4Addr::LOCALHOST.into(), "/webhooks/github", &host));
        assert!(!answer(Ipv4Addr::LOCALHOST.into(), "/e/key", &host));
        assert!(!answer(Ipv4Addr::LOCALHOST.into(), "/webhooks", &host));
        assert!(answer(Ipv4Addr::UNSPECIFIED.into(), "/e/key", &host));
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        check(&[("host", "localhost:3111"), ("origin", "http://localhost:3111")], true);
        check(&[("host", "localhost"), ("origin", "http://localhost:80")], true);
        for origin in ["http://localhost:3000", "https://evil.example", "null", "http://127.0.0.1:3111", "file://"] {
            check(&[("host", "localhost:3111"), ("origin", origin)], false);
        }
        assert!(!answer(
            Ipv4Addr::LOCALHOST.into(),
            "/webhooks/github",
            &[("host", "localhost"), ("origin", "https://evil.example")]
        ));
    }
}
