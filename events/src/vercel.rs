//! What Vercel reports of deployments by webhook.
//!
//! The six events have one shape; text that Vercel does not send is empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// A deployment has begun.
#[event("vercel/deploy.created")]
#[derive(Default, PartialEq)]
pub struct VercelDeployCreated {
    /// The deployment.
    #[serde(flatten)]
    pub deployment: VercelDeployment,
}

/// A deployment has ended well.
#[event("vercel/deploy.succeeded")]
#[derive(Default, PartialEq)]
pub struct VercelDeploySucceeded {
    /// The deployment.
    #[serde(flatten)]
    pub deployment: VercelDeployment,
}

/// A deployment has failed.
#[event("vercel/deploy.error", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct VercelDeployError {
    /// The deployment.
    #[serde(flatten)]
    pub deployment: VercelDeployment,
}

/// A deployment was stopped before its end.
#[event("vercel/deploy.canceled")]
#[derive(Default, PartialEq)]
pub struct VercelDeployCanceled {
    /// The deployment.
    #[serde(flatten)]
    pub deployment: VercelDeployment,
}

/// A deployment can be visited.
#[event("vercel/deploy.ready", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct VercelDeployReady {
    /// The deployment.
    #[serde(flatten)]
    pub deployment: VercelDeployment,
}

/// A deployment now serves the project's production domains.
#[event("vercel/deploy.promoted")]
#[derive(Default, PartialEq)]
pub struct VercelDeployPromoted {
    /// The deployment.
    #[serde(flatten)]
    pub deployment: VercelDeployment,
}

/// A deployment, as all its events describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VercelDeployment {
    /// Vercel's id of the deployment.
    pub deployment_id: String,
    /// The deployment's own address, without a scheme.
    #[serde(default)]
    pub deployment_url: String,
    /// The project's name.
    #[serde(default)]
    pub project_name: String,
    /// Vercel's id of the project.
    #[serde(default)]
    pub project_id: String,
    /// `production` or `staging`; empty for a preview.
    #[serde(default)]
    pub target: String,
    /// The plan of the team.
    #[serde(default)]
    pub plan: String,
    /// The regions that it runs in.
    #[serde(default)]
    pub regions: Vec<String>,
    /// The deployment's page.
    #[serde(default)]
    pub dashboard_url: String,
    /// The project's page.
    #[serde(default)]
    pub project_dashboard_url: String,
    /// The commit.
    #[serde(default)]
    pub git_commit_sha: String,
    /// The commit's message.
    #[serde(default)]
    pub git_commit_message: String,
    /// The commit's author.
    #[serde(default)]
    pub git_commit_author: String,
    /// The branch of the commit.
    #[serde(default)]
    pub git_branch: String,
    /// The repository, as `owner/name`.
    #[serde(default)]
    pub git_repo: String,
}
