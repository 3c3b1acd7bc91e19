//! Requests that the engine makes for a function: `step.fetch` and `step.ai().infer`.
//!
//! A request may hold secrets, so it is never stored and its debug form shows none of them; only its result is stored.

mod fetch;
mod infer;

pub use fetch::{FetchRequest, FetchResponse};
pub use infer::{InferFormat, InferRequest};

/// An address as it may be shown: without user, password, query and fragment, any of which can hold a secret.
fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (url, expected) in [
            ("https://ada:pw@api.example/v1/a?key=s3cret#frag", "https://api.example/v1/a"),
            ("https://api.example", "https://api.example"),
            ("https://api.example/a@b", "https://api.example/a@b"),
            ("no address?key=s3cret", "no address"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn a_request_prints_no_secret() {
        let fetch = FetchRequest::post("https://ada:s3cret@api.example/a?key=s3cret")
            .header("authorization", "Bearer s3cret")
            .text("s3cret");
        let infer = InferRequest::anthropic("s3cret", json!({"model": "m", "metadata": "s3cret"}))
            .url("https://api.example/?key=s3cret")
            .header("x-other", "s3cret");
        for text in [format!("{fetch:?}"), format!("{infer:?}"), format!("{infer:#?}")] {
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert!(format!("{fetch:?}").contains("https://api.example/a"), "{fetch:?}");
        assert!(format!("{fetch:?}").contains("authorization"), "{fetch:?}");
    }
}
