//! The protocol's HTTP headers (`SDK_SPEC.md` §4.1.1) and those that the servers and SDKs use beyond it.

use http::{HeaderName, HeaderValue};

/// Name and version of the SDK.
pub const SDK: HeaderName = HeaderName::from_static("x-inngest-sdk");
/// The signature of a body.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-inngest-signature");
/// The branch environment.
pub const ENV: HeaderName = HeaderName::from_static("x-inngest-env");
/// The platform that hosts the SDK.
pub const PLATFORM: HeaderName = HeaderName::from_static("x-inngest-platform");
/// The HTTP framework that exposes the SDK.
pub const FRAMEWORK: HeaderName = HeaderName::from_static("x-inngest-framework");
/// Whether a failure is final.
pub const NO_RETRY: HeaderName = HeaderName::from_static("x-inngest-no-retry");
/// The execution version.
pub const REQ_VERSION: HeaderName = HeaderName::from_static("x-inngest-req-version");
/// The kind of server that sends a request.
pub const SERVER_KIND: HeaderName = HeaderName::from_static("x-inngest-server-kind");
/// The kind of server that a registration is meant for.
pub const EXPECTED_SERVER_KIND: HeaderName = HeaderName::from_static("x-inngest-expected-server-kind");
/// Whether functions travel in the answer to a sync request.
pub const SYNC_KIND: HeaderName = HeaderName::from_static("x-inngest-sync-kind");
/// What the ids of events are derived from, so that a repeated send is one.
pub const EVENT_ID_SEED: HeaderName = HeaderName::from_static("x-inngest-event-id-seed");
/// Tells an answer of an SDK from one of something before it, as the Go SDK does.
pub const SDK_HANDLED: HeaderName = HeaderName::from_static("x-inngest-sdk-handled");

/// The language part of [`SDK`].
pub const SDK_LANGUAGE: &str = "system-bus";
/// The version part of [`SDK`].
pub const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Name and version of the SDK, as the protocol writes them.
pub const SDK_TEXT: &str = concat!("system-bus:v", env!("CARGO_PKG_VERSION"));
/// The value of [`SDK`].
pub const SDK_VALUE: HeaderValue = HeaderValue::from_static(SDK_TEXT);
/// The value of [`FRAMEWORK`].
pub const FRAMEWORK_NAME: &str = "axum";
/// The value of [`REQ_VERSION`]: the only one that the specification has.
pub const REQ_VERSION_VALUE: HeaderValue = HeaderValue::from_static("2");

/// The platform this process runs on, by the variables that platforms set (`SDK_SPEC.md` §3.2).
pub fn platform() -> Option<&'static str> {
    const PLATFORMS: [(&str, &str); 6] = [
        ("VERCEL", "vercel"),
        ("NETLIFY", "netlify"),
        ("CF_PAGES", "cloudflare-pages"),
        ("RENDER", "render"),
        ("RAILWAY_ENVIRONMENT", "railway"),
        ("KUBERNETES_SERVICE_HOST", "kubernetes"),
    ];
    PLATFORMS.into_iter().find(|(variable, _)| std::env::var_os(variable).is_some()).map(|(_, name)| name)
}
