//! What somebody came across and wants to keep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// Something worth keeping was noted.
#[event("discovery/noted", sent_by("cli", "gateway", "queue-drainer"), queued(priority = 2, dedup = "60s"))]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct DiscoveryNoted {
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the finder says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The site that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<DiscoverySite>,
    /// Who may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<DiscoveryVisibility>,
}

/// A site that discoveries are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiscoverySite {
    /// The operator's own.
    Joelclaw,
    /// The other one.
    Wizardshit,
    /// Both.
    Shared,
}

/// Who may see a discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiscoveryVisibility {
    /// Everybody.
    Public,
    /// The operator.
    Private,
    /// Nobody any more.
    Archived,
    /// It is only there to be moved.
    MigrationOnly,
}

/// A discovery was written down.
#[event("discovery/captured", sent_by = "queue-drainer", queued(priority = 2, dedup = "60s"))]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct DiscoveryCaptured {
    /// The note's path in the vault.
    pub vault_path: String,
    /// What it is about.
    pub topic: String,
    /// The note's place on the site.
    pub slug: String,
    /// The site that it is for.
    pub site: String,
    /// Who may see it.
    pub visibility: String,
    /// The note's address on the site.
    pub final_link: String,
    /// The address of what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Whether all of it could be written down: `ok` or `degraded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_status: Option<String>,
    /// What could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded_reason: Option<String>,
}
