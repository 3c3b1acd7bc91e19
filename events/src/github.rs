//! What GitHub reports by webhook.

use system_bus_runtime::event;

/// A CI run of a repository has ended.
#[event("github/workflow_run.completed", sent_by = "queue-drainer", queued(priority = 1))]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct GithubWorkflowRunCompleted {
    /// What happened to the run; always `completed`.
    pub action: String,
    /// GitHub's id of the delivery, the same when it is delivered again.
    pub delivery_id: String,
    /// GitHub's id of the run, 0 when it is missing.
    pub run_id: u64,
    /// The run's number within its workflow.
    pub run_number: Option<u64>,
    /// The attempt of the run, from 1.
    pub run_attempt: Option<u64>,
    /// GitHub's id of the workflow, 0 when it is missing.
    pub workflow_id: u64,
    /// The workflow's name.
    pub workflow_name: String,
    /// What started the run, such as `push`.
    pub event: String,
    /// The run's status; `completed` once it has ended.
    pub status: String,
    /// How it ended, such as `success` or `failure`.
    pub conclusion: String,
    /// The run's page.
    pub html_url: String,
    /// The API address of the run's jobs.
    pub jobs_url: String,
    /// The API address of the run's logs.
    pub logs_url: String,
    /// The branch of the commit.
    pub branch: String,
    /// The commit.
    pub head_sha: String,
    /// The login of the user who started the run.
    pub actor_login: String,
    /// The repository, as `owner/name`.
    pub repository: String,
    /// The repository's page.
    pub repository_url: String,
    /// The repository that the commit comes from, as `owner/name`; differs for a fork.
    pub head_repository: String,
    /// When the run was made, in RFC 3339.
    pub created_at: String,
    /// When it last changed, in RFC 3339.
    pub updated_at: String,
    /// When it ended, in RFC 3339.
    pub completed_at: String,
}

/// A version of a package was published.
#[event("github/package.published")]
#[serde(rename_all = "camelCase")]
#[derive(Default, PartialEq)]
pub struct GithubPackagePublished {
    /// What happened to the package; always `published`.
    pub action: String,
    /// The package registry's kind, such as `npm`.
    pub ecosystem: String,
    /// The package's name.
    pub package_name: String,
    /// The package's type, such as `container`.
    pub package_type: String,
    /// The package's page.
    pub package_html_url: String,
    /// The published version.
    pub version_name: String,
    /// The version's page.
    pub version_html_url: String,
    /// The repository, as `owner/name`.
    pub repository: String,
    /// The repository's page.
    pub repository_url: String,
    /// The login of the user who published it.
    pub sender: String,
}
