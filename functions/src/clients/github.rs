//! What GitHub's REST interface tells of a workflow run (`docs.github.com/en/rest/actions/artifacts`).

use system_bus_runtime::function::Context;
use system_bus_runtime::prelude::*;

use super::api::{Api, secrets};

const BASE: &str = "https://api.github.com";

/// A token that may read the repositories' actions.
const TOKEN: SecretSource = SecretSource { variables: &["GITHUB_TOKEN"], lease: None };

/// Artefacts that are asked for: more do not fit into a message.
const ARTIFACTS_MAX: &str = "50";

/// Asks GitHub. Call it inside a step.
#[derive(Clone)]
pub struct Github {
    api: Api,
}

/// A file that a workflow run has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// GitHub's id of it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    #[serde(alias = "size_in_bytes")]
    pub size_in_bytes: u64,
    /// Whether it is gone.
    pub expired: bool,
    /// Where to get it, with a token.
    #[serde(alias = "archive_download_url")]
    pub archive_download_url: String,
    /// What tells more of it.
    pub url: String,
    /// When it was made, in RFC 3339.
    #[serde(default, alias = "created_at", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When it goes, in RFC 3339.
    #[serde(default, alias = "expires_at", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

#[derive(Deserialize)]
struct Artifacts {
    artifacts: Vec<Artifact>,
}

impl Github {
    /// GitHub at another address, with the token among these secrets.
    pub fn new(base: impl Into<String>, secrets: Secrets) -> Self {
        Self { api: Api::new("github", base, TOKEN, secrets) }
    }

    /// The first artefacts of a workflow run of the repository `owner/name`
    /// (`GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts`).
    pub async fn artifacts(&self, repository: &str, run: u64) -> Result<Vec<Artifact>> {
        let parts = repository.split_once('/').filter(|(_, name)| !name.contains('/'));
        let (Some((owner, name)), 1..) = (parts, run) else {
            return Err(Error::terminal(format!("run {run} of `{repository}` is no workflow run of a repository")));
        };
        let run = run.to_string();
        let path = ["repos", owner, name, "actions", "runs", &run, "artifacts"];
        let query = [("per_page", ARTIFACTS_MAX)];
        let found: Artifacts = self.api.get(&path, &query).await?;
        Ok(found.artifacts)
    }
}

impl FromContext for Github {
    fn from_context(context: &Context) -> Result<Self> {
        context.service().or_else(|_| secrets(context).map(|secrets| Self::new(BASE, secrets)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clients::vendor::{Answer, Vendor, secrets};

    #[tokio::test]
    async fn the_artefacts_of_a_run_are_asked_for() {
        let vendor = Vendor::start(|_| {
            let artifact = json!({
                "id": 11, "node_id": "x", "name": "report", "size_in_bytes": 42, "expired": false,
                "url": "https://api.example/11", "archive_download_url": "https://api.example/11/zip",
                "created_at": "2026-01-31T09:00:00Z", "expires_at": null,
            });
            Answer::json(&json!({ "total_count": 1, "artifacts": [artifact] }))
        })
        .await;
        let github = Github::new(vendor.base(), secrets([("GITHUB_TOKEN", "t")]));
        let artifacts = github.artifacts("acme/widgets", 987).await.expect("is answered");
        assert_eq!(vendor.lines(), ["GET /repos/acme/widgets/actions/runs/987/artifacts?per_page=50"]);
        assert_eq!(vendor.requests()[0].header("authorization"), "Bearer t");
        let stored = json!([{
            "id": 11, "name": "report", "sizeInBytes": 42, "expired": false, "url": "https://api.example/11",
            "archiveDownloadUrl": "https://api.example/11/zip", "createdAt": "2026-01-31T09:00:00Z",
        }]);
        assert_eq!(serde_json::to_value(&artifacts).expect("is JSON"), stored);
        assert_eq!(serde_json::from_value::<Vec<Artifact>>(stored).expect("is read back"), artifacts);
    }

    #[tokio::test]
    async fn what_is_no_run_of_a_repository_is_not_asked_for() {
        let github = Github::new("http://localhost:1", secrets([("GITHUB_TOKEN", "t")]));
        for (repository, run) in
            [("widgets", 1), ("acme/widgets/more", 1), ("acme/widgets", 0), ("acme/..", 1), ("", 1)]
        {
            let error = github.artifacts(repository, run).await.expect_err("is refused");
            assert!(!error.is_retryable(), "{repository} {run}: {error}");
        }
    }
}
