//! What the site publishes, and what its readers think of it.

use system_bus_runtime::event;

/// Somebody has finished a review of a piece of content.
#[event("content/review.submitted", sent_by = "web-app")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct ContentReviewSubmitted {
    /// The piece's place on the site.
    pub content_slug: String,
    /// What the piece is, in the site's words, such as `adr`, `post`, `discovery` or `video-note`.
    pub content_type: String,
    /// Who sends it, such as `joelclaw-web`.
    pub source: String,
    /// The site's id of the piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
}

/// Content of the site has changed.
#[event("content/updated", sent_by("queue-drainer", "content-watcher"), queued(priority = 1))]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct ContentUpdated {
    /// Who noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// All that has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
}
