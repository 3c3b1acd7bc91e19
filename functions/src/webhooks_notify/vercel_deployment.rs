//! What the operator is told of a deployment, whatever has become of it.

use events::vercel::VercelDeployment;
use serde::{Deserialize, Serialize};
use system_bus_runtime::service::Notified;

use crate::text::{beginning, excerpt, or_unknown};

/// A commit's message may be a book; its beginning says what it is about.
const COMMIT_CHARS_MAX: usize = 200;

/// What is passed on of a commit's message; a message to the operator has a bound.
const STORY_CHARS_MAX: usize = 2_000;

/// Longer is no name of a person or a branch.
const NAME_CHARS_MAX: usize = 100;

/// What the operator was told.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The id of the message.
    pub notification_id: String,
    /// Vercel's id of the deployment.
    pub deployment_id: String,
    /// The project's name.
    pub project_name: String,
    /// `production` or `staging`; empty for a preview.
    pub target: String,
}

impl Told {
    pub(super) fn of(deployment: &VercelDeployment, notified: Notified) -> Self {
        Self {
            notification_id: notified.id,
            deployment_id: deployment.deployment_id.clone(),
            project_name: deployment.project_name.clone(),
            target: deployment.target.clone(),
        }
    }
}

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    prompt: &'a str,
    deployment_id: &'a str,
    deployment_url: &'a str,
    project_name: &'a str,
    target: &'a str,
    git_commit_message: String,
    git_branch: &'a str,
}

impl<'a> Message<'a> {
    pub(super) fn of(deployment: &'a VercelDeployment, prompt: &'a str) -> Self {
        Self {
            prompt,
            deployment_id: &deployment.deployment_id,
            deployment_url: &deployment.deployment_url,
            project_name: &deployment.project_name,
            target: &deployment.target,
            git_commit_message: beginning(&deployment.git_commit_message, STORY_CHARS_MAX),
            git_branch: &deployment.git_branch,
        }
    }
}

/// The message in words; `fate` says what has become of the deployment, such as `has begun`.
pub(super) fn prompt(mark: &str, fate: &str, deployment: &VercelDeployment) -> String {
    let target = if deployment.target.is_empty() { "preview" } else { &deployment.target };
    let mut lines =
        vec![format!("## {mark} {}: {target} deployment {fate}", or_unknown(&deployment.project_name)), String::new()];
    lines.extend(commit(deployment).map(|commit| format!("- commit: {commit}")));
    if !deployment.deployment_url.is_empty() {
        lines.push(format!("- address: https://{}", deployment.deployment_url));
    }
    if !deployment.dashboard_url.is_empty() {
        lines.push(format!("- page: {}", deployment.dashboard_url));
    }
    lines.push(format!("- deployment: `{}`", or_unknown(&deployment.deployment_id)));
    lines.join("\n")
}

/// The commit in words, when Vercel knows one.
pub(super) fn commit(deployment: &VercelDeployment) -> Option<String> {
    let message = excerpt(&deployment.git_commit_message, COMMIT_CHARS_MAX);
    let author = excerpt(&deployment.git_commit_author, NAME_CHARS_MAX);
    let branch = excerpt(&deployment.git_branch, NAME_CHARS_MAX);
    (!message.is_empty()).then(|| format!("\"{message}\" by {} on {}", or_unknown(&author), or_unknown(&branch)))
}

/// A deployment for tests.
#[cfg(test)]
pub(super) fn sample() -> VercelDeployment {
    VercelDeployment {
        deployment_id: "dpl_1".to_owned(),
        deployment_url: "site-abc.vercel.app".to_owned(),
        project_name: "site".to_owned(),
        project_id: "prj_1".to_owned(),
        target: "production".to_owned(),
        plan: "pro".to_owned(),
        regions: vec!["sfo1".to_owned()],
        dashboard_url: "https://vercel.com/acme/site/dpl_1".to_owned(),
        project_dashboard_url: "https://vercel.com/acme/site".to_owned(),
        git_commit_sha: "abc123".to_owned(),
        git_commit_message: "fix: x\n\nA long story.".to_owned(),
        git_commit_author: "Ada".to_owned(),
        git_branch: "main".to_owned(),
        git_repo: "acme/site".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_told_in_words() {
        assert_eq!(
            prompt("🔄", "has begun", &sample()),
            "## 🔄 site: production deployment has begun\n\n- commit: \"fix: x A long story.\" by Ada on main\n\
             - address: https://site-abc.vercel.app\n- page: https://vercel.com/acme/site/dpl_1\n- deployment: `dpl_1`"
        );
    }

    #[test]
    fn what_vercel_does_not_send_is_left_out() {
        let bare = VercelDeployment { deployment_id: "dpl_2".to_owned(), ..VercelDeployment::default() };
        assert_eq!(
            prompt("❌", "has failed", &bare),
            "## ❌ unknown: preview deployment has failed\n\n- deployment: `dpl_2`"
        );
    }

    #[test]
    fn a_long_commit_message_is_cut() {
        let deployment = VercelDeployment { git_commit_message: "x".repeat(5_000), ..sample() };
        assert!(prompt("✅", "is done", &deployment).chars().count() < 500);
        assert_eq!(Message::of(&deployment, "").git_commit_message.chars().count(), STORY_CHARS_MAX + 1);
    }
}
